"""Choose who is asked, in which order and why, or say why nobody can be. Pure."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from billing.pricing import PriceValue
from gateway.catalog import Model, Route
from gateway.health.routes import UNWATCHED, Health
from gateway.pipeline.adaptation import Adaptation
from gateway.pipeline.auto_rules import NO_TRAITS, traits_of
from gateway.pipeline.errors import NoProviderAvailable, RequestRefused
from gateway.pipeline.fitting import fitted
from gateway.pipeline.order import ChatOrder, Preferences, Wish
from gateway.pipeline.ranking import (
    NANO_PER_TOKEN_IN_A_ROUBLE_PER_MILLION,
    Draw,
    Offer,
    Ranked,
    Strategy,
    ranked,
)
from gateway.providers.chat_types import ChatRequest

MAX_CANDIDATES = 3
EMULATED_PARAMETERS = frozenset({"stop"})
"""What the pipeline itself does for every chat model, native or not."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One route to ask, with the request as that route honours it and what was changed for that."""

    model: Model
    route: Route
    price: PriceValue
    request: ChatRequest
    adapted: tuple[Adaptation, ...]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A route that is not asked, and why."""

    provider: str
    model: str
    reason: str


@dataclass(slots=True)
class Routing:
    """What was chosen: the first candidate is asked first."""

    strategy: str
    candidates: tuple[Candidate, ...] = ()
    left_out: list[LeftOut] = field(default_factory=list)

    def leave_out(self, model: Model, route: Route, reason: str) -> None:
        self.left_out.append(LeftOut(route.provider, model.id, reason))


def choose(
    order: ChatOrder,
    wishes: Sequence[Wish],
    health: Health = UNWATCHED,
    draw: Draw = random.random,
) -> Routing:
    """Return at most MAX_CANDIDATES candidates, no route twice.

    `wishes` are the order's models, resolved. Raises NoProviderAvailable when the preferences leave none
    or none works; UnsupportedContent, ContextLengthExceeded or InvalidParameter when the request fits none.
    """
    preferences = order.preferences
    routing = Routing(_strategy_word(wishes, preferences))
    traits = traits_of(order.request) if any(wish.is_auto for wish in wishes) else NO_TRAITS
    places: list[Ranked] = []
    rests_ms: list[int] = []
    for group in _groups(wishes, preferences):
        offers = _offers(group.models, preferences, health, routing, rests_ms)
        strategy = _strategy(group, preferences)
        found = ranked(offers, strategy, traits=traits, health=health, draw=draw)
        places += _as_preferred(found, preferences)
    refusals = _fit(order, places, routing)
    if not routing.candidates:
        raise _nobody(rests_ms, refusals)
    return routing


def routes_of(
    model: Model, health: Health = UNWATCHED, draw: Draw = random.random
) -> tuple[Route, ...]:
    """Return the routes of a model that has no chat, the first to be asked first.

    Raises NoProviderAvailable when none works.
    """
    routing, rests_ms = Routing("balanced"), list[int]()
    offers = _offers([model], Preferences(), health, routing, rests_ms)
    found = ranked(offers, "balanced", traits=NO_TRAITS, health=health, draw=draw)
    if not found:
        raise _nobody(rests_ms, ())
    return tuple(one.offer.route for one in found[:MAX_CANDIDATES])


def _groups(wishes: Sequence[Wish], preferences: Preferences) -> Iterable[Wish]:
    """Return the wishes; all as one where the caller sorts across models."""
    if preferences.sort is None or not preferences.across_models:
        return wishes
    models = (model for wish in wishes for model in wish.models)
    return [Wish(tuple({model.id: model for model in models}.values()), preferences.sort)]


def _strategy(wish: Wish, preferences: Preferences) -> Strategy:
    return wish.sort or preferences.sort or ("auto" if wish.is_auto else "balanced")


def _strategy_word(wishes: Sequence[Wish], preferences: Preferences) -> str:
    if preferences.order:
        return "order"
    return ", ".join(dict.fromkeys(_strategy(wish, preferences) for wish in wishes))


def _offers(
    models: Sequence[Model],
    preferences: Preferences,
    health: Health,
    routing: Routing,
    rests_ms: list[int],
) -> list[Offer]:
    """Return what the preferences allow and is not resting; note of the others why they are out."""
    offers = []
    for model in models:
        if model.price is None:
            continue
        is_affordable = _is_affordable(model.price, preferences)
        for route in model.routes:
            if not is_affordable:
                routing.leave_out(model, route, "it costs more than max_price")
                continue
            if not _is_allowed(route, preferences):
                routing.leave_out(model, route, "only, ignore or order leave its provider out")
                continue
            state = health.route(route.provider, route.upstream_id)
            if state.is_out:
                rests_ms.append(state.rest_ms)
                routing.leave_out(model, route, f"it rests after failures, {state.rest_ms} ms more")
                continue
            offers.append(Offer(model, route, model.price, state))
    return offers


def _is_affordable(price: PriceValue, preferences: Preferences) -> bool:
    unit = NANO_PER_TOKEN_IN_A_ROUBLE_PER_MILLION
    limits = (
        (preferences.max_prompt_price, price.prompt_nano),
        (preferences.max_completion_price, price.completion_nano),
    )
    return all(limit is None or Decimal(nano) / unit <= limit for limit, nano in limits)


def _is_allowed(route: Route, preferences: Preferences) -> bool:
    if preferences.only is not None and route.provider not in preferences.only:
        return False
    if preferences.order and not preferences.allow_fallbacks:
        return route.provider in preferences.order and route.provider not in preferences.ignore
    return route.provider not in preferences.ignore


def _as_preferred(found: list[Ranked], preferences: Preferences) -> list[Ranked]:
    """Put the providers of `order` first; without fallbacks, and without `order`, keep the first alone."""
    if preferences.order:
        place = {slug: index for index, slug in enumerate(preferences.order)}
        return sorted(found, key=lambda one: place.get(one.offer.route.provider, len(place)))
    return found if preferences.allow_fallbacks else found[:1]


def _fit(order: ChatOrder, places: Sequence[Ranked], routing: Routing) -> Sequence[RequestRefused]:
    """Make candidates of the first places that the request fits; return why it does not fit others.

    Vetoed places stand last, and are used where there is no other.
    """
    refusals: list[RequestRefused] = []
    candidates: list[Candidate] = []
    seen: set[tuple[str, str]] = set()
    for one in places:
        model, route = one.offer.model, one.offer.route
        if one.veto is not None and candidates:
            routing.leave_out(model, route, one.veto)
        elif (route.provider, route.upstream_id) in seen:
            routing.leave_out(model, route, "another model has the same route")
        elif len(candidates) == MAX_CANDIDATES:
            routing.leave_out(model, route, f"{MAX_CANDIDATES} candidates stand before it")
        else:
            seen.add((route.provider, route.upstream_id))
            try:
                request, adapted = fitted(order, model, route, EMULATED_PARAMETERS)
            except RequestRefused as refusal:
                refusals.append(refusal)
                routing.leave_out(model, route, refusal.message)
                continue
            candidates.append(
                Candidate(model, route, one.offer.price, request, adapted, one.reasons)
            )
    routing.candidates = tuple(candidates)
    return refusals


def _nobody(rests_ms: Sequence[int], refusals: Sequence[RequestRefused]) -> RequestRefused:
    if rests_ms:
        return NoProviderAvailable(
            "Every provider that may answer has failed of late and is not asked for a moment."
            " Try again shortly, or name other models.",
            retry_after_s=min(rests_ms) / 1000,
        )
    if refusals:
        return refusals[0]
    return NoProviderAvailable(
        "No provider of the model meets the demands of `provider` "
        "(order, only, ignore, max_price, data_collection). Relax them or name another model."
    )
