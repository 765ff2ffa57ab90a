"""People: how one comes to be, and how one is found."""

from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.email_address import checked_email, fold_email, sign_in_email
from accounts.errors import EmailTaken
from accounts.models import Account, User


def register(*, email: str, password: str | None = None, is_confirmed: bool = True) -> Account:
    """Create a user and the account that pays for them, and return the account.

    Raises InvalidEmail and EmailTaken.
    """
    address = checked_email(email)
    try:
        user = User.objects.create_user(address, password, is_confirmed=is_confirmed)
    except IntegrityError:
        raise EmailTaken from None
    return own_account(user)


def find(*, email: str) -> User | None:
    """Return the user with this e-mail, in any spelling. Raises InvalidEmail."""
    return User.objects.filter(email_folded=fold_email(checked_email(email))).first()


def change_email(*, user: User, email: str) -> bool:
    """Let the user be known by another address, which they have confirmed; say whether it is another.

    Call inside a transaction. Raises EmailTaken.
    """
    address = checked_email(email)
    known_as = user.email
    if sign_in_email(address) == sign_in_email(known_as):
        return False
    try:
        with transaction.atomic():
            User.objects.filter(pk=user.pk).update(email=address, email_folded=fold_email(address))
    except IntegrityError:
        raise EmailTaken from None
    Account.objects.filter(owner=user, name=known_as).update(name=address)
    user.refresh_from_db(fields=["email", "email_folded"])
    return True


def own_account(user: User) -> Account:
    """Return the account that was made together with the user."""
    return Account.objects.select_related("owner").filter(owner=user).earliest("pk")


def count_new(since: datetime, until: datetime) -> int:
    """Return how many people signed up in a time."""
    return User.objects.filter(date_joined__gte=since, date_joined__lt=until).count()
