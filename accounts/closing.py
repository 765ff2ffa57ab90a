"""How a person leaves: at once nothing works any more, and an operator can still undo it."""

from django.db import transaction

from accounts import suspension
from accounts.models import User
from accounts.oauth.revocation import revoke_all


def close(*, user: User) -> None:
    """Shut the person out with every key and every application; books and rows stay."""
    with transaction.atomic():
        revoke_all(user=user)
        suspension.set_active(user=user, is_active=False)
