"""The requests of an account: found and filtered, and each with its routing, timing and cost."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.credential_labels import credential_labels
from accounts.models import Account, APIKey
from accounts.sessions import account_of
from billing import generations as records
from billing import prices, usage
from billing.generations import GenerationRecord, Outcome, Wanted
from billing.periods import moscow_day
from billing.prices import DatedPrice
from billing.pricing import cost_nano
from gateway.cabinet.generation_words import (
    ERRORS,
    FINISHES,
    OUTCOMES,
    adapted_of,
    lines,
    status_of,
)
from gateway.provider_names import provider_name

ON_A_PAGE = 50
MODELS_OF_DAYS = 366
MOST_KEYS_OFFERED = 200
KINDS = ("session", "oauth")


class Filters(forms.Form):
    """What narrows the list. A key is named by its hash."""

    model = forms.ChoiceField(label=gettext_lazy("Model"), required=False)
    key = forms.ChoiceField(label=gettext_lazy("Key"), required=False)
    status = forms.ChoiceField(
        label=gettext_lazy("Status"),
        required=False,
        choices=[
            ("", gettext_lazy("all")),
            ("answered", gettext_lazy("answered")),
            ("failed", gettext_lazy("failed")),
            ("cancelled", gettext_lazy("client left")),
        ],
    )
    days = forms.TypedChoiceField(
        label=gettext_lazy("Period"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[
            ("", gettext_lazy("all time")),
            ("1", gettext_lazy("today")),
            ("7", gettext_lazy("7 days")),
            ("30", gettext_lazy("30 days")),
        ],
    )

    def __init__(self, data: Any, account: Account) -> None:
        super().__init__(data)
        today = moscow_day(timezone.now())
        since = today - timedelta(days=MODELS_OF_DAYS)
        used = [row.model_id or "" for row in usage.rows(account.pk, since, today, ["model"])]
        keys = list(APIKey.objects.filter(account=account).order_by("-pk")[:MOST_KEYS_OFFERED])
        keys += APIKey.objects.filter(account=account, digest=data.get("key", "")).exclude(
            pk__in=[key.pk for key in keys]
        )
        self._key_ids = {key.digest: key.pk for key in keys}
        kinds = credential_labels(account.pk, [(kind, 0) for kind in KINDS])
        self._offer("model", _("all models"), [(name, name) for name in used if name])
        self._offer(
            "key",
            _("all keys"),
            [(key.digest, f"{key.name} ({key})") for key in keys]
            + [(kind, kinds[kind, 0]) for kind in KINDS],
        )

    def wanted(self) -> Wanted:
        """Return what was chosen."""
        data = self.cleaned_data
        days: int | None = data["days"]
        today = moscow_day(timezone.now())
        return Wanted(
            model_id=data["model"],
            credential=self._credential(data["key"]),
            outcome=cast("Outcome | None", data["status"] or None),
            since=None if days is None else today - timedelta(days=days - 1),
        )

    def _credential(self, name: str) -> tuple[str, int | None] | None:
        if not name:
            return None
        return (name, None) if name in KINDS else ("key", self._key_ids[name])

    def _offer(self, field: str, all_of_them: str, choices: list[tuple[str, str]]) -> None:
        cast("forms.ChoiceField", self.fields[field]).choices = [("", all_of_them), *choices]


@dataclass(frozen=True, slots=True)
class CostLine:
    """Tokens of one kind times their price."""

    label: str
    tokens: int
    price_nano: int
    amount_nano: int


@dataclass(frozen=True, slots=True)
class Tried:
    """One candidate that was asked, and what came of it, in words."""

    provider: str | Promise
    model_id: str
    outcome: str | Promise
    is_answer: bool
    ms: int


@never_cache
@login_required
@require_safe
def generation_list(request: HttpRequest) -> HttpResponse:
    """List the requests, newest first; `id` looks one up, `before` goes on from one."""
    account = account_of(request)
    looked_up = request.GET.get("id", "").strip()
    if looked_up and records.find(looked_up, account_id=account.pk) is not None:
        return HttpResponseRedirect(reverse("generation", args=[looked_up]))
    form = Filters(request.GET, account)
    found: list[GenerationRecord] = []
    if form.is_valid():
        before = records.parse_public_id(request.GET.get("before", ""))
        found = records.latest(account.pk, form.wanted(), most=ON_A_PAGE + 1, before=before)
    chosen = {name: value for name in form.fields if (value := request.GET.get(name))}
    shown = found[:ON_A_PAGE]
    context = {
        "form": form,
        "looked_up": looked_up,
        "lines": lines(account.pk, shown),
        "is_filtered": bool(chosen),
        "is_first": "before" not in request.GET,
        "newest": _query(request, chosen),
        "older": _query(request, chosen, shown[-1].id) if len(found) > ON_A_PAGE else "",
    }
    return render(request, "cabinet/generations.html", context)


@never_cache
@login_required
@require_safe
def generation_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show all that is kept of one request."""
    account = account_of(request)
    record = records.find(public_id, account_id=account.pk)
    if record is None:
        raise Http404
    facts = record.facts
    price = prices.find(facts.price_id) if facts.price_id is not None else None
    kind, credential_id = record.credential
    key = (
        APIKey.objects.filter(account=account, pk=credential_id).first() if kind == "key" else None
    )
    tokens_cost_nano = _tokens_cost_nano(record, price)
    tried = _tried(record)
    context = {
        "id": public_id,
        "record": record,
        "facts": facts,
        "key": key,
        "sender": credential_labels(account.pk, [record.credential])[record.credential],
        "status": status_of(record),
        "provider": provider_name(facts.provider),
        "tried": tried,
        "is_served": any(attempt.is_answer for attempt in tried),
        "error": ERRORS.get(facts.error_code, facts.error_code),
        "finish": FINISHES.get(facts.finish_reason, facts.finish_reason),
        "adapted": adapted_of(record),
        "price": price,
        "cost_lines": _cost_lines(record, price) if record.cost_nano else [],
        "above_hold_nano": tokens_cost_nano - record.cost_nano if record.cost_nano else 0,
        "free_because": "" if record.cost_nano else _free_because(record),
    }
    return render(request, "cabinet/generation.html", context)


def _query(request: HttpRequest, chosen: dict[str, str], before: uuid.UUID | None = None) -> str:
    query = request.GET.copy()
    query.clear()
    query.update(chosen)
    if before is not None:
        query["before"] = records.public_id(before)
    return f"{request.path}?{query.urlencode()}" if query else request.path


def _tried(record: GenerationRecord) -> list[Tried]:
    return [
        Tried(
            provider=provider_name(attempt["provider"]),
            model_id=attempt["model"],
            outcome=OUTCOMES.get(attempt["outcome"], attempt["outcome"]),
            is_answer=attempt["outcome"] == "answered",
            ms=attempt["ms"],
        )
        for attempt in record.facts.attempts
    ]


def _tokens_cost_nano(record: GenerationRecord, price: DatedPrice | None) -> int:
    """Return tokens times prices; a cut answer may cost less."""
    facts = record.facts
    if price is None:
        return record.cost_nano
    return cost_nano(
        price.price,
        prompt_tokens=facts.tokens_prompt,
        completion_tokens=facts.tokens_completion,
        cached_tokens=facts.tokens_cached,
    )


def _cost_lines(record: GenerationRecord, price: DatedPrice | None) -> list[CostLine]:
    """Return the summands of `_tokens_cost_nano`."""
    if price is None:
        return []
    facts, rates = record.facts, price.price
    summands = [
        (_("Prompt"), facts.tokens_prompt - facts.tokens_cached, rates.prompt_nano),
        (_("Prompt from the cache"), facts.tokens_cached, rates.cached_nano),
        (_("Answer"), facts.tokens_completion, rates.completion_nano),
    ]
    return [
        CostLine(label, tokens, price_nano, tokens * price_nano)
        for label, tokens, price_nano in summands
        if tokens
    ]


def _free_because(record: GenerationRecord) -> str:
    """Say why a request cost nothing."""
    facts = record.facts
    if record.is_test:
        return _("It was sent with a test key: the sandbox answers for nothing.")
    if record.outcome == "failed":
        return _("Nothing is charged for a request that failed.")
    if facts.finish_reason == "content_filter":
        return _("Nothing is charged for an answer that the provider's filter stopped.")
    if record.outcome == "cancelled" and facts.tokens_completion == 0:
        return _("Nothing had been sent when the client left.")
    return _("Free models cost nothing on the free tier, and an empty answer never costs anything.")
