"""Find a customer by an e-mail or its beginning, a number, the beginning of a key, a payment or a request."""

import contextlib
import re
from collections.abc import Iterable

from accounts import users
from accounts.errors import InvalidEmail
from accounts.keys import lookup
from accounts.users import Account
from billing.payments import top_ups
from billing.usage import generations

LARGEST_ID = 2**63 - 1
MOST_DIGITS = 19
MOST_PAYMENT_CHARS = 64
MOST_FOUND = 20
_KEY_HEAD = re.compile(r"xr-(?:live|test)-[0-9A-Za-z]{0,64}")


def accounts_of(word: str, *, most: int = MOST_FOUND) -> Iterable[Account]:
    """Return the accounts that a word may mean, `most` at most; all for none. Raises django.db.Error."""
    if (ids := _named(word)) is not None:
        return users.find_accounts(ids)
    return users.accounts_by_email_head(word, most=most)


def _named(word: str) -> list[int] | None:
    """Return the ids of the accounts that a word names; None where it can only begin an e-mail."""
    if word.isascii() and word.isdigit() and len(word) <= MOST_DIGITS and int(word) <= LARGEST_ID:
        return [int(word)]
    if "@" in word:
        with contextlib.suppress(InvalidEmail):
            if (person := users.find(email=word)) is not None:
                return [account.pk for account in person.accounts.all()]
    if _KEY_HEAD.fullmatch(word):
        return lookup.accounts_by_head(word)
    if (generation_id := generations.parse_public_id(word)) is not None:
        owner = generations.account_of(generation_id)
        return [] if owner is None else [owner]
    payment = top_ups.find(word) if 0 < len(word) <= MOST_PAYMENT_CHARS else None
    return None if payment is None else [payment.account_id]
