"""`manage.py reprice`: what callers pay, dated anew from the list prices and a margin."""

from argparse import ArgumentTypeError
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from billing.pricing import percent_of
from gateway.catalog.repricing import reprice


class Command(BaseCommand):
    """Print the models whose price changes on the standard output, those of unknown cost as errors."""

    help = "Date new prices for all models: the providers' own and a margin. History stays."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--margin",
            metavar="PERCENT",
            type=_margin,
            required=True,
            help="what callers pay above the provider's price, such as 20 or 12.5",
        )
        parser.add_argument(
            "--from",
            metavar="DATE",
            dest="day",
            type=_day,
            help="a day to come, such as 2030-01-31: from its midnight in Moscow; at once without it",
        )

    def handle(self, *args: Any, margin: Decimal, day: date | None, **options: Any) -> None:
        valid_from = timezone.make_aware(datetime.combine(day, time.min)) if day else None
        try:
            repricing = reprice(margin, valid_from)
        except ValueError as error:
            raise CommandError(f"--from {day}: {error}") from None
        for model_id in repricing.changed:
            self.stdout.write(model_id)
        for model_id in repricing.unknown:
            self.stderr.write(f"{model_id} stays as it is: what a route of it costs is not known.")


def _margin(text: str) -> Decimal:
    try:
        return percent_of(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
