"""The audit log: one append-only entry for each act, chained by hash to the one before.

It contains names, numbers and the visible ends of keys, never secrets.
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

from accounts.audit.acting import origin

REASON_MAX_CHARS = 500
LABEL_MAX_CHARS = 255
_LOCK = 0x61756469  # any number that no other lock of this database has

_is_part: ContextVar[bool] = ContextVar("is_part", default=False)


class Action(models.TextChoices):
    """The kinds of acts."""

    ADD = "add", _("added")
    CHANGE = "change", _("changed")
    DELETE = "delete", _("deleted")
    ISSUE = "issue", _("issued")
    REVOKE = "revoke", _("revoked")
    ROTATE = "rotate", _("replaced")
    FREEZE = "freeze", _("frozen")
    THAW = "thaw", _("thawed")
    SLOW = "slow", _("slowed")
    UNSLOW = "unslow", _("slowed no more")
    CONFIRM = "confirm", _("confirmed")
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
    REFUND = "refund", _("given back")
    NOTE = "note", _("note")


class AuditEntry(models.Model):
    """One act: who did what to which row. `previous` and `digest` are hexadecimal SHA-256.

    `actor` is null for the shell and for periodic jobs; triggers refuse every change.
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
        verbose_name = _("audit log entry")
        verbose_name_plural = _("audit log entries")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(name="journal_of_an_object", fields=["object_kind", "object_id", "-id"])
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.object_label}"


@contextmanager
def as_one() -> Iterator[None]:
    """Make `record` write nothing inside: the caller records the whole as one act."""
    token = _is_part.set(True)
    try:
        yield
    finally:
        _is_part.reset(token)


def record(action: Action, row: models.Model, *, detail: Mapping[str, Any] | None = None) -> None:
    """Record an act in its transaction, unless it is part of another (see `as_one`)."""
    if not _is_part.get():
        write(action, [row], detail=detail)


def write(
    action: Action,
    rows: Sequence[models.Model],
    *,
    detail: Mapping[str, Any] | None = None,
    reason: str = "",
) -> None:
    """Write one entry for each row. `detail` is JSON without fractions: databases read those differently."""
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


def latest(row: models.Model, most: int) -> list[AuditEntry]:
    """Return the newest entries about a row. Raises django.db.Error."""
    found = AuditEntry.objects.filter(object_kind=kind_of(row), object_id=str(row.pk))
    return list(found.select_related("actor").order_by("-id")[:most])


def kind_of(row: models.Model | type[models.Model]) -> str:
    """Return the name that entries have for rows of a table, the same for its proxy models."""
    return row._meta.concrete_model._meta.label_lower  # type: ignore[union-attr]  # none is abstract


def last_id(row: models.Model) -> int:
    """Return the id of the newest entry about a row, 0 where there is none."""
    about = AuditEntry.objects.filter(object_kind=kind_of(row), object_id=str(row.pk))
    return about.order_by("-id").values_list("id", flat=True).first() or 0


def digest_of(entry: AuditEntry) -> str:
    """Return the SHA-256 of an entry's content and of the digest before it."""
    content = [
        *(entry.previous, entry.at.astimezone(UTC).isoformat(), entry.actor_id, entry.address),
        *(str(entry.action), entry.object_kind, entry.object_id, entry.object_label),
        *(entry.detail, entry.reason),
    ]
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def first_break() -> int | None:
    """Return the id of the first entry that was changed or whose predecessor is missing."""
    previous = ""
    for entry in AuditEntry.objects.order_by("id").iterator():
        if entry.previous != previous or entry.digest != digest_of(entry):
            return entry.pk
        previous = entry.digest
    return None


def _lock_chain() -> str:
    """Lock the log until this transaction ends; return the last digest.

    SQLite needs no lock: its transactions are IMMEDIATE.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    last = AuditEntry.objects.order_by("-id").values_list("digest", flat=True).first()
    return last or ""
