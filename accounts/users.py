"""People and their accounts: create, find, change the e-mail, lock."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.email_address import checked_email, fold_email, mailbox_of, sign_in_email
from accounts.errors import AccountSuspended, EmailTaken
from accounts.models import Account as Account
from accounts.models import User as User

ROWS_AT_ONCE = 1_000


def register(
    *,
    email: str,
    password: str | None = None,
    is_confirmed: bool = True,
    is_one_a_mailbox: bool = False,
) -> Account:
    """Create a user and the account that pays for them, and return the account.

    `is_one_a_mailbox` takes an address of a mailbox that has an account for taken. Raises InvalidEmail and
    EmailTaken.
    """
    address = checked_email(email)
    if is_one_a_mailbox and owner_of(email=address) is not None:
        raise EmailTaken
    try:
        user = User.objects.create_user(
            address, password, is_confirmed=is_confirmed, is_one_a_mailbox=is_one_a_mailbox
        )
    except IntegrityError:
        raise EmailTaken from None
    return own_account(user)


def find(*, email: str) -> User | None:
    """Return the user with this e-mail, in any spelling. Raises InvalidEmail."""
    return User.objects.filter(email_folded=fold_email(checked_email(email))).first()


def owner_of(*, email: str) -> User | None:
    """Return the user with this e-mail, or with another address of its mailbox. Raises InvalidEmail."""
    return find(email=email) or User.objects.filter(mailbox=mailbox_of(email)).first()


def change_email(*, user: User, email: str) -> bool:
    """Change the user's address to one they have confirmed; say whether it differs.

    Call inside a transaction. Raises EmailTaken.
    """
    address = checked_email(email)
    known_as = user.email
    if sign_in_email(address) == sign_in_email(known_as):
        return False
    owner = owner_of(email=address)
    if owner is not None and owner.pk != user.pk:
        raise EmailTaken
    try:
        with transaction.atomic():
            User.objects.filter(pk=user.pk).update(
                email=address, email_folded=fold_email(address), mailbox=mailbox_of(address)
            )
    except IntegrityError:
        raise EmailTaken from None
    Account.objects.filter(owner=user, name=known_as).update(name=address)
    user.refresh_from_db(fields=["email", "email_folded"])
    return True


def own_account(user: User) -> Account:
    """Return the user's own account, which was created with the user."""
    return Account.objects.select_related("owner").filter(owner=user).earliest("pk")


def account(account_id: int) -> Account:
    """Return the account with this id, which must exist."""
    return Account.objects.get(pk=account_id)


def user(user_id: int) -> User:
    """Return the user with this id, who must exist."""
    return User.objects.get(pk=user_id)


def accounts_by_email_head(head: str, *, most: int) -> Iterator[Account]:
    """Yield the accounts whose owners' e-mails begin so, in any case and in their order.

    Without a beginning all are meant, the newest first.
    """
    found = Account.objects.select_related("owner")
    if head:
        found = found.filter(owner__email_folded__startswith=fold_email(head))
    yield from found.order_by("owner__email" if head else "-pk")[:most].iterator(ROWS_AT_ONCE)


def find_accounts(account_ids: Iterable[int]) -> list[Account]:
    """Return the accounts with these ids, their owners loaded."""
    return list(Account.objects.select_related("owner").filter(pk__in=account_ids).order_by("pk"))


def find_account(account_id: int) -> Account | None:
    """Return the account with this id, its owner loaded, or None."""
    return Account.objects.select_related("owner").filter(pk=account_id).first()


def lock_account(account_id: int) -> None:
    """Lock the account's row until the transaction ends."""
    Account.objects.select_for_update(no_key=True).get(pk=account_id)


def check_not_suspended(account_id: int) -> None:
    """Raise AccountSuspended where the account is suspended."""
    if Account.objects.filter(pk=account_id, suspended_at__isnull=False).exists():
        raise AccountSuspended


def count_new(since: datetime, until: datetime) -> int:
    """Return how many people signed up in a period."""
    return User.objects.filter(date_joined__gte=since, date_joined__lt=until).count()
