"""Try a credential at its own addresses: a token, and a list of models. Never a call that costs."""

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from django.utils.translation import gettext as _

from gateway.providers.base import Adapter
from gateway.providers.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderRateLimited,
    ProviderTimeout,
)

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class CredentialTrial:
    """What an accepted credential may use, and how far this machine's clock is ahead of the provider's.

    `ahead_s` None: the provider named no time.
    """

    models: tuple[str, ...]
    ahead_s: float | None


def try_out(adapter: Adapter, *, timeout_s: float = TIMEOUT_S) -> CredentialTrial:
    """Ask the provider. Raises ProviderError."""
    found = adapter.list_models(timeout_s=timeout_s)
    return CredentialTrial(found.ids, _ahead_s(found.date))


def explained(error: ProviderError) -> str:
    """Say to an operator, in one line of the present language, what is wrong and what to do about it."""
    said = f" {_('The provider says: %(words)s') % {'words': error.raw}}" if error.raw else ""
    match error:
        case _ if error.cause:
            return error.cause
        case ProviderAuthError(status=402):
            return _("It is not paid for (402): buy tokens or top up at the provider.") + said
        case ProviderAuthError(status=403):
            text = _("It is accepted and may not do this (403): check its role, scope and folder.")
            return text + said
        case ProviderAuthError():
            text = _(
                "It is not accepted (%(status)s): it is wrong, revoked, expired or of another scope."
            )
            return text % {"status": error.status} + said
        case ProviderRateLimited():
            text = _("The provider has had too many requests of it (429): try again later.")
            return text + said
        case ProviderTimeout():
            return _("The provider did not answer in time: check the address and the network.")
    return f"{error.message}{said}"


def _ahead_s(date: str) -> float | None:
    try:
        return time.time() - parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError):
        return None
