"""Choose who is asked, in which order, or say why nobody can be. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from billing.pricing import PriceValue
from gateway.catalog import Model, Route
from gateway.pipeline.adaptation import Adaptation, adapt, unsupported
from gateway.pipeline.errors import (
    ContextLengthExceeded,
    InvalidParameter,
    NoProviderAvailable,
    UnsupportedContent,
)
from gateway.pipeline.estimate import prompt_floor_tokens
from gateway.pipeline.order import ChatOrder, Preferences
from gateway.providers.chat_types import ChatRequest

MAX_CANDIDATES = 3
EMULATED_PARAMETERS = frozenset({"stop"})
"""What the pipeline itself does for every chat model, native or not."""
NANO_PER_TOKEN_IN_A_ROUBLE_PER_MILLION = 1000


@dataclass(frozen=True, slots=True)
class Candidate:
    """One route to ask, with the request as that route honours it and what was changed for that."""

    model: Model
    route: Route
    price: PriceValue
    request: ChatRequest
    adapted: tuple[Adaptation, ...]


def choose(order: ChatOrder, models: Sequence[Model]) -> tuple[Candidate, ...]:
    """Return at most MAX_CANDIDATES candidates, the first to be asked first.

    `models` are the order's, resolved. Raises NoProviderAvailable when the preferences leave none;
    UnsupportedContent, ContextLengthExceeded or InvalidParameter when the request fits none.
    """
    offers = [
        (model, route, model.price)
        for model in models
        if model.price is not None and _is_affordable(model.price, order.preferences)
        for route in _preferred(model.routes, order.preferences)
    ]
    if not offers:
        raise NoProviderAvailable(
            "No provider of the model meets the demands of `provider` "
            "(order, only, ignore, max_price, data_collection). Relax them or name another model."
        )
    refusals: list[Exception] = []
    candidates: list[Candidate] = []
    for model, route, price in offers:
        refusal = _refusal(order, model, route)
        if refusal is not None:
            refusals.append(refusal)
            continue
        request, adapted = adapt(order.request, route.profile, EMULATED_PARAMETERS)
        candidates.append(Candidate(model, route, price, request, adapted))
    if not candidates:
        raise refusals[0]
    return tuple(candidates[:MAX_CANDIDATES])


def _is_affordable(price: PriceValue, preferences: Preferences) -> bool:
    unit = NANO_PER_TOKEN_IN_A_ROUBLE_PER_MILLION
    limits = (
        (preferences.max_prompt_price, price.prompt_nano),
        (preferences.max_completion_price, price.completion_nano),
    )
    return all(limit is None or Decimal(nano) / unit <= limit for limit, nano in limits)


def _preferred(routes: Sequence[Route], preferences: Preferences) -> list[Route]:
    """Return the routes that the preferences allow: those of `order` first, in its order."""
    allowed = [
        route
        for route in sorted(routes, key=lambda route: route.priority)
        if (preferences.only is None or route.provider in preferences.only)
        and route.provider not in preferences.ignore
    ]
    if not preferences.order:
        return allowed if preferences.allow_fallbacks else allowed[:1]
    ordered = [route for slug in preferences.order for route in allowed if route.provider == slug]
    if not preferences.allow_fallbacks:
        return ordered
    return ordered + [route for route in allowed if route not in ordered]


def _refusal(order: ChatOrder, model: Model, route: Route) -> Exception | None:
    """Say why this route cannot serve the request, or None."""
    request = order.request
    profile = route.profile
    for index, message in enumerate(request.messages):
        if message.images and not profile.images:
            path = f"messages[{index}].content"
            return UnsupportedContent(
                f"{path}: {model.id} takes no pictures. "
                "GET /v1/models lists in `architecture` which models do.",
                param=path,
            )
    floor = prompt_floor_tokens(request)
    if floor >= profile.context_tokens:
        return ContextLengthExceeded(
            f"The maximum context length of {model.id} is {profile.context_tokens} tokens, "
            f"and the messages have {floor} tokens at least. Shorten them.",
            param="messages",
        )
    if request.data_collection == "deny" and not profile.can_deny_data_collection:
        return NoProviderAvailable(
            f"{route.provider} cannot be told not to keep prompts (provider.data_collection)."
        )
    if order.preferences.require_parameters:
        missing = unsupported(request, profile, EMULATED_PARAMETERS)
        if missing:
            return NoProviderAvailable(
                f"{model.id} does not honour {', '.join(missing)} (provider.require_parameters)."
            )
    if order.is_strict:
        changed = [str(change) for change in adapt(request, profile, EMULATED_PARAMETERS)[1]] + [
            f"{name}=ignored" for name in order.ignored
        ]
        if changed:
            return InvalidParameter(
                f"{model.id} would need changes, and X-XRouter-Strict forbids them: "
                f"{', '.join(changed)}.",
                param=changed[0].partition("=")[0],
            )
    return None
