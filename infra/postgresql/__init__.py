"""Django's PostgreSQL backend, with the session's time-outs as settings of each connection."""
