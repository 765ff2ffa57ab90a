"""The journal: what people changed, one entry for each act, never changed, each sealed to the one before.

It keeps names, numbers and the visible ends of keys; no secret ever.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC
from typing import Any, ClassVar

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.acting import origin

REASON_MAX_CHARS = 500
LABEL_MAX_CHARS = 255
_LOCK = 0x61756469  # any number that no other lock of this database has

_is_part: ContextVar[bool] = ContextVar("is_part", default=False)


class Action(models.TextChoices):
    """What was done."""

    ADD = "add", _("added")
    CHANGE = "change", _("changed")
    DELETE = "delete", _("deleted")
    ISSUE = "issue", _("issued")
    REVOKE = "revoke", _("revoked")
    SUSPEND = "suspend", _("suspended")
    RESUME = "resume", _("resumed")
    SHUT_OUT = "shut_out", _("shut out")
    LET_IN = "let_in", _("let in")
    SECOND_FACTOR_OFF = "second_factor_off", _("second factor taken away")
    ENABLE = "enable", _("enabled")
    DISABLE = "disable", _("disabled")
    DISCONNECT = "disconnect", _("disconnected")
    NEW_SECRET = "new_secret", _("given a new secret")
    ADJUST = "adjust", _("balance adjusted")
    TEST_PAYMENT = "test_payment", _("test payment")


class AuditEntry(models.Model):
    """One act: who did what to which row. `previous` and `digest` are hexadecimal SHA-256.

    `actor` is null for the operator of the machine itself; triggers refuse every change.
    """

    at = models.DateTimeField(_("time"), db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("who"),
    )
    address = models.CharField(_("address"), max_length=45, blank=True)
    action = models.CharField(_("act"), max_length=20, choices=Action.choices)
    object_kind = models.CharField(_("kind of object"), max_length=100)
    object_id = models.CharField(_("object id"), max_length=64)
    object_label = models.CharField(_("object"), max_length=LABEL_MAX_CHARS)
    detail = models.JSONField(_("details"))
    reason = models.CharField(_("reason"), max_length=REASON_MAX_CHARS, blank=True)
    previous = models.CharField(_("digest of the one before"), max_length=64, unique=True)
    digest = models.CharField(_("digest"), max_length=64, unique=True)

    class Meta:
        app_label = "accounts"
        verbose_name = _("journal entry")
        verbose_name_plural = _("journal entries")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(name="journal_of_an_object", fields=["object_kind", "object_id", "-id"])
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.object_label}"


@contextmanager
def as_one() -> Iterator[None]:
    """Have `record` write nothing inside: whoever opened this writes the act, of which all is a part."""
    token = _is_part.set(True)
    try:
        yield
    finally:
        _is_part.reset(token)


def record(action: Action, row: models.Model, *, detail: Mapping[str, Any] | None = None) -> None:
    """Write an act into the journal, in the transaction of the act, unless it is a part of another."""
    if not _is_part.get():
        write(action, [row], detail=detail)


def write(
    action: Action,
    rows: Sequence[models.Model],
    *,
    detail: Mapping[str, Any] | None = None,
    reason: str = "",
) -> None:
    """Write one entry for each row. `detail` is JSON without fractions, which two stores read alike."""
    who = origin()
    with transaction.atomic():
        previous = _lock_chain()
        for row in rows:
            entry = AuditEntry(
                at=timezone.now(),
                actor_id=who.user_id,
                address=who.address,
                action=action,
                object_kind=kind_of(row),
                object_id=str(row.pk),
                object_label=str(row)[:LABEL_MAX_CHARS],
                detail=dict(detail or {}),
                reason=reason.strip()[:REASON_MAX_CHARS],
                previous=previous,
            )
            previous = entry.digest = digest_of(entry)
            entry.save(force_insert=True)


def kind_of(row: models.Model | type[models.Model]) -> str:
    """Return how the journal calls rows of a table, whichever face of it is used."""
    return row._meta.concrete_model._meta.label_lower  # type: ignore[union-attr]  # none is abstract


def last_id(row: models.Model) -> int:
    """Return the id of the newest entry about a row, 0 where there is none."""
    about = AuditEntry.objects.filter(object_kind=kind_of(row), object_id=str(row.pk))
    return about.order_by("-id").values_list("id", flat=True).first() or 0


def digest_of(entry: AuditEntry) -> str:
    """Return the seal of an entry: it covers all that it says, and the seal before it."""
    said = [
        *(entry.previous, entry.at.astimezone(UTC).isoformat(), entry.actor_id, entry.address),
        *(str(entry.action), entry.object_kind, entry.object_id, entry.object_label),
        *(entry.detail, entry.reason),
    ]
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def first_break() -> int | None:
    """Return the id of the first entry that is not as it was written, or does not follow its neighbour."""
    previous = ""
    for entry in AuditEntry.objects.order_by("id").iterator():
        if entry.previous != previous or entry.digest != digest_of(entry):
            return entry.pk
        previous = entry.digest
    return None


def _lock_chain() -> str:
    """Let nobody else write until this transaction ends; return the last digest.

    SQLite's transactions are IMMEDIATE and lock all there is.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    last = AuditEntry.objects.order_by("-id").values_list("digest", flat=True).first()
    return last or ""
