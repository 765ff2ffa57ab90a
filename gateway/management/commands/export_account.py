"""All that the service has of a person, as JSON lines."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder

from accounts import personal_data as person
from accounts import users
from accounts.errors import InvalidEmail
from billing import personal_data as money
from gateway.moderation import events as moderation_events


class Encoder(DjangoJSONEncoder):
    def default(self, o: Any) -> Any:
        return bytes(o).hex() if isinstance(o, bytes | memoryview) else super().default(o)


class Command(BaseCommand):
    """Print one JSON object a line: its `kind`, and the columns of the row. No secret is among them."""

    help = "Print all that the service has of a person, as JSON lines."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        try:
            user = users.find(email=email)
        except InvalidEmail as error:
            raise CommandError(f"{email!r}: {error}") from None
        if user is None:
            raise CommandError(f"{email!r}: there is no such person.")
        encoder = Encoder(ensure_ascii=False)
        for kind, columns in person.export(user):
            self.stdout.write(encoder.encode({"kind": kind} | columns))
        for account_id in person.account_ids(user):
            for kind, columns in money.export(account_id):
                # A movement of money has a kind of its own.
                self.stdout.write(encoder.encode(columns | {"kind": kind} | _movement(columns)))
            for event in moderation_events.of_account(account_id):
                found = person.rows_of(event)
                self.stdout.write(encoder.encode({"kind": "moderation_event"} | found))


def _movement(columns: dict[str, Any]) -> dict[str, Any]:
    return {"movement": columns["kind"]} if "kind" in columns else {}
