"""All checks, in the order in which an operator mends things."""

from collections.abc import Callable, Iterator

from gateway.doctor import network, people, providers, stores
from gateway.doctor.check import Check, failure, ok

_LOOKS: tuple[tuple[str, Callable[[], Iterator[Check]], str], ...] = (
    ("database", stores.database, "Start it, or correct DATABASE_URL."),
    ("replica", stores.replica, "Start it, or correct DATABASE_REPLICA_URL."),
    ("redis", stores.redis, "Start it, or correct REDIS_URL."),
    ("broker", stores.broker, "Start it, or correct CELERY_BROKER_URL."),
    ("disk", stores.disk, "Make the folder, and let the service write to it."),
    ("dns", network.names, "Check this machine's DNS."),
    ("certificates", network.certificates, "Check the addresses of the providers."),
    ("credentials", providers.credentials, "Look at the credentials of the providers."),
    ("mail", people.mail, "Correct EMAIL_URL."),
    ("payments", people.payments, "Look at the variables of YOOKASSA."),
    ("proxy", people.proxy, "Look at TRUSTED_PROXIES and CLOUDFLARE."),
)


def examine() -> Iterator[Check]:
    """Look at everything; what cannot even be looked at is a failure."""
    yield ok("settings", "Every variable is accepted.")
    for name, look, remedy in _LOOKS:
        try:
            yield from look()
        except Exception as error:
            yield failure(name, f"{type(error).__name__}: {error}", remedy)
