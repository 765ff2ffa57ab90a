"""Tells the operator that the shop does not answer, or refuses payments: once at its beginning and its end.

Who meets a fault only notes it in the shared cache; the job that polls payments tells of it, off the
requests' path.
"""

import logging
import time

from django.core.cache import cache
from django.utils.translation import gettext as _

from billing.errors import NoShop, PaymentProviderAway
from billing.payments import yookassa
from infra import incidents

AWAY, REFUSING = "shop-away", "shop-refusing"
"""The incidents."""
TOLD_AFTER_S = 60
"""What is over sooner is no outage."""

_AWAY_SINCE, _REFUSED_WITH = "shop:away-since", "shop:refused-with"

logger = logging.getLogger(__name__)


def away(error: PaymentProviderAway | NoShop) -> None:
    """Note that the shop gave no answer, and log it unless that is known."""
    if cache.add(_AWAY_SINCE, time.time(), timeout=None):
        logger.warning("The payment shop is away: %s", error)


def refused(error: PaymentProviderAway) -> None:
    """Note that the shop would not make a payment."""
    cache.set(_REFUSED_WITH, str(error), timeout=None)


def made() -> None:
    """Note that the shop has made a payment."""
    cache.delete(_REFUSED_WITH)


def tell() -> None:
    """Open the incidents of faults that were noted, and close those of what is over."""
    if yookassa.is_configured():
        _tell_of_outage()
        _tell_of_refusals()


def _tell_of_outage() -> None:
    since_s = cache.get(_AWAY_SINCE)
    if since_s is None:
        return
    try:
        yookassa.check_access()
    except PaymentProviderAway as error:
        if time.time() - since_s >= TOLD_AFTER_S:
            text = _("%(error)s Nobody can top up; what is paid is credited later.")
            subject = _("XRouter: the payment shop does not answer")
            incidents.begin(AWAY, subject, text % {"error": error})
        return
    cache.delete(_AWAY_SINCE)
    incidents.end(
        AWAY, _("XRouter: the payment shop answers again"), _("The payment shop answers again.")
    )


def _tell_of_refusals() -> None:
    error = cache.get(_REFUSED_WITH)
    if error is not None:
        text = _("%(error)s Look at the shop and at the YOOKASSA_ variables.") % {"error": error}
        incidents.begin(REFUSING, _("XRouter: the payment shop refuses payments"), text)
    else:
        incidents.end(
            REFUSING,
            _("XRouter: the payment shop makes payments again"),
            _("The payment shop has made a payment again."),
        )
