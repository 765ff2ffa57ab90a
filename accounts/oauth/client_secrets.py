"""The secrets of confidential applications: random, so that SHA-256 protects them as well as a slow hash."""

import secrets

from accounts.keys.key_format import digest_of, make_secret

SECRET_PREFIX = "xr-secret-"  # noqa: S105 -- it is public


def new_secret() -> str:
    """Return a new raw secret."""
    return make_secret(SECRET_PREFIX)


def is_secret(raw: str, digest: str) -> bool:
    """Say whether the secret matches `digest`; an empty digest matches none."""
    return bool(digest) and secrets.compare_digest(digest_of(raw), digest)
