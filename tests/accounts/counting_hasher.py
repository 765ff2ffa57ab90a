"""A password hasher that counts how often it was asked: the work that an answer costs."""

from typing import ClassVar

from django.contrib.auth.hashers import MD5PasswordHasher


class CountingHasher(MD5PasswordHasher):
    calls: ClassVar[int] = 0

    def encode(self, password, salt):
        type(self).calls += 1
        return super().encode(password, salt)
