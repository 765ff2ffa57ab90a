"""One embeddings request from admission to settlement: as completion.py, but answered in one piece."""

import contextlib
import time
import uuid
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from django.conf import settings

from accounts.principal import Principal
from accounts.security import watch
from billing.ledger.charges import ChargeRule
from billing.limits.request_limits import Admission
from billing.pricing import PriceValue
from billing.usage import generations
from billing.usage.generations import GenerationFacts
from gateway.catalog.snapshot import CatalogModel, CatalogRoute
from gateway.pipeline import token_estimate
from gateway.pipeline.admission import moderation
from gateway.pipeline.admission.access import resolve_requested
from gateway.pipeline.admission.caller_context import CallerContext, give_connection_back
from gateway.pipeline.admission.payment import RequestPayment
from gateway.pipeline.admission.reservation import Bounds
from gateway.pipeline.candidate import Adaptation
from gateway.pipeline.errors import InvalidParameter, NoProviderAvailable
from gateway.pipeline.execution import record
from gateway.pipeline.execution.attempts import Attempts, outcome_of, retry_budget
from gateway.pipeline.execution.cancel_token import CallerCancelToken
from gateway.pipeline.execution.observation import AttemptWatch, observed_call
from gateway.pipeline.execution.provider_call import ProviderCall
from gateway.pipeline.routing.router import routes_of
from gateway.providers.base import Provider
from gateway.providers.chat_types import Embedding, Usage
from gateway.providers.errors import ProviderRejected
from gateway.upstreams import QueueWait
from infra import metrics, request_facts
from infra.request_id import request_id

LEAST_TIMEOUT_S = 0.1


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors in the order of the texts, what they cost, and what is not as the caller asked."""

    id: str
    model: CatalogModel
    vectors: Sequence[Sequence[float]]
    prompt_tokens: int
    cost_nano: int
    admission: Admission
    adapted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EmbeddingTarget:
    """A route to ask for vectors."""

    model: CatalogModel
    route: CatalogRoute


def embed(
    texts: Sequence[str],
    model_id: str,
    principal: Principal,
    *,
    generation_id: uuid.UUID,
    user: str | None = None,
    dimensions: int | None = None,
    ignored: Sequence[str] = (),
) -> Embedded:
    """Embed `texts`; charge the provider's own count of tokens, or an estimate where it has none.

    `user` is kept with the generation. `dimensions` is the length of the vectors, None the model's usual one;
    `ignored` are the paths of the fields of the body that mean nothing.

    Raises RequestRefused, LimitExceeded, InsufficientCredits, KeyLimitReached, ProviderError,
    MoneyStoreUnavailable, LimitStoreUnavailable.
    """
    request = request_facts.current()
    request.model = metrics.OTHER
    request.requested_model = model_id
    caller = CallerContext.of(principal)
    [requested] = caller.within_tier(resolve_requested([model_id], principal, kind="embeddings"))
    model = requested.models[0]
    request.model = model.id
    price = model.price
    if price is None or not model.routes:
        raise NoProviderAvailable(f"Nobody serves {model.id} at present.")
    model = _with_dimensions(model, dimensions)
    routes = routes_of(model, caller.health)
    bound_tokens = sum(
        len(text.encode()) // token_estimate.BYTES_PER_TOKEN_BOUND + 1 for text in texts
    )
    cost_nano = bound_tokens * price.prompt_nano
    admission = caller.admit(generation_id)
    with contextlib.ExitStack() as stack:
        stack.callback(admission.release)
        moderation.screen_texts(texts, caller)
        needed = Bounds(cost_nano, cost_nano) if caller.is_charged else None
        give_connection_back()
        payment = RequestPayment.open(generation_id, principal, model_id, needed)
        targets = [EmbeddingTarget(model, route) for route in routes]
        adapted = [Adaptation("model", "mapped")] if requested.is_mapped else []
        adapted += [Adaptation(path, "ignored") for path in ignored]
        order = _Order(texts, dimensions, user, tuple(map(str, adapted)))
        return _settled(order, targets, price, payment, principal, admission)


@dataclass(frozen=True, slots=True)
class _Order:
    """What is asked for."""

    texts: Sequence[str]
    dimensions: int | None
    user: str | None
    adapted: tuple[str, ...]


def _with_dimensions(model: CatalogModel, dimensions: int | None) -> CatalogModel:
    """Return the model with the routes that have vectors of that length. Raises InvalidParameter."""
    if dimensions is None:
        return model
    routes = tuple(route for route in model.routes if dimensions in route.profile.dimensions)
    if routes:
        return replace(model, routes=routes)
    sizes = sorted({size for route in model.routes for size in route.profile.dimensions})
    if not sizes:
        raise InvalidParameter(
            f"dimensions cannot be chosen: the vectors of {model.id} have one length.",
            param="dimensions",
        )
    named = ", ".join(map(str, sizes))
    raise InvalidParameter(
        f"dimensions must be one of {named}: {model.id} has no other vectors.", param="dimensions"
    )


def _settled(
    order: _Order,
    targets: Sequence[EmbeddingTarget],
    price: PriceValue,
    payment: RequestPayment,
    principal: Principal,
    admission: Admission,
) -> Embedded:
    """Ask the routes in turn, and settle however that ends."""
    model = targets[0].model
    cancel_token = CallerCancelToken(total_timeout_s=settings.UPSTREAM_TOTAL_TIMEOUT_S)
    started_s = time.monotonic()

    def ask(
        target: EmbeddingTarget, avoid: frozenset[str], queue: QueueWait
    ) -> ProviderCall[Embedding]:
        return _provider_call(order, target.route, principal, cancel_token, queue, avoid)

    attempts = Attempts(
        targets,
        ask=ask,
        cancel_token=cancel_token,
        budget=retry_budget(is_test=principal.is_test),
    )

    def settle(
        rule: ChargeRule,
        usage: Usage,
        error: Exception | None,
        upstream_cost_nano: int | None = None,
    ) -> int:
        watch.ended(principal.account_id, is_left=False)
        facts = GenerationFacts(
            model_id=model.id,
            provider=attempts.current.route.provider,
            tokens_prompt=usage.prompt_tokens,
            tokens_source=usage.source,
            price_id=price.id,
            upstream_cost_nano=upstream_cost_nano,
            latency_ms=round((time.monotonic() - started_s) * 1000),
            finish_reason="" if error else "stop",
            error_code=outcome_of(error) if error else "",
            attempts=record.attempt_records(attempts.history),
            adapted=order.adapted,
            queued_ms=0,
            end_user=order.user,
            request_id=request_id.get() or None,
        )
        charge_nano = payment.settle(rule, usage, price, facts)
        request = request_facts.current()
        request.generation = generations.public_id(payment.generation_id)
        request.provider, request.attempts = facts.provider, len(attempts.history)
        request.tokens_prompt, request.charge_nano = usage.prompt_tokens, charge_nano
        return charge_nano

    try:
        with contextlib.closing(attempts.chunks()) as chunks:
            embedding = next(chunk for chunk in chunks if isinstance(chunk, Embedding))
    except BaseException as error:
        if isinstance(error, ProviderRejected) and error.context_length_exceeded:
            error.param = "input"
        settle("void", Usage(0, 0), error if isinstance(error, Exception) else None)
        raise
    usage = _usage_of(embedding, order.texts)
    upstream_cost_nano = record.upstream_cost_nano(attempts.current.route, usage)
    cost_nano = settle("finished", usage, None, upstream_cost_nano)
    return Embedded(
        generations.public_id(payment.generation_id),
        model,
        embedding.vectors,
        usage.prompt_tokens,
        cost_nano,
        admission,
        order.adapted,
    )


def _usage_of(embedding: Embedding, texts: Sequence[str]) -> Usage:
    if embedding.prompt_tokens is not None:
        return Usage(embedding.prompt_tokens, 0)
    return Usage(sum(map(token_estimate.text_tokens, texts)), 0, source="estimated")


def _provider_call(
    order: _Order,
    route: CatalogRoute,
    principal: Principal,
    cancel_token: CallerCancelToken,
    queue: QueueWait,
    avoid: frozenset[str],
) -> ProviderCall[Embedding]:
    def run(provider: Provider, watch: AttemptWatch | None) -> Generator[Embedding, None, None]:
        left_s = cancel_token.deadline_s - time.monotonic()
        timeout_s = min(settings.UPSTREAM_READ_TIMEOUT_S, max(LEAST_TIMEOUT_S, left_s))
        ask = partial(
            provider.embed,
            order.texts,
            upstream_id=route.upstream_id,
            timeout_s=timeout_s,
            dimensions=order.dimensions,
            wire=route.profile.wire,
        )
        yield observed_call(ask, watch)

    return ProviderCall(
        route,
        run,
        account_id=principal.account_id,
        is_test=principal.is_test,
        queue=queue,
        avoid=avoid,
    )
