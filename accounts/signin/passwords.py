"""The password hasher: Argon2id at a cost that a flood of logins cannot exploit."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2Hasher(Argon2PasswordHasher):
    """19 MiB, two passes, one lane; Django's 100 MiB per login would exhaust a small host."""

    memory_cost = 19_456
    time_cost = 2
    parallelism = 1
