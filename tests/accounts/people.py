"""An account and a key of its, as most tests here begin."""

from accounts import users
from accounts.keys import issuing
from accounts.models import Account, APIKey

NATASHA = "natasha@example.ru"


def new_key(email: str = NATASHA, **options) -> tuple[APIKey, str]:
    """Return a key of the person's own account, and its raw text."""
    account = account_of(email)
    return issuing.issue(account=account, user=account.owner, name="shell", **options)


def account_of(email: str = NATASHA) -> Account:
    """Return the person's account; a new person is registered."""
    user = users.find(email=email)
    return users.own_account(user) if user else users.register(email=email)
