"""`manage.py rotate_credentials`: seal all secrets of providers under the first master key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from gateway.models import ProviderCredential
from infra.secret_box import SecretUnreadable


class Command(BaseCommand):
    """Leaves no secret under another key, or says which could not be opened."""

    help = "Seal the secrets of providers' credentials under the first key of CREDENTIALS_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        unreadable = []
        with transaction.atomic():
            rows = ProviderCredential._default_manager.select_for_update().order_by("pk")
            for row in rows:
                try:
                    row.reseal()
                except SecretUnreadable as error:
                    unreadable.append(f"{row}: {error}")
                else:
                    row.save(update_fields=["ciphertext", "nonce", "key_id"])
        self.stdout.write(f"Credentials sealed anew: {len(rows) - len(unreadable)}.")
        if unreadable:
            raise CommandError("\n".join(unreadable))
