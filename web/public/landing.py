"""The landing page: XRouter shown by a request, its answer and its cost."""

import json
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from billing.limits.tiers import FREE_DAY_REQUESTS, FREE_REQUESTS
from billing.pricing import cost_nano
from gateway.pipeline.routing.adaptation import adapt
from gateway.pipeline.routing.adaptation import render as render_adaptations
from gateway.pipeline.routing.router import EMULATED_PARAMETERS
from gateway.providers.chat_types import ChatRequest
from infra.credits import credits_text
from web.public.code_samples import CodeSample, code_samples, json_sample
from web.public.model_entries import ModelEntry, model_entries

PROMPT_TOKENS, COMPLETION_TOKENS = 19, 8
STRANGE_TEMPERATURE, STRANGE_BIAS = 1.7, {"50256": -100}
_ANSWER = """\
{{
  "id": "gen-…",
  "model": "{model}",
  "provider": "{provider}",
  "choices": [{{
    "message": {{"role": "assistant", "content": {content}}},
    "finish_reason": "stop"
  }}],
  "usage": {{
    "prompt_tokens": {prompt_tokens},
    "completion_tokens": {completion_tokens},
    "cost": {cost}
  }}
}}"""
_STRANGE_REQUEST = """\
{{
  "model": "{model}",
  "temperature": {temperature},
  "logit_bias": {bias}
}}"""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A request to `entry`, its answer, and its cost at the current price."""

    entry: ModelEntry
    samples: list[CodeSample]
    answer: SafeString
    prompt_tokens: int
    completion_tokens: int
    prompt_nano: int
    completion_nano: int

    @property
    def cost_nano(self) -> int:
        return self.prompt_nano + self.completion_nano


@dataclass(frozen=True, slots=True)
class Conversion:
    """A request that `entry` cannot honour as it stands, and what `X-XRouter-Adapted` says of it."""

    entry: ModelEntry
    request: SafeString
    header: str


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Show the landing page; without a served model it has no examples."""
    entries = model_entries()
    chats = [entry for entry in entries if entry.model.kind == "chat" and not entry.model.is_auto]
    context = {
        "demonstration": _demonstration(min(chats, key=_by_price)) if chats else None,
        "conversion": _conversion(chats),
        "shown": _showcase(chats),
        "total": sum(not entry.is_former for entry in entries),
        "is_any_free": any(entry.model.is_free for entry in entries),
        "free_requests": FREE_REQUESTS,
        "free_day_requests": FREE_DAY_REQUESTS,
    }
    return render(request, "public/landing.html", context)


def _by_price(entry: ModelEntry) -> tuple[bool, int, bool, str]:
    """Sort free models first, then cheap ones, then those under their provider's own name."""
    model = entry.model
    upstream_id = model.routes[0].upstream_id.lower()
    is_renamed = upstream_id != model.id.replace(":", "/")
    price_nano = entry.price.prompt_nano + entry.price.completion_nano
    return not model.is_free, price_nano, is_renamed, model.id


def _demonstration(entry: ModelEntry) -> Demonstration:
    question = gettext("Capital of Buryatia?")
    prompt_nano = cost_nano(entry.price, prompt_tokens=PROMPT_TOKENS)
    completion_nano = cost_nano(entry.price, prompt_tokens=0, completion_tokens=COMPLETION_TOKENS)
    answer = _ANSWER.format(
        model=entry.model.id,
        provider=entry.providers[0],
        content=json.dumps(gettext("Ulan-Ude."), ensure_ascii=False),
        prompt_tokens=PROMPT_TOKENS,
        completion_tokens=COMPLETION_TOKENS,
        cost=credits_text(prompt_nano + completion_nano),
    )
    return Demonstration(
        entry=entry,
        samples=code_samples(entry.model, question),
        answer=json_sample(answer),
        prompt_tokens=PROMPT_TOKENS,
        completion_tokens=COMPLETION_TOKENS,
        prompt_nano=prompt_nano,
        completion_nano=completion_nano,
    )


def _conversion(entries: list[ModelEntry]) -> Conversion | None:
    """Return the request that the pipeline adapts most."""
    request = ChatRequest(messages=(), temperature=STRANGE_TEMPERATURE, logit_bias=STRANGE_BIAS)
    found: dict[str, ModelEntry] = {}
    for entry in sorted(entries, key=_by_price):
        profile = entry.model.routes[0].profile
        header = render_adaptations(adapt(request, profile, EMULATED_PARAMETERS)[1])
        if header:
            found.setdefault(header, entry)
    if not found:
        return None
    header = max(found, key=len)
    entry = found[header]
    body = _STRANGE_REQUEST.format(
        model=entry.model.id, temperature=STRANGE_TEMPERATURE, bias=json.dumps(STRANGE_BIAS)
    )
    return Conversion(entry, json_sample(body), header)


def _showcase(entries: list[ModelEntry]) -> list[ModelEntry]:
    """Return one model of every price that each provider has: the free one, or its best known name."""
    shown: dict[tuple[str, int, int], ModelEntry] = {}
    for entry in sorted(entries, key=_by_price):
        price = entry.price
        shown.setdefault((entry.providers[0], price.prompt_nano, price.completion_nano), entry)
    return sorted(shown.values(), key=lambda entry: (entry.providers, _by_price(entry)))
