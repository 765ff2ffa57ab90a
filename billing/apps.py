"""Billing as a Django application."""

from typing import Any

from django.apps import AppConfig
from django.db import DEFAULT_DB_ALIAS
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from billing.usage import partitions


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = _("Billing")

    def ready(self) -> None:
        post_migrate.connect(_make_partitions, sender=self)


def _make_partitions(*, using: str, **_: Any) -> None:
    if using == DEFAULT_DB_ALIAS:
        partitions.make_ahead()
