"""/models: the searchable list of models, and a page for each."""

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_safe

from billing.pricing import cost_nano
from gateway.catalog import snapshot
from gateway.health.history import KEPT_DAYS
from gateway.providers import registry
from web.public import model_days
from web.public.code_samples import code_samples
from web.public.model_comparison import MOST
from web.public.model_entries import ModelEntry, find_entry, model_entries
from web.public.model_search import FILTER_FEATURES, ModelSearch, Order
from web.public.month import MOST_REQUESTS, MOST_TOKENS, Month
from web.public.own_month import own_month

EXAMPLE_PROMPT_TOKENS, EXAMPLE_COMPLETION_TOKENS = 1_000, 500

ORDERS = (
    (Order.NAME, gettext_lazy("By name")),
    (Order.PRICE, gettext_lazy("Cheapest first")),
    (Order.CONTEXT, gettext_lazy("Longest context first")),
)
KINDS = (
    ("chat", gettext_lazy("Chat")),
    ("embeddings", gettext_lazy("Embeddings")),
)
PARAMETER_TEXTS: dict[str, str | Promise] = {
    "max_tokens": gettext_lazy("The longest answer, in tokens."),
    "max_completion_tokens": gettext_lazy("The same as max_tokens."),
    "temperature": gettext_lazy("How freely words are chosen: the higher, the more varied."),
    "top_p": gettext_lazy("Choose among the most probable words whose shares add up to this."),
    "top_k": gettext_lazy("Choose among so many of the most probable words."),
    "min_p": gettext_lazy("Leave out words less probable than this share of the best one."),
    "seed": gettext_lazy("The same seed makes the same answer likelier."),
    "stop": gettext_lazy("Texts at which the answer ends."),
    "frequency_penalty": gettext_lazy("Lower the chance of words that were often used."),
    "presence_penalty": gettext_lazy("Lower the chance of words that were used at all."),
    "repetition_penalty": gettext_lazy("Above 1 the model repeats itself less."),
    "logit_bias": gettext_lazy("Raise or lower the chance of single tokens."),
    "logprobs": gettext_lazy("Tell how probable each token was."),
    "top_logprobs": gettext_lazy("Tell so many other tokens that were probable."),
    "n": gettext_lazy("How many answers to give."),
    "reasoning_effort": gettext_lazy("How hard the model thinks before it answers."),
    "tools": gettext_lazy("The functions that the model may call."),
    "tool_choice": gettext_lazy("Whether a function is to be called, and which."),
    "parallel_tool_calls": gettext_lazy("Whether one answer may call several functions."),
    "response_format": gettext_lazy("Ask for a JSON object."),
    "structured_outputs": gettext_lazy("Ask for JSON by a schema, in response_format."),
    "stream": gettext_lazy("Send the answer in parts."),
    "encoding_format": gettext_lazy("Numbers, or base64."),
    "dimensions": gettext_lazy("The length of the vector."),
}


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """A parameter for a table: its range as text, its default or an empty text."""

    name: str
    explanation: str | Promise
    type: str
    range: str
    default: str


@require_safe
def models(request: HttpRequest) -> HttpResponse:
    """List the served models that match the query."""
    entries = model_entries()
    search = ModelSearch.read(request.GET)
    month = Month.read(request.GET)
    found = search.found(entries)
    if month.is_told and search.order is Order.PRICE:
        found.sort(key=month.cost_nano)
    slugs = sorted({slug for entry in entries for slug in entry.providers})
    context = {
        "search": search,
        "entries": found,
        "month": month,
        "most_requests": MOST_REQUESTS,
        "most_tokens": MOST_TOKENS,
        "most_compared": MOST,
        "own": own_month(request),
        "total": len(entries),
        "providers": [(slug, registry.title(slug)) for slug in slugs],
        "features": FILTER_FEATURES,
        "orders": ORDERS,
        "kinds": KINDS,
    }
    return render(request, "public/models.html", context)


@require_safe
def model(request: HttpRequest, model_id: str) -> HttpResponse:
    """Show one model; an alias redirects to its page."""
    entry = find_entry(model_id.rstrip("/"))
    if entry is None:
        raise Http404
    address = reverse("model", args=[entry.model.id])
    if request.path != address:
        return HttpResponseRedirect(address)
    context = {
        "entry": entry,
        "parameters": parameter_rows(entry),
        "aliases": snapshot.current().aliases_of(entry.model.id),
        "days": model_days.of_model(entry.model.id),
        "days_shown": KEPT_DAYS,
        "samples": code_samples(entry.model, gettext("Name three rivers of Siberia.")),
        "example_prompt_tokens": EXAMPLE_PROMPT_TOKENS,
        "example_completion_tokens": EXAMPLE_COMPLETION_TOKENS,
        "example_cost_nano": cost_nano(
            entry.price,
            prompt_tokens=EXAMPLE_PROMPT_TOKENS,
            completion_tokens=EXAMPLE_COMPLETION_TOKENS if entry.model.kind == "chat" else 0,
        ),
    }
    return render(request, "public/model.html", context)


def parameter_rows(entry: ModelEntry) -> list[ParameterRow]:
    """Return the parameters that the model supports, with their explanation and range."""
    rows = []
    for name, card in entry.parameters()["parameters"].items():
        low, high = card.get("min"), card.get("max")
        bounds = [
            f"{'>' if card.get('exclusive_min') else '≥'} {low:.6g}" if low is not None else "",
            f"≤ {high:.6g}" if high is not None else "",
        ]
        default = card.get("default")
        rows.append(
            ParameterRow(
                name=name,
                explanation=PARAMETER_TEXTS.get(name, ""),
                type=card["type"],
                range=" | ".join(card.get("choices", [])) or ", ".join(filter(None, bounds)),
                default=f"{default:g}" if isinstance(default, float) else str(default or ""),
            )
        )
    return rows
