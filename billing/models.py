"""Every table of money, and what the database itself refuses. Amounts are whole nano-credits."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from billing.caller_prices import Price
from billing.counters import RequestCount
from billing.job_leases import JobLease
from billing.low_balance import LowBalanceAlert
from billing.payment_records import Payment
from billing.upstream_prices import UpstreamPrice
from billing.usage_days import UsageDay, UsageWatermark

__all__ = [
    "CreditAccount",
    "Generation",
    "Hold",
    "JobLease",
    "LedgerEntry",
    "LowBalanceAlert",
    "Payment",
    "Price",
    "ProcessLease",
    "RequestCount",
    "Spending",
    "UpstreamPrice",
    "UsageDay",
    "UsageWatermark",
]


class CredentialKind(models.TextChoices):
    KEY = "key", _("key")
    OAUTH = "oauth", _("OAuth")
    SESSION = "session", _("session")


class CreditAccount(models.Model):
    """What an account has: `posted_nano` sums its ledger entries, `held_nano` its open holds."""

    account = models.OneToOneField(
        "accounts.Account",
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="credits",
        verbose_name=_("account"),
    )
    posted_nano = models.BigIntegerField(_("posted"), default=0, db_default=0, editable=False)
    held_nano = models.BigIntegerField(_("held"), default=0, db_default=0, editable=False)

    class Meta:
        verbose_name = _("credit account")
        verbose_name_plural = _("credit accounts")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="available_is_not_negative", condition=Q(posted_nano__gte=F("held_nano"))
            ),
            models.CheckConstraint(name="held_is_not_negative", condition=Q(held_nano__gte=0)),
        ]

    def __str__(self) -> str:
        return str(self.account)


class LedgerEntry(models.Model):
    """One movement of money, never changed and never deleted: triggers see to that.

    `balance_nano` is the posted balance after it. The entries of an account are ordered by id.
    """

    class Kind(models.TextChoices):
        TOP_UP = "top_up", _("top-up")
        CHARGE = "charge", _("charge")
        REFUND = "refund", _("refund")
        ADJUSTMENT = "adjustment", _("adjustment")
        WRITE_OFF = "write_off", _("write-off")

    account = models.ForeignKey(
        "accounts.Account",
        on_delete=models.PROTECT,
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
        null=True,
        related_name="+",
        verbose_name=_("who"),
    )
    created_at = models.DateTimeField(_("time"), db_default=Now())

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(name="entries_of_an_account", fields=["account", "-id"])
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="entry_sign_fits_its_kind",
                condition=Q(kind__in=["top_up", "refund", "write_off"], amount_nano__gt=0)
                | Q(kind="charge", amount_nano__lt=0)
                | Q(kind="adjustment") & ~Q(amount_nano=0),
            ),
            models.CheckConstraint(
                name="entry_balance_is_not_negative", condition=Q(balance_nano__gte=0)
            ),
            models.CheckConstraint(
                name="entry_names_its_cause",
                condition=(Q(kind="charge") & Q(generation_id__isnull=False))
                | (Q(kind="top_up") & ~Q(payment_id=""))
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
        return f"{self.kind} {self.pk}"


class Hold(models.Model):
    """Money set aside for a running request. The row's life is the hold's: resolving deletes it.

    `id` is the generation's; `day` is Moscow's, the one whose budget it counts against.
    """

    id = models.UUIDField(primary_key=True)
    account = models.ForeignKey(CreditAccount, on_delete=models.PROTECT, related_name="+")
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
    """What the requests of one of Moscow's days cost their account, credential by credential."""

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
    """A process lives as long as it renews its row, by the database's clock."""

    process_id = models.UUIDField(primary_key=True)
    renewed_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.process_id)


class Generation(models.Model):
    """One request that had a hold, as it ended. What was asked and answered is never kept.

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
        Price,
        on_delete=models.PROTECT,
        null=True,
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
