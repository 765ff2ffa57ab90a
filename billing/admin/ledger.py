"""The operators' pages of balances, the ledger and generations: read-only, but for adjustments."""

from typing import TYPE_CHECKING, Any, ClassVar, cast
from uuid import UUID

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise, cached_property
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts import users
from accounts.audit.audited_admin import ActionsOnlyAdmin, ReadOnlyAdmin
from accounts.audit.condition_filter import ConditionFilter
from accounts.audit.day_filter import DayFilter
from accounts.audit.plain_values import NOTHING, json_column
from accounts.errors import InvalidEmail
from billing import prices
from billing.admin.adjustment import adjustment_page
from billing.models import CreditAccount, Generation, LedgerEntry
from billing.templatetags.money import roubles
from billing.usage.generation_ids import least_id_at
from billing.usage.generations import OUTCOMES, parse_public_id, public_id
from infra.replica import from_replica

if TYPE_CHECKING:  # generic for the type checker alone
    _Pages = Paginator[Model]
else:
    _Pages = Paginator

MOST_ROWS_PAGED = 10_000
LARGEST_ID = 2**63 - 1


class UncountedPages(_Pages):
    """Paginate a table that is too long to count: only the newest rows have pages."""

    @cached_property
    def count(self) -> int:
        newest = cast("QuerySet[Model]", self.object_list)
        return newest.values("pk")[:MOST_ROWS_PAGED].count()


class _OfAccounts(ReadOnlyAdmin):
    """A long table, searched only by indexed columns: account, owner's e-mail, generation."""

    paginator = UncountedPages
    list_select_related: ClassVar[tuple[str, ...]] = ("account",)
    search_fields = ("=account__id",)
    search_help_text = _("gen-…, number of an account, or its owner's e-mail")
    generation_field = "generation_id"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        if request.method == "POST":
            return super().changelist_view(request, extra_context)
        return self._list(request, extra_context)

    @from_replica
    def _list(self, request: HttpRequest, extra_context: dict[str, Any] | None) -> Any:
        """Return the list as a whole page: its rows are read while it is rendered."""
        response = super().changelist_view(request, extra_context)
        return response.render() if isinstance(response, TemplateResponse) else response

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        wanted = self.found_by(search_term.strip()) if search_term.strip() else Q()
        return queryset.filter(wanted), False

    def found_by(self, term: str) -> Q:
        """Return the condition of a search term; one that cannot be read matches nothing."""
        generation_id = parse_public_id(term) or _uuid(term)
        if generation_id is not None:
            return Q(**{self.generation_field: generation_id})
        if term.isascii() and term.isdigit() and int(term) <= LARGEST_ID:
            return Q(account=int(term))
        try:
            person = users.find(email=term)
        except InvalidEmail:
            person = None
        # The accounts are read first: a join would have the planner read all of the long table.
        owned = list(person.accounts.values_list("pk", flat=True)) if person is not None else []
        return Q(account__in=owned)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(_OfAccounts):
    """The ledger, newest first."""

    list_display = ("id", "created_at", "account", "kind", "amount", "balance", "reason", "actor")
    list_filter = ("kind", DayFilter.of("created_at"))
    list_select_related = ("account", "actor")
    search_help_text = _("gen-…, payment, number of an account, or its owner's e-mail")
    ordering = ("-id",)
    fields = (
        *("id", "created_at", "account", "kind", "amount", "balance"),
        *("reason", "actor", "generation", "payment_id"),
    )

    def found_by(self, term: str) -> Q:
        return super().found_by(term) | Q(payment_id=term)

    @admin.display(description=_("amount"))
    def amount(self, entry: LedgerEntry) -> str:
        return roubles(entry.amount_nano)

    @admin.display(description=_("balance after it"))
    def balance(self, entry: LedgerEntry) -> str:
        return roubles(entry.balance_nano)

    @admin.display(description=_("generation"))
    def generation(self, entry: LedgerEntry) -> str:
        return public_id(entry.generation_id) if entry.generation_id else ""


class OutcomeFilter(ConditionFilter):
    title = _("outcome")
    parameter_name = "outcome"

    def conditions(self) -> dict[str, tuple[str | Promise, Q]]:
        return {
            "answered": (_("answered"), OUTCOMES["answered"]),
            "failed": (_("failed"), OUTCOMES["failed"]),
            "cancelled": (_("client left"), OUTCOMES["cancelled"]),
        }


class ModelFilter(admin.SimpleListFilter):
    """Filters by the models that have a price: the long table is not asked which it has."""

    title = _("model")
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(model_id, model_id) for model_id in sorted(prices.current_prices(timezone.now()))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(model_id=self.value()) if self.value() else queryset


@admin.register(Generation)
class GenerationAdmin(_OfAccounts):
    """The generations, newest first."""

    list_display = (
        *("public", "created_at", "account", "model_id", "provider"),
        *("tokens_prompt", "tokens_completion", "charged", "finish_reason", "error_code"),
    )
    # Days are found by the ids, which have an index, and by which the table is parted.
    list_filter = (
        *(OutcomeFilter, ModelFilter, "is_test"),
        DayFilter.of("id", title=_("time"), bound=least_id_at),
    )
    ordering = ("-id",)
    generation_field = "id"
    fieldsets = (
        (None, {"fields": ("public", "created_at", "account", "credential", "is_test")}),
        (
            _("Answer"),
            {
                "fields": (
                    *("requested_model", "model_id", "provider", "is_streamed", "is_cancelled"),
                    *("finish_reason", "native_finish_reason", "error_code"),
                    *("latency_ms", "time_to_first_token_ms"),
                )
            },
        ),
        (
            _("Money"),
            {
                "fields": (
                    *("tokens_prompt", "tokens_cached", "tokens_completion", "tokens_source"),
                    *("price", "cost", "written_off", "charged", "cost_upstream"),
                )
            },
        ),
        (
            pgettext_lazy("of a request", "Way"),
            {
                "fields": (
                    *("shown_attempts", "shown_adapted", "shown_routing"),
                    *("queued_ms", "request_id"),
                )
            },
        ),
        (_("The caller's notes"), {"fields": ("end_user", "session_id", "shown_notes")}),
    )

    shown_attempts = json_column("attempts", _("attempts"))
    shown_adapted = json_column("adapted", _("adapted"))
    shown_routing = json_column("routing", _("routing"))
    shown_notes = json_column("metadata", _("the caller's notes"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("price", "account")

    @admin.display(description=_("id"))
    def public(self, generation: Generation) -> str:
        return public_id(generation.id)

    @admin.display(description=_("sent with"))
    def credential(self, generation: Generation) -> str:
        return f"{generation.get_credential_kind_display()} {generation.credential_id}"

    @admin.display(description=_("charged"))
    def charged(self, generation: Generation) -> str:
        return roubles(generation.cost_nano - generation.write_off_nano)

    @admin.display(description=_("cost"))
    def cost(self, generation: Generation) -> str:
        return roubles(generation.cost_nano)

    @admin.display(description=_("written off"))
    def written_off(self, generation: Generation) -> str:
        return roubles(generation.write_off_nano)

    @admin.display(description=_("cost upstream"))
    def cost_upstream(self, generation: Generation) -> str | None:
        cost_nano = generation.upstream_cost_nano
        return None if cost_nano is None else roubles(cost_nano)


@admin.display(description=_("operation"))
def operation(_admin: Any, row: Any) -> SafeString | str:
    """Link to the ledger entry that booked a row."""
    if row.entry_id is None:
        return NOTHING
    address = reverse("admin:billing_ledgerentry_change", args=[row.entry_id])
    return format_html('<a href="{}">{}</a>', address, row.entry)


class SignFilter(ConditionFilter):
    """Filters balances by their sign: a refund at the shop may leave one below zero."""

    title = _("posted")
    parameter_name = "sign"

    def conditions(self) -> dict[str, tuple[str | Promise, Q]]:
        return {
            "below": (_("below zero"), Q(posted_nano__lt=0)),
            "zero": (_("zero"), Q(posted_nano=0)),
            "above": (_("above zero"), Q(posted_nano__gt=0)),
        }


@admin.register(CreditAccount)
class BalanceAdmin(ActionsOnlyAdmin):
    """Balances; each is adjusted on a page of its own."""

    paginator = UncountedPages
    fields = ("account", "posted", "held", "available")
    list_display = ("account", "posted", "held", "available")
    list_filter = (SignFilter,)
    list_select_related = ("account",)
    search_fields = ("=account__id", "account__name", "account__owner__email")
    search_help_text = _("Name or number of an account, or its owner's e-mail")
    ordering = ("-account",)
    actions = ("adjust",)

    def get_urls(self) -> list[URLPattern]:
        page = path(
            "<int:account_id>/adjust/",
            self.admin_site.admin_view(self.adjust_view),
            name="billing_creditaccount_adjust",
        )
        return [page, *super().get_urls()]

    def adjust_view(self, request: HttpRequest, account_id: int) -> HttpResponse:
        return adjustment_page(self, request, account_id)

    @admin.action(description=_("Adjust the balance…"), permissions=["change"])
    def adjust(
        self, request: HttpRequest, balances: QuerySet[CreditAccount]
    ) -> HttpResponse | None:
        """Redirect to the page that asks for the amount and the reason."""
        chosen = list(balances.values_list("pk", flat=True)[:2])
        if len(chosen) != 1:
            self.message_user(request, gettext("Choose one account."), messages.ERROR)
            return None
        reason = urlencode({"reason": request.POST.get("reason", "")})
        page = reverse("admin:billing_creditaccount_adjust", args=chosen)
        return redirect(f"{page}?{reason}")

    @admin.display(description=_("posted"), ordering="posted_nano")
    def posted(self, account: CreditAccount) -> str:
        return roubles(account.posted_nano)

    @admin.display(description=_("held"), ordering="held_nano")
    def held(self, account: CreditAccount) -> str:
        return roubles(account.held_nano)

    @admin.display(description=_("available"))
    def available(self, account: CreditAccount) -> str:
        return roubles(account.posted_nano - account.held_nano)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
