"""The operators' pages of redemption codes: batches, made and voided here, and the codes of each."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.audit.audited_admin import ActionsOnlyAdmin
from accounts.audit.day_filter import DayFilter
from accounts.audit.log import Action
from billing import redemption_codes
from billing.admin.code_form import code_batch_page
from billing.admin.ledger import UncountedPages, operation
from billing.errors import RedemptionRefused
from billing.models import CodeBatch, RedemptionCode
from billing.templatetags.money import roubles

VOIDING = _("Nobody can redeem them any more; what is redeemed already stays so.")
STATES = {
    "open": _("not redeemed"),
    "redeemed": _("redeemed"),
    "expired": _("expired"),
    "voided": _("voided"),
}


class StateFilter(admin.SimpleListFilter):
    """Filters codes by what became of them."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(STATES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        state = self.value()
        return redemption_codes.in_state(queryset, state) if state in STATES else queryset


@admin.register(CodeBatch)
class CodeBatchAdmin(ActionsOnlyAdmin):
    """Batches, newest first, with how many of their codes were redeemed."""

    list_display = (
        *("note", "worth", "codes", "redeemed", "voided"),
        *("expires_at", "email_folded", "created_at", "made_by"),
    )
    list_filter = (DayFilter.of("created_at"),)
    list_select_related: ClassVar[tuple[str, ...]] = ("made_by",)
    search_fields = ("note", "email_folded")
    search_help_text = _("Note, or the e-mail that the codes are for")
    ordering = ("-id",)
    fields = list_display
    actions = ("void",)
    asked_about: ClassVar[dict[str, Any]] = {"void": VOIDING}

    def get_urls(self) -> list[URLPattern]:
        page = path(
            "make/", self.admin_site.admin_view(self.make_view), name="billing_codebatch_make"
        )
        return [page, *super().get_urls()]

    def make_view(self, request: HttpRequest) -> HttpResponse:
        return code_batch_page(self, request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        counted: QuerySet[Any] = (
            super()
            .get_queryset(request)
            .annotate(
                made=Count("codes"),
                taken=Count("codes", filter=Q(codes__redeemed_at__isnull=False)),
                withdrawn=Count("codes", filter=Q(codes__voided_at__isnull=False)),
            )
        )
        return counted

    @admin.action(description=_("Void what is not redeemed"), permissions=["change"])
    def void(self, request: HttpRequest, batches: QuerySet[CodeBatch]) -> None:
        void_batch = redemption_codes.void_batch
        self.act(request, batches, Action.REVOKE, void_batch, gettext("Voided."))

    @admin.display(description=_("a code is worth"), ordering="amount_nano")
    def worth(self, batch: CodeBatch) -> str:
        return roubles(batch.amount_nano)

    @admin.display(description=_("codes"))
    def codes(self, batch: Any) -> SafeString:
        address = reverse("admin:billing_redemptioncode_changelist")
        return format_html('<a href="{}?batch__id__exact={}">{}</a>', address, batch.pk, batch.made)

    @admin.display(description=_("of them redeemed"))
    def redeemed(self, batch: Any) -> int:
        return int(batch.taken)

    @admin.display(description=_("of them voided"))
    def voided(self, batch: Any) -> int:
        return int(batch.withdrawn)


@admin.register(RedemptionCode)
class RedemptionCodeAdmin(ActionsOnlyAdmin):
    """Codes, newest first, by their last characters."""

    paginator = UncountedPages
    list_display = (
        *("code", "state", "worth", "batch", "expires_at"),
        *("redeemed_at", "account", "voided_at"),
    )
    list_filter = (StateFilter, DayFilter.of("redeemed_at"))
    list_select_related: ClassVar[tuple[str, ...]] = ("batch", "account")
    search_fields = ("=tail", "=account__id", "account__owner__email", "batch__note")
    search_help_text = _("Last characters of a code, number of an account, its e-mail, or a note")
    ordering = ("-id",)
    fields = (*list_display, "operation")
    operation = operation
    actions = ("void",)
    asked_about: ClassVar[dict[str, Any]] = {"void": VOIDING}

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup == "batch__id__exact" or super().lookup_allowed(lookup, value, request)

    @admin.action(description=_("Void"), permissions=["change"])
    def void(self, request: HttpRequest, codes: QuerySet[RedemptionCode]) -> None:
        try:
            self.act(request, codes, Action.REVOKE, redemption_codes.void, gettext("Voided."))
        except RedemptionRefused as error:
            self.message_user(request, str(error), messages.ERROR)

    @admin.display(description=_("ends with"), ordering="tail")
    def code(self, code: RedemptionCode) -> str:
        return str(code)

    @admin.display(description=_("state"))
    def state(self, code: RedemptionCode) -> str:
        return str(STATES[redemption_codes.state_of(code)])

    @admin.display(description=_("amount"), ordering="batch__amount_nano")
    def worth(self, code: RedemptionCode) -> str:
        return roubles(code.batch.amount_nano)

    @admin.display(description=_("valid until"), ordering="batch__expires_at")
    def expires_at(self, code: RedemptionCode) -> Any:
        return code.batch.expires_at
