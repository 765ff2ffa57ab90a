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
    RequestRefused,
    UnsupportedContent,
)
from gateway.pipeline.estimate import prompt_floor_tokens
from gateway.pipeline.order import ChatOrder, Preferences
from gateway.pipeline.transforms import middle_out
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
    candidates: list[Candidate] = []
    refusals: list[RequestRefused] = []
    for model, route, price in offers:
        try:
            candidates.append(_candidate(order, model, route, price))
        except RequestRefused as refusal:
            refusals.append(refusal)
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


def _candidate(order: ChatOrder, model: Model, route: Route, price: PriceValue) -> Candidate:
    """Fit the order to a route. Raises RequestRefused when the route cannot serve it."""
    profile = route.profile
    _refuse_unmet_demands(order, model, route)
    request, adapted = adapt(order.request, profile, EMULATED_PARAMETERS)
    if order.is_middle_out:
        shortened = middle_out(request, profile)
        if shortened is not request:
            request, adapted = shortened, (*adapted, Adaptation("messages", "rewritten"))
    floor_tokens = prompt_floor_tokens(request)
    if floor_tokens >= profile.context_tokens:
        raise ContextLengthExceeded(
            f"The maximum context length of {model.id} is {profile.context_tokens} tokens, "
            f"and the messages have {floor_tokens} tokens at least. Shorten them, or send "
            'transforms: ["middle-out"].',
            param="messages",
        )
    changed = [*map(str, adapted), *(f"{name}=ignored" for name in order.ignored)]
    if order.is_strict and changed:
        raise InvalidParameter(
            f"{model.id} would need changes, and X-XRouter-Strict forbids them: "
            f"{', '.join(changed)}.",
            param=changed[0].partition("=")[0],
        )
    return Candidate(model, route, price, request, adapted)


def _refuse_unmet_demands(order: ChatOrder, model: Model, route: Route) -> None:
    """Refuse what no adaptation can mend: pictures, privacy, parameters that must be honoured."""
    request, profile = order.request, route.profile
    for index, message in enumerate(request.messages):
        if message.images and not profile.images:
            path = f"messages[{index}].content"
            raise UnsupportedContent(
                f"{path}: {model.id} takes no pictures. "
                "GET /v1/models lists in `architecture` which models do.",
                param=path,
            )
    if request.data_collection == "deny" and not profile.can_deny_data_collection:
        raise NoProviderAvailable(
            f"{route.provider} cannot be told not to keep prompts (provider.data_collection)."
        )
    if order.preferences.require_parameters:
        missing = unsupported(request, profile, EMULATED_PARAMETERS)
        if missing:
            raise NoProviderAvailable(
                f"{model.id} does not honour {', '.join(missing)} (provider.require_parameters)."
            )
