"""An API key from the shell, with credits for its account where they are asked for."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts import users
from accounts.errors import (
    AccountSuspended,
    EmailTaken,
    InvalidEmail,
    InvalidKeySetting,
    TooManyKeys,
)
from accounts.keys import issuing
from billing.errors import BillingError
from billing.ledger import ledger
from infra.credits import MAX_AMOUNT_NANO, credits_text, parse_credits

DEFAULT_NAME = "shell"
REASON = "issue_key"


class Command(BaseCommand):
    """Print a new raw key, and nothing else, on the standard output."""

    help = "Issue an API key. A new EMAIL becomes a user, confirmed and without a password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--name", default=DEFAULT_NAME, help="what the key is called")
        parser.add_argument(
            "--credits",
            metavar="N",
            dest="credit_amount",
            help="credits to add to the account, such as 100 or 0.5",
        )
        parser.add_argument("--test", action="store_true", help="a key of the sandbox alone")

    def handle(
        self,
        *args: Any,
        email: str,
        name: str,
        credit_amount: str | None,
        test: bool,
        **options: Any,
    ) -> None:
        amount_nano = None if credit_amount is None else _amount_nano(credit_amount)
        try:
            # In one transaction: no user without a key, and no key without its credits.
            with transaction.atomic():
                user = users.find(email=email)
                account = users.register(email=email) if user is None else users.own_account(user)
                if amount_nano is not None:
                    ledger.adjust(account.pk, amount_nano, reason=REASON, actor_id=None)
                _, raw = issuing.issue(account=account, user=account.owner, name=name, is_test=test)
        except (InvalidEmail, EmailTaken, TooManyKeys, AccountSuspended) as error:
            raise CommandError(f"{email!r}: {error}") from None
        except InvalidKeySetting as error:
            raise CommandError(f"{name!r}: {error}") from None
        except BillingError as error:
            raise CommandError(f"--credits {credit_amount}: {error}") from None
        self.stdout.write(raw)


def _amount_nano(text: str) -> int:
    """Read a number of credits above zero. Raises CommandError, which repeats the text."""
    try:
        amount_nano = parse_credits(text)
    except ValueError:
        amount_nano = 0
    if not 0 < amount_nano <= MAX_AMOUNT_NANO:
        raise CommandError(
            f"--credits {text!r}: write credits above zero and up to"
            f" {credits_text(MAX_AMOUNT_NANO)}, with 9 decimals at most, such as 100 or 0.5."
        )
    return amount_nano
