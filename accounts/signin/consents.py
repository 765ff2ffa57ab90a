"""Consents given at sign-up: to which text, when, and from where."""

import functools
import hashlib
from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

VERSION_CHARS = 16


class Consent(models.Model):
    """A person's consent to a text. `version` is the beginning of the text's SHA-256."""

    class Document(models.TextChoices):
        TERMS = "terms", _("Terms")
        PRIVACY = "privacy", _("Processing of personal data")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="consents"
    )
    document = models.CharField(max_length=7, choices=Document.choices)
    version = models.CharField(max_length=VERSION_CHARS)
    given_at = models.DateTimeField(default=timezone.now, editable=False)
    given_from = models.GenericIPAddressField(null=True, blank=True)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["user", "document", "version"], name="consent_is_given_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.document} {self.version}"


FILES = {Consent.Document.TERMS: "TERMS.md", Consent.Document.PRIVACY: "PRIVACY.md"}


def record(*, user_id: int, given_from: str | None) -> None:
    """Record the person's consent to the current version of both texts."""
    with transaction.atomic():
        for document, name in FILES.items():
            Consent.objects.create(
                user_id=user_id,
                document=document,
                version=version(settings.BASE_DIR / name),
                given_from=given_from,
            )


@functools.cache
def version(path: Path) -> str:
    """Return the version of a text: the beginning of its SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:VERSION_CHARS]
