"""Find a customer by an e-mail or its beginning, a number, the beginning of a key, a payment or a request."""

import contextlib
import re

from accounts import users
from accounts.errors import InvalidEmail
from accounts.keys import lookup
from billing.payments import top_ups
from billing.usage import generations

LARGEST_ID = 2**63 - 1
MOST_PAYMENT_CHARS = 64
MOST_FOUND = 20
_KEY_HEAD = re.compile(r"xr-(?:live|test)-[0-9A-Za-z]{0,64}")


def accounts_of(word: str) -> list[int]:
    """Return the ids of the accounts that a word may mean, a few at most. Raises django.db.Error."""
    word = word.strip()
    if not word:
        return []
    if word.isascii() and word.isdigit() and int(word) <= LARGEST_ID:
        found = users.find_account(int(word))
        return [found.pk] if found is not None else []
    if "@" in word:
        with contextlib.suppress(InvalidEmail):
            if (person := users.find(email=word)) is not None:
                return [account.pk for account in person.accounts.all()]
    if _KEY_HEAD.fullmatch(word):
        return lookup.accounts_by_head(word)
    if (generation_id := generations.parse_public_id(word)) is not None:
        owner = generations.account_of(generation_id)
        return [] if owner is None else [owner]
    payment = top_ups.find(word) if len(word) <= MOST_PAYMENT_CHARS else None
    if payment is not None:
        return [payment.account_id]
    return users.accounts_by_email_head(word, most=MOST_FOUND)
