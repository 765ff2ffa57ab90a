"""People: how one comes to be, and how one is found."""

from django.db import IntegrityError

from accounts.email_address import checked_email, fold_email
from accounts.errors import EmailTaken
from accounts.models import Account, User


def register(*, email: str, password: str | None = None) -> Account:
    """Create a user and the account that pays for them, and return the account.

    Raises InvalidEmail and EmailTaken.
    """
    address = checked_email(email)
    try:
        user = User.objects.create_user(address, password)
    except IntegrityError:
        raise EmailTaken from None
    return own_account(user)


def find(*, email: str) -> User | None:
    """Return the user with this e-mail, in any spelling. Raises InvalidEmail."""
    return User.objects.filter(email_folded=fold_email(checked_email(email))).first()


def own_account(user: User) -> Account:
    """Return the account that was made together with the user."""
    return Account.objects.select_related("owner").filter(owner=user).earliest("pk")
