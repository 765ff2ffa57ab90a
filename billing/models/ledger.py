"""The tables of the ledger and of generations. Amounts are whole nano-credits."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class CredentialKind(models.TextChoices):
    KEY = "key", _("key")
    OAUTH = "oauth", _("OAuth")
    SESSION = "session", _("session")


class CreditAccount(models.Model):
    """A balance: `posted_nano` is the sum of the ledger entries, `held_nano` that of the open holds.

    `debt_nano` is how far below zero refunds at the shop have taken the available balance; nothing else
    takes it there. `last_digest` is that of the newest entry.
    """

    account = models.OneToOneField(
        "accounts.Account",
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="credits",
        verbose_name=_("account"),
    )
    posted_nano = models.BigIntegerField(_("posted"), default=0, db_default=0, editable=False)
    held_nano = models.BigIntegerField(_("held"), default=0, db_default=0, editable=False)
    debt_nano = models.BigIntegerField(default=0, db_default=0, editable=False)
    last_digest = models.BinaryField(null=True, editable=False)

    class Meta:
        verbose_name = _("credit account")
        verbose_name_plural = _("credit accounts")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="available_is_not_below_the_debt",
                condition=Q(posted_nano__gte=F("held_nano") - F("debt_nano")),
            ),
            models.CheckConstraint(name="debt_is_not_negative", condition=Q(debt_nano__gte=0)),
            models.CheckConstraint(name="held_is_not_negative", condition=Q(held_nano__gte=0)),
        ]

    def __str__(self) -> str:
        return str(self.account)


class LedgerEntry(models.Model):
    """One movement of money; triggers refuse to change or delete it.

    `balance_nano` is the posted balance after it. The entries of an account are ordered by id, and
    chained by `digest`: see billing/ledger/chain.py.
    """

    class Kind(models.TextChoices):
        TOP_UP = "top_up", _("top-up")
        CHARGE = "charge", _("charge")
        REFUND = "refund", _("refund")
        ADJUSTMENT = "adjustment", _("adjustment")
        WRITE_OFF = "write_off", _("write-off")
        RETURNED = "returned", _("payment returned")

    account = models.ForeignKey(
        "accounts.Account",
        on_delete=models.PROTECT,
        db_constraint=False,  # its credit account, which is locked when an entry is written, has one
        db_index=False,
        related_name="+",
        verbose_name=_("account"),
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    amount_nano = models.BigIntegerField(_("amount"))
    balance_nano = models.BigIntegerField(_("balance after it"))
    generation_id = models.UUIDField(_("generation"), null=True)
    payment_id = models.TextField(_("payment"), default="", db_default="")
    reason = models.TextField(_("reason"), default="", db_default="")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        db_index=False,
        null=True,
        related_name="+",
        verbose_name=_("who"),
    )
    created_at = models.DateTimeField(_("time"), db_default=Now())
    digest = models.BinaryField(null=True, editable=False)

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(name="entries_of_an_account", fields=["account", "-id"]),
            models.Index(
                name="entries_of_an_operator", fields=["actor"], condition=Q(actor__isnull=False)
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="entry_sign_fits_its_kind",
                condition=Q(kind__in=["top_up", "refund", "write_off"], amount_nano__gt=0)
                | Q(kind__in=["charge", "returned"], amount_nano__lt=0)
                | Q(kind="adjustment") & ~Q(amount_nano=0),
            ),
            models.CheckConstraint(
                name="entry_names_its_cause",
                condition=(Q(kind="charge") & Q(generation_id__isnull=False))
                | (Q(kind__in=["top_up", "returned"]) & ~Q(payment_id=""))
                | (Q(kind__in=["refund", "adjustment", "write_off"]) & ~Q(reason="")),
            ),
            models.UniqueConstraint(
                name="generation_moves_money_once_a_kind",
                fields=["generation_id", "kind"],
                condition=Q(generation_id__isnull=False),
            ),
            models.UniqueConstraint(
                name="payment_moves_money_once_a_kind",
                fields=["kind", "payment_id"],
                condition=~Q(payment_id=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"


class Hold(models.Model):
    """Money held for a running request; settling deletes the row.

    `id` is the generation's; `day` is Moscow's date, for the key's budget.
    """

    id = models.UUIDField(primary_key=True)
    account = models.ForeignKey(
        CreditAccount,
        on_delete=models.PROTECT,
        db_constraint=False,  # a hold is placed from the account's row
        db_index=False,  # there are as many holds as running requests
        related_name="+",
    )
    amount_nano = models.BigIntegerField()
    process_id = models.UUIDField()
    user_id = models.BigIntegerField()
    credential_kind = models.CharField(max_length=7, choices=CredentialKind.choices)
    credential_id = models.BigIntegerField()
    is_test = models.BooleanField()
    requested_model = models.TextField()
    day = models.DateField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                name="holds_of_a_key", fields=["credential_id"], condition=Q(credential_kind="key")
            )
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(name="hold_is_not_negative", condition=Q(amount_nano__gte=0))
        ]

    def __str__(self) -> str:
        return str(self.id)


class Spending(models.Model):
    """What a credential spent on one day in Moscow."""

    credential_kind = models.CharField(max_length=7, choices=CredentialKind.choices)
    credential_id = models.BigIntegerField()
    day = models.DateField()
    spent_nano = models.BigIntegerField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                name="credential_spends_in_one_row_a_day",
                fields=["credential_kind", "credential_id", "day"],
            ),
            models.CheckConstraint(name="spending_is_not_negative", condition=Q(spent_nano__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.credential_kind} {self.credential_id} on {self.day}"


class ProcessLease(models.Model):
    """The heartbeat of a process: it is alive while it renews its row, by the database's clock."""

    process_id = models.UUIDField(primary_key=True)
    renewed_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.process_id)


class Generation(models.Model):
    """One finished request that had a hold. Prompts and answers are never stored.

    Its id is a UUIDv7, so that the table can be partitioned by time; for the same reason no constraint
    ties it to the accounts. `cost_nano` less `write_off_nano` is what the account paid.
    """

    class TokensSource(models.TextChoices):
        PROVIDER = "provider", _("provider")
        ESTIMATED = "estimated", _("estimated")

    id = models.UUIDField(_("id"), primary_key=True)
    account = models.ForeignKey(
        "accounts.Account",
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="+",
        verbose_name=_("account"),
    )
    user_id = models.BigIntegerField(_("user"))
    credential_kind = models.CharField(_("sent with"), max_length=7, choices=CredentialKind.choices)
    credential_id = models.BigIntegerField(_("credential"))
    is_test = models.BooleanField(_("test key"))
    requested_model = models.TextField(_("asked for"))
    model_id = models.TextField(_("model"))
    provider = models.TextField(_("provider"))
    is_streamed = models.BooleanField(_("streamed"))
    is_cancelled = models.BooleanField(_("cancelled"))
    day = models.DateField(_("day"))
    created_at = models.DateTimeField(_("time"))
    tokens_prompt = models.BigIntegerField(_("tokens of the prompt"))
    tokens_completion = models.BigIntegerField(_("tokens of the answer"))
    tokens_cached = models.BigIntegerField(_("cached tokens"))
    tokens_source = models.CharField(_("counted by"), max_length=9, choices=TokensSource.choices)
    price = models.ForeignKey(
        "billing.Price",
        on_delete=models.PROTECT,
        null=True,
        db_constraint=False,  # every request would lock the one row of its model's price
        db_index=False,
        related_name="+",
        verbose_name=_("price"),
    )
    cost_nano = models.BigIntegerField(_("cost"))
    write_off_nano = models.BigIntegerField(_("written off"))
    upstream_cost_nano = models.BigIntegerField(_("cost upstream"), null=True)
    latency_ms = models.BigIntegerField(_("time, ms"), null=True)
    time_to_first_token_ms = models.BigIntegerField(_("time to the first token, ms"), null=True)
    finish_reason = models.TextField(_("finished"))
    native_finish_reason = models.TextField(_("finished, in the provider's words"))
    error_code = models.TextField(_("error"))
    attempts = models.JSONField(_("attempts"))
    adapted = models.JSONField(_("adapted"))
    routing = models.JSONField(_("routing"), null=True)
    queued_ms = models.BigIntegerField(_("waited for a slot, ms"), null=True)
    end_user = models.TextField(_("the caller's user"), null=True)  # noqa: DJ001 -- null: not given
    session_id = models.TextField(_("dialogue"), null=True)  # noqa: DJ001 -- as above
    metadata = models.JSONField(_("the caller's notes"), null=True)
    request_id = models.TextField(_("id of the HTTP request"), null=True)  # noqa: DJ001 -- as above

    class Meta:
        verbose_name = _("generation")
        verbose_name_plural = _("generations")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(name="generations_of_an_account", fields=["account", "-id"]),
            models.Index(
                name="generations_of_a_key",
                fields=["credential_id", "-id"],
                condition=Q(credential_kind="key"),
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="generation_tokens_are_counts",
                condition=Q(
                    tokens_cached__gte=0,
                    tokens_prompt__gte=F("tokens_cached"),
                    tokens_completion__gte=0,
                ),
            ),
            models.CheckConstraint(
                name="generation_write_off_is_part_of_its_cost",
                condition=Q(write_off_nano__gte=0, cost_nano__gte=F("write_off_nano")),
            ),
        ]

    def __str__(self) -> str:
        return f"gen-{self.id.hex}"
