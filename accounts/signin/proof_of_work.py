"""A task for a browser whose network signs up often: a second of its time, and thousands for a farm.

It is made and checked here, by no third party. Of PARTS small tasks each has a solution after some
2 ** BITS attempts, so that all of them together take nearly the same time for everybody.
"""

import hashlib
import secrets

from django.core.cache import cache
from django.core.signing import BadSignature, TimestampSigner

PARTS = 16
BITS = 13
LIFE_S = 1800
PROOF_MAX_CHARS = 512

_SALT = "accounts.signin.proof_of_work"


def new_challenge() -> str:
    """Return a task; nothing is stored until it is solved."""
    return TimestampSigner(salt=_SALT).sign(secrets.token_urlsafe(12))


def is_solved(proof: str) -> bool:
    """Say whether a proof, a challenge and its solutions `challenge n,n,…`, is right; it is good once."""
    challenge, _, solutions = proof[:PROOF_MAX_CHARS].partition(" ")
    numbers = solutions.split(",")
    if len(numbers) != PARTS or not all(
        number.isascii() and number.isdigit() for number in numbers
    ):
        return False
    try:
        TimestampSigner(salt=_SALT).unsign(challenge, max_age=LIFE_S)
    except BadSignature:
        return False
    if not all(is_solution(challenge, part, number) for part, number in enumerate(numbers)):
        return False
    name = hashlib.sha256(challenge.encode()).hexdigest()
    return bool(cache.add(f"proof-of-work:{name}", True, LIFE_S))


def is_solution(challenge: str, part: int, number: str) -> bool:
    """Say whether the hash of the seed, the part and the number begins with BITS zeros."""
    seed = hashlib.sha256(challenge.encode()).hexdigest()[:32]
    digest = hashlib.sha256(f"{seed}:{part}:{number}".encode()).digest()
    return int.from_bytes(digest[:4]) >> (32 - BITS) == 0
