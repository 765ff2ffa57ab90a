"""What the first completion of a process would wait for: connections, and statements to be prepared."""

import logging
import uuid
from contextlib import suppress

from accounts.errors import CredentialStoreUnavailable, InvalidCredential
from accounts.keys.credentials import credentials
from accounts.keys.key_format import digest_of
from accounts.principal import Principal
from billing.errors import AlreadySettled, MoneyStoreUnavailable, StillSettling, UnknownAccount
from billing.ledger import balances, writer
from billing.ledger.holds import HoldRequest, PlacedHold
from billing.ledger.settlement import Settlement
from billing.limits import request_limits
from billing.limits.request_limits import LimitStoreUnavailable
from billing.usage.generations import GenerationFacts

NOBODY = Principal(
    account_id=0, user_id=0, credential_kind="key", credential_id=0, scopes=frozenset(), label=""
)

logger = logging.getLogger(__name__)


def warm_up() -> None:
    """Ask of each store what a completion asks, for an account that there is not.

    Nothing is counted or written. A store that does not answer is logged; the requests try again.
    """
    for ask in (_find_key, _read_balance, _judge, _hold, _settle):
        try:
            ask()
        except (CredentialStoreUnavailable, MoneyStoreUnavailable, LimitStoreUnavailable) as error:
            logger.warning("A store is not ready for the first request: %s", error)


def _find_key() -> None:
    with suppress(InvalidCredential):
        credentials.get("key", digest_of(""))
    credentials.catch_up()


def _read_balance() -> None:
    balances.recent(NOBODY.account_id)


def _judge() -> None:
    tier = request_limits.tier_of(1)
    request_limits.judge(NOBODY.account_id, None, tier, NOBODY.limits)


def _hold() -> None:
    with suppress(UnknownAccount):
        writer.hold(HoldRequest(uuid.uuid4(), NOBODY, "", wanted_nano=1, least_nano=1))


def _settle() -> None:
    hold = PlacedHold(uuid.uuid4(), NOBODY.account_id, 1, 0, 0)
    with suppress(AlreadySettled, StillSettling):
        writer.settle(Settlement(hold, "void", 0, GenerationFacts("")))
