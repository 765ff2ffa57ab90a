"""The environment's variables about providers, read from Django's settings."""

from django.conf import settings

from gateway.providers.registry import Timeouts


def variable(name: str) -> str:
    """Return an environment variable, or the default that settings give it."""
    return str(getattr(settings, name))


def timeouts() -> Timeouts:
    """Return the time limits of requests to providers."""
    return {
        "connect_timeout_s": settings.UPSTREAM_CONNECT_TIMEOUT_S,
        "read_timeout_s": settings.UPSTREAM_READ_TIMEOUT_S,
    }
