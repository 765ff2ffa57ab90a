"""A person's wish to be forgotten, carried out."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts import personal_data as person
from accounts import suspension, users
from accounts.errors import InvalidEmail, OperatorStays
from billing import personal_data as money
from billing.errors import AccountHasMoney
from gateway.moderation import events as moderation_events


class Command(BaseCommand):
    """Erase a person. It can be run again where it was interrupted."""

    help = "Erase a person: sign-in, keys, applications, their own words. Movements of money stay."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--yes", action="store_true", help="do it: there is no way back")
        parser.add_argument(
            "--with-balance", action="store_true", help="also where credits are left on the account"
        )

    def handle(self, *args: Any, email: str, yes: bool, with_balance: bool, **options: Any) -> None:
        try:
            user = users.find(email=email)
        except InvalidEmail as error:
            raise CommandError(f"{email!r}: {error}") from None
        if user is None:
            raise CommandError(f"{email!r}: there is no such person.")
        if user.is_staff:
            raise CommandError(f"{email!r}: {OperatorStays()}")
        account_ids = person.account_ids(user)
        try:
            for account_id in account_ids:
                money.check_nothing_is_open(account_id, with_balance=with_balance)
        except AccountHasMoney:
            raise CommandError(
                f"{email!r}: credits are left, or a request or a payment is under way."
                " Give the balance back first, or add --with-balance to erase all the same."
            ) from None
        if not yes:
            raise CommandError(f"{email!r} can be erased. There is no way back: add --yes.")
        suspension.set_active(user=user, is_active=False)  # nothing new comes while the old goes
        for account_id in account_ids:
            money.erase(account_id)
            moderation_events.erase(account_id)
        with transaction.atomic():
            person.erase(user)
        self.stdout.write("Erased.")
