"""Rate and concurrency limits of requests: in Redis, in memory, and in the database."""
