"""Choose the candidates of a request, in order and with reasons, or say why there are none. Pure."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from billing.pricing import PriceValue
from gateway.catalog.snapshot import CatalogModel, CatalogRoute
from gateway.health.routes import UNWATCHED, Health
from gateway.pipeline.candidate import Adaptation, Candidate
from gateway.pipeline.errors import NoProviderAvailable, RequestRefused
from gateway.pipeline.request import CompletionRequest, Preferences, RequestedModel
from gateway.pipeline.routing.adaptation import fitted
from gateway.pipeline.routing.auto_rules import NO_TRAITS, traits_of
from gateway.pipeline.routing.ranking import (
    NANO_PER_TOKEN_IN_A_ROUBLE_PER_MILLION,
    Draw,
    RankedRoute,
    RouteOption,
    Strategy,
    ranked,
)

MAX_CANDIDATES = 3
EMULATED_PARAMETERS = frozenset({"stop", "n"})
"""Parameters that the pipeline honours for every chat model."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A route that is no candidate, and why."""

    provider: str
    model: str
    reason: str


@dataclass(slots=True)
class Routing:
    """The candidates, the first to be asked first, and the routes that are none.

    Without candidates `refusal` says why.
    """

    strategy: str
    candidates: tuple[Candidate, ...] = ()
    left_out: list[LeftOut] = field(default_factory=list)
    refusal: RequestRefused | None = None

    def leave_out(self, model: CatalogModel, route: CatalogRoute, reason: str) -> None:
        self.left_out.append(LeftOut(route.provider, model.id, reason))


def choose(
    completion_request: CompletionRequest,
    requested_models: Sequence[RequestedModel],
    health: Health = UNWATCHED,
    draw: Draw = random.random,
) -> Routing:
    """Return at most MAX_CANDIDATES candidates, no route twice.

    `requested_models` are the request's models, resolved. Raises NoProviderAvailable where the preferences
    leave none or none works; UnsupportedContent, ContextLengthExceeded or InvalidParameter where the
    request fits none.
    """
    routing = survey(completion_request, requested_models, health, draw)
    if routing.refusal is not None:
        raise routing.refusal
    return routing


def survey(
    completion_request: CompletionRequest,
    requested_models: Sequence[RequestedModel],
    health: Health = UNWATCHED,
    draw: Draw = random.random,
) -> Routing:
    """Choose as `choose` does; where there is no candidate, the routing bears the refusal."""
    preferences = completion_request.preferences
    routing = Routing(_strategy_word(requested_models, preferences))
    traits = (
        traits_of(completion_request.request)
        if any(requested.is_auto for requested in requested_models)
        else NO_TRAITS
    )
    places: list[RankedRoute] = []
    rests_ms: list[int] = []
    for group in _groups(requested_models, preferences):
        options = _route_options(group.models, preferences, health, routing, rests_ms)
        strategy = _strategy(group, preferences)
        found = ranked(options, strategy, traits=traits, health=health, draw=draw)
        places += _as_preferred(found, preferences)
    mapped = _mapped(completion_request, requested_models)
    refusals = _fit(completion_request, places, routing, mapped)
    if not routing.candidates:
        routing.refusal = _nobody(rests_ms, refusals)
    return routing


def routes_of(
    model: CatalogModel, health: Health = UNWATCHED, draw: Draw = random.random
) -> tuple[CatalogRoute, ...]:
    """Return the routes of an embeddings model, the first to be asked first.

    Raises NoProviderAvailable where none works.
    """
    routing, rests_ms = Routing("balanced"), list[int]()
    options = _route_options([model], Preferences(), health, routing, rests_ms)
    found = ranked(options, "balanced", traits=NO_TRAITS, health=health, draw=draw)
    if not found:
        raise _nobody(rests_ms, ())
    return tuple(place.option.route for place in found[:MAX_CANDIDATES])


def _mapped(
    completion_request: CompletionRequest, requested_models: Sequence[RequestedModel]
) -> tuple[Adaptation, ...]:
    """Name the fields whose models were found in the account's model map."""
    names = [requested.name for requested in requested_models if requested.is_mapped]
    if not names:
        return ()
    fields = dict(zip(completion_request.models, completion_request.model_fields, strict=False))
    return tuple(Adaptation(fields.get(name, "model"), "mapped") for name in names)


def _groups(
    requested_models: Sequence[RequestedModel], preferences: Preferences
) -> Iterable[RequestedModel]:
    """Return the wishes; merged into one where the caller sorts across models."""
    if preferences.sort is None or not preferences.across_models:
        return requested_models
    models = (model for requested in requested_models for model in requested.models)
    return [RequestedModel(tuple({model.id: model for model in models}.values()), preferences.sort)]


def _strategy(requested: RequestedModel, preferences: Preferences) -> Strategy:
    return requested.sort or preferences.sort or ("auto" if requested.is_auto else "balanced")


def _strategy_word(requested_models: Sequence[RequestedModel], preferences: Preferences) -> str:
    if preferences.order:
        return "order"
    return ", ".join(
        dict.fromkeys(_strategy(requested, preferences) for requested in requested_models)
    )


def _route_options(
    models: Sequence[CatalogModel],
    preferences: Preferences,
    health: Health,
    routing: Routing,
    rests_ms: list[int],
) -> list[RouteOption]:
    """Return the routes that the preferences allow and whose breakers are closed; leave out the others."""
    options = []
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
            options.append(RouteOption(model, route, model.price, state))
    return options


def _is_affordable(price: PriceValue, preferences: Preferences) -> bool:
    unit = NANO_PER_TOKEN_IN_A_ROUBLE_PER_MILLION
    limits = (
        (preferences.max_prompt_price, price.prompt_nano),
        (preferences.max_completion_price, price.completion_nano),
    )
    return all(limit is None or Decimal(nano) / unit <= limit for limit, nano in limits)


def _is_allowed(route: CatalogRoute, preferences: Preferences) -> bool:
    if preferences.only is not None and route.provider not in preferences.only:
        return False
    if preferences.order and not preferences.allow_fallbacks:
        return route.provider in preferences.order and route.provider not in preferences.ignore
    return route.provider not in preferences.ignore


def _as_preferred(found: list[RankedRoute], preferences: Preferences) -> list[RankedRoute]:
    """Put the providers of `order` first; without fallbacks, and without `order`, keep the first alone."""
    if preferences.order:
        positions = {slug: index for index, slug in enumerate(preferences.order)}
        return sorted(
            found, key=lambda place: positions.get(place.option.route.provider, len(positions))
        )
    return found if preferences.allow_fallbacks else found[:1]


def _fit(
    completion_request: CompletionRequest,
    places: Sequence[RankedRoute],
    routing: Routing,
    mapped: tuple[Adaptation, ...],
) -> Sequence[RequestRefused]:
    """Make candidates of the first places that the request fits; return why it does not fit others.

    Where all are of one provider, the last one gives way to the best of another provider: a provider may
    fail for all of its models at once. Vetoed places stand last, and are used only where there is no other.
    """
    refusals: list[RequestRefused] = []
    candidates: list[Candidate] = []
    providers: set[str] = set()
    seen: set[tuple[str, str]] = set()
    for place in places:
        model, route, reasons = place.option.model, place.option.route, place.reasons
        is_full = len(candidates) == MAX_CANDIDATES
        if place.veto is not None and candidates:
            routing.leave_out(model, route, place.veto)
        elif (route.provider, route.upstream_id) in seen:
            routing.leave_out(model, route, "another model has the same route")
        elif is_full and (len(providers) > 1 or route.provider in providers):
            routing.leave_out(model, route, f"{MAX_CANDIDATES} candidates stand before it")
        else:
            seen.add((route.provider, route.upstream_id))
            try:
                request, adapted = fitted(completion_request, model, route, EMULATED_PARAMETERS)
            except RequestRefused as refusal:
                refusals.append(refusal)
                routing.leave_out(model, route, refusal.message)
                continue
            if is_full:
                last = candidates.pop()
                routing.leave_out(last.model, last.route, "its place went to another provider")
                reasons = (
                    *reasons,
                    f"the best of another provider, should {last.route.provider} fail",
                )
            providers.add(route.provider)
            candidates.append(
                Candidate(model, route, place.option.price, request, (*mapped, *adapted), reasons)
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
