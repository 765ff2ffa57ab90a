"""Remove a person's second factor, for who has lost the device and the recovery codes."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import users
from accounts.errors import InvalidEmail
from accounts.signin import second_factor


class Command(BaseCommand):
    """manage.py reset_second_factor EMAIL"""

    help = (
        "Remove the second factor of a person, and the access of applications they let in under it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user = users.find(email=options["email"])
        except InvalidEmail as error:
            raise CommandError(str(error)) from None
        if user is None:
            raise CommandError(f"Nobody has the address {options['email']}.")
        if not second_factor.is_set_up(user):
            raise CommandError(f"{user.email} has no second factor.")
        second_factor.reset(user=user)
        self.stdout.write(
            f"{user.email} logs in with the password alone, until a new one is set up."
        )
