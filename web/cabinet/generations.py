"""/cabinet/generations/: an account's requests, with filters, and one with its routing and cost."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.keys import lookup
from accounts.keys.labels import credential_labels
from accounts.signin.sessions import account_of
from billing import prices
from billing.pricing import PriceValue, cost_nano
from billing.usage import all_requests, usage_days
from billing.usage import generations as records
from billing.usage.generations import GenerationRecord, Outcome, Wanted
from billing.usage.refusals import RefusedRequest
from gateway.providers import registry
from infra.credits import credits_of
from infra.moscow_time import moscow_day
from infra.replica import from_replica
from infra.spreadsheet import csv_file
from web.cabinet.generation_words import ERRORS, FINISHES, OUTCOMES, adapted_of, lines, status_of
from web.cabinet.list_file import is_file_wanted
from web.cabinet.login_required import login_required

ON_A_PAGE = 50
MODELS_OF_DAYS = 366
MOST_KEYS_OFFERED = 200
EARLIEST_DAY, LATEST_DAY = date(2000, 1, 1), date(2199, 12, 31)
KINDS = ("session", "oauth")
_usage = from_replica(usage_days.rows)
CSV_BATCH = 1_000
CSV_COLUMNS = (
    *("time", "id", "status", "error", "model", "provider", "key", "tokens_prompt"),
    *("tokens_completion", "cost", "latency_ms"),
)


class Filters(forms.Form):
    """The filters of the list. A key is identified by its hash."""

    model = forms.ChoiceField(label=gettext_lazy("Model"), required=False)
    key = forms.ChoiceField(label=gettext_lazy("Key"), required=False)
    status = forms.ChoiceField(
        label=gettext_lazy("Status"),
        required=False,
        choices=[
            ("", gettext_lazy("all")),
            ("answered", gettext_lazy("answered")),
            ("failed", gettext_lazy("failed")),
            ("refused", gettext_lazy("refused")),
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
    day = forms.DateField(
        label=gettext_lazy("Day"),
        required=False,
        validators=[MinValueValidator(EARLIEST_DAY), MaxValueValidator(LATEST_DAY)],
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, data: Any, account_id: int) -> None:
        super().__init__(data)
        today = moscow_day(timezone.now())
        since = today - timedelta(days=MODELS_OF_DAYS)
        used = [row.model_id or "" for row in _usage(account_id, since, today, ["model"])]
        keys = lookup.newest(account_id, most=MOST_KEYS_OFFERED)
        chosen = lookup.find(account_id, data.get("key", ""))
        if chosen is not None and chosen not in keys:
            keys.append(chosen)
        self._key_ids = {key.digest: key.pk for key in keys}
        kinds = credential_labels(account_id, [(kind, 0) for kind in KINDS])
        self._offer("model", _("all models"), [(name, name) for name in used if name])
        self._offer(
            "key",
            _("all keys"),
            [(key.digest, f"{key.name} ({key})") for key in keys]
            + [(kind, kinds[kind, 0]) for kind in KINDS],
        )

    @property
    def kinds(self) -> tuple[bool, bool]:
        """Say whether requests that were run are wanted, and whether refused ones are."""
        status = self.cleaned_data["status"]
        return status != "refused", status in ("", "refused")

    def wanted(self) -> Wanted:
        """Return the chosen filter."""
        data = self.cleaned_data
        days: int | None = data["days"]
        day: date | None = data["day"]
        today = moscow_day(timezone.now())
        return Wanted(
            model_id=data["model"],
            credential=self._credential(data["key"]),
            outcome=cast("Outcome | None", data["status"] or None)
            if self.kinds != (False, True)
            else None,
            since=day or (None if days is None else today - timedelta(days=days - 1)),
            until=day,
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
    """An attempt at one provider and its outcome, in words."""

    provider: str | Promise
    model_id: str
    outcome: str | Promise
    is_answer: bool
    ms: int


@never_cache
@login_required
@require_safe
def generation_list(request: HttpRequest) -> HttpResponseBase:
    """List the requests, newest first; `id` looks one up, `before` is the cursor."""
    account = account_of(request)
    looked_up = request.GET.get("id", "").strip()
    if looked_up and records.find(looked_up, account_id=account.pk) is not None:
        return HttpResponseRedirect(reverse("generation", args=[looked_up]))
    form = Filters(request.GET, account.pk)
    found: list[GenerationRecord | RefusedRequest] = []
    if form.is_valid():
        before = records.parse_public_id(request.GET.get("before", ""))
        if is_file_wanted(request):
            return requests_csv(account.pk, form)
        found = latest(account.pk, form, most=ON_A_PAGE + 1, before=before)
    chosen = {name: value for name in form.fields if (value := request.GET.get(name))}
    shown = found[:ON_A_PAGE]
    context = {
        "form": form,
        "looked_up": looked_up,
        "lines": lines(account.pk, shown),
        "is_filtered": bool(chosen),
        "is_first": "before" not in request.GET,
        "csv_query": f"?{urlencode(chosen | {'format': 'csv'})}",
        "newest": _query(request, chosen),
        "older": _query(request, chosen, shown[-1].id) if len(found) > ON_A_PAGE else "",
    }
    return render(request, "cabinet/generations.html", context)


def latest(
    account_id: int, form: Filters, *, most: int, before: uuid.UUID | None
) -> list[GenerationRecord | RefusedRequest]:
    """Return at most `most` requests that fit, newest first."""
    run, refused = form.kinds
    return all_requests.latest(
        account_id, form.wanted(), most=most, before=before, run=run, refused=refused
    )


def requests_csv(account_id: int, form: Filters) -> StreamingHttpResponse:
    """Send all requests that fit, for spreadsheets."""
    return csv_file(f"requests-{moscow_day(timezone.now())}.csv", _csv_rows(account_id, form))


def _csv_rows(account_id: int, form: Filters) -> Iterator[Sequence[object]]:
    """Yield the header, then batches: an account may have millions."""
    yield CSV_COLUMNS
    before: uuid.UUID | None = None
    while batch := latest(account_id, form, most=CSV_BATCH, before=before):
        for line in lines(account_id, batch):
            yield (
                line.created_at,
                line.id,
                line.status.label,
                line.error,
                line.model_id,
                line.provider,
                line.sender,
                line.tokens_prompt,
                line.tokens_completion,
                credits_of(line.charged_nano),
                line.latency_ms,
            )
        before = batch[-1].id


@never_cache
@login_required
@require_safe
def generation_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show all that is stored of one request."""
    account = account_of(request)
    record = records.find(public_id, account_id=account.pk)
    if record is None:
        raise Http404
    facts = record.facts
    price = prices.find(facts.price_id) if facts.price_id is not None else None
    kind, credential_id = record.credential
    key = lookup.find_by_id(account.pk, credential_id) if kind == "key" else None
    tokens_cost_nano = _tokens_cost_nano(record, price)
    tried = _tried(record)
    context = {
        "id": public_id,
        "record": record,
        "facts": facts,
        "key": key,
        "sender": credential_labels(account.pk, [record.credential])[record.credential],
        "status": status_of(record),
        "provider": registry.title(facts.provider),
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
            provider=registry.title(attempt["provider"]),
            model_id=attempt["model"],
            outcome=OUTCOMES.get(attempt["outcome"], attempt["outcome"]),
            is_answer=attempt["outcome"] == "answered",
            ms=attempt["ms"],
        )
        for attempt in record.facts.attempts
    ]


def _tokens_cost_nano(record: GenerationRecord, price: PriceValue | None) -> int:
    """Return tokens times prices; a cut answer may cost less."""
    facts = record.facts
    if price is None:
        return record.cost_nano
    return cost_nano(
        price,
        prompt_tokens=facts.tokens_prompt,
        completion_tokens=facts.tokens_completion,
        cached_tokens=facts.tokens_cached,
    )


def _cost_lines(record: GenerationRecord, price: PriceValue | None) -> list[CostLine]:
    """Return the summands of `_tokens_cost_nano`."""
    if price is None:
        return []
    facts = record.facts
    summands = [
        (_("Prompt"), facts.tokens_prompt - facts.tokens_cached, price.prompt_nano),
        (_("Prompt from the cache"), facts.tokens_cached, price.cached_nano),
        (_("Answer"), facts.tokens_completion, price.completion_nano),
    ]
    return [
        CostLine(label, tokens, price_nano, tokens * price_nano)
        for label, tokens, price_nano in summands
        if tokens
    ]


def _free_because(record: GenerationRecord) -> str:
    """Return why a request was free."""
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
