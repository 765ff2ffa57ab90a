"""A process of its own that does what its standard input says, a line each, and answers a line.

`issue EMAIL` answers a raw key; `ask KEY` the name of the refusal, or `good`; `revoke`, `disable`,
`suspend` and `shut-out` take a KEY and answer `done`.
"""

import sys

import django

django.setup()

from accounts import suspension  # noqa: E402
from accounts.errors import (  # noqa: E402
    AccountSuspended,
    CredentialStoreUnavailable,
    InvalidCredential,
)
from accounts.keys import issuing  # noqa: E402
from accounts.keys.bearer import authenticate  # noqa: E402
from accounts.keys.key_format import digest_of  # noqa: E402
from accounts.models import APIKey  # noqa: E402
from tests.accounts.people import new_key  # noqa: E402


def answer(verb: str, subject: str) -> str:
    if verb == "issue":
        return new_key(subject)[1]
    if verb == "ask":
        try:
            authenticate(f"Bearer {subject}")
        except (InvalidCredential, AccountSuspended, CredentialStoreUnavailable) as refusal:
            return type(refusal).__name__
        return "good"
    key = APIKey.objects.get(digest=digest_of(subject))
    if verb == "revoke":
        issuing.revoke(key=key)
    elif verb == "disable":
        issuing.edit(key=key, disabled=True)
    elif verb == "suspend":
        suspension.suspend(account=key.account, reason="spam")
    else:
        suspension.set_active(user=key.user, is_active=False)
    return "done"


for line in sys.stdin:
    print(answer(*line.split()), flush=True)  # noqa: T201
