"""How passwords are hashed: Argon2id at a cost that a flood of log-ins cannot turn against us."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2Hasher(Argon2PasswordHasher):
    """19 MiB, two passes, one lane; Django's own 100 MiB a log-in would exhaust a small host."""

    memory_cost = 19_456
    time_cost = 2
    parallelism = 1
