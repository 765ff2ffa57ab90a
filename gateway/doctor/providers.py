"""Each credential of each provider, tried as it would be used; the clock; the sandbox."""

from collections.abc import Iterator

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import translation

from gateway.doctor.check import Check, failure, ok, warning
from gateway.providers.errors import ProviderError
from gateway.providers.registry import BUILT_IN
from gateway.upstreams import pool
from gateway.upstreams.adapters import built
from gateway.upstreams.pool import PooledCredential, PoolUnavailable
from gateway.upstreams.trial import explained, try_out
from infra.secret_box import SecretUnreadable

MOST_AHEAD_S = 60.0
"""From here on the providers' tokens seem expired or not yet valid."""


def credentials() -> Iterator[Check]:
    """Try every enabled credential: token and model list, at its own addresses."""
    ahead_s: list[float] = []
    found = known()
    for credential in found:
        yield from _tried(credential, ahead_s)
    if not found:
        yield _without_credentials()
    if ahead_s:
        yield _clock(max(ahead_s, key=abs))


def known() -> list[PooledCredential]:
    """Return the enabled credentials; while the database cannot be read, those of the environment."""
    try:
        return pool.enabled()
    except PoolUnavailable:
        return pool.of_environment()


def _tried(credential: PooledCredential, ahead_s: list[float]) -> Iterator[Check]:
    name = f"credential {credential.provider}/{credential.name}"
    try:
        adapter = built(credential)
    except (ImproperlyConfigured, SecretUnreadable, ValueError, OSError) as error:
        yield failure(name, f"It cannot be used: {error}", _where(credential))
        return
    try:
        trial = try_out(adapter)
    except ProviderError as error:
        with translation.override("en"):
            cause = explained(error)
        yield failure(name, cause, _where(credential))
        return
    finally:
        adapter.close()
    if trial.ahead_s is not None:
        ahead_s.append(trial.ahead_s)
    yield ok(name, f"It is accepted; {len(trial.models)} models are listed.")


def _where(credential: PooledCredential) -> str:
    if credential.sealed is not None or credential.provider not in BUILT_IN:
        return "Correct or disable it in /admin/, provider credentials."
    built_in = BUILT_IN[credential.provider]
    names = (built_in.secret, built_in.secret_file, *built_in.settings.values())
    return f"Look at {', '.join(filter(None, names))}."


def _without_credentials() -> Check:
    try:
        pool.is_empty()
    except PoolUnavailable:
        return warning(
            "credentials",
            "The environment has none, and those of the database cannot be read.",
            "Mend the database first.",
        )
    remedy = "Set GIGACHAT_CREDENTIALS or YANDEX_API_KEY, or add one in /admin/."
    if settings.IS_HTTPS and not settings.SANDBOX:
        return failure(
            "credentials", "There is none: live keys get 503 no_provider_available.", remedy
        )
    return warning("credentials", "There is none: the sandbox answers everybody.", remedy)


def _clock(ahead_s: float) -> Check:
    direction = "ahead of" if ahead_s > 0 else "behind"
    message = f"This machine is {abs(ahead_s):.0f} s {direction} the providers."
    if abs(ahead_s) < MOST_AHEAD_S:
        return ok("clock", message)
    return failure("clock", message, "Set the clock: run an NTP client, such as chrony.")
