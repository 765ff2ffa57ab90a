"""One embeddings request from admission to settlement; it has no stream and no fallback text."""

import contextlib
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from django.conf import settings

from accounts.principal import Principal
from billing import generations
from billing.charges import ChargeRule
from billing.generations import GenerationFacts
from billing.limits import Admission
from billing.pricing import PriceValue
from gateway.catalog import Model, Route
from gateway.health import monitor
from gateway.health.routes import UNWATCHED
from gateway.pipeline import moderation, record, retry_budget
from gateway.pipeline.access import wishes
from gateway.pipeline.attempts import Attempts, outcome_of
from gateway.pipeline.entry import Entry, give_connection_back
from gateway.pipeline.errors import NoProviderAvailable
from gateway.pipeline.estimate import BYTES_PER_TOKEN_BOUND
from gateway.pipeline.lifeline import CallerLifeline
from gateway.pipeline.observation import Watch
from gateway.pipeline.payment import Payment
from gateway.pipeline.reservation import Bounds
from gateway.pipeline.router import routes_of
from gateway.pipeline.trial import Trial
from gateway.providers.base import Provider
from gateway.providers.chat_types import Embedding, Usage
from gateway.providers.errors import ProviderError


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors in the order of the texts, and what they cost."""

    id: str
    model: Model
    embedding: Embedding
    cost_nano: int
    admission: Admission


@dataclass(frozen=True, slots=True)
class Target:
    """A route to ask for vectors."""

    model: Model
    route: Route


def embed(texts: Sequence[str], model_id: str, principal: Principal) -> Embedded:
    """Embed `texts`, charged by the provider's own count.

    Raises RequestRefused, LimitExceeded, InsufficientCredits, KeyLimitReached, ProviderError, and what
    says that a store is away.
    """
    entry = Entry.of(principal)
    [wish] = entry.within_tier(wishes([model_id], principal, kind="embeddings"))
    model = wish.models[0]
    if model.price is None or not model.routes:
        raise NoProviderAvailable(f"Nobody serves {model.id} at present.")
    routes = routes_of(model, UNWATCHED if principal.is_test else monitor.current())
    bound_tokens = sum(len(text.encode()) // BYTES_PER_TOKEN_BOUND + 1 for text in texts)
    cost_nano = bound_tokens * model.price.prompt_nano
    admission = entry.admit()
    with contextlib.ExitStack() as stack:
        stack.callback(admission.release)
        moderation.screen_texts(texts)
        needed = Bounds(cost_nano, cost_nano) if entry.is_charged else None
        give_connection_back()
        payment = Payment.open(principal, model_id, needed)
        targets = [Target(model, route) for route in routes]
        return _settled(texts, targets, model.price, payment, principal, admission)


def _settled(
    texts: Sequence[str],
    targets: Sequence[Target],
    price: PriceValue,
    payment: Payment,
    principal: Principal,
    admission: Admission,
) -> Embedded:
    """Ask the routes in turn and settle, whatever comes of it."""
    model = targets[0].model
    lifeline = CallerLifeline(total_timeout_s=settings.UPSTREAM_TOTAL_TIMEOUT_S)
    started_s = time.monotonic()

    def ask(target: Target, avoid: frozenset[str]) -> Trial[Embedding]:
        return _trial(texts, target.route, principal, lifeline, avoid)

    attempts = Attempts(
        targets,
        ask=ask,
        lifeline=lifeline,
        budget=retry_budget.test if principal.is_test else retry_budget.live,
    )

    def settle(
        rule: ChargeRule,
        usage: Usage,
        error: Exception | None,
        upstream_cost_nano: int | None = None,
    ) -> int:
        facts = GenerationFacts(
            model_id=model.id,
            provider=attempts.current.route.provider,
            tokens_prompt=usage.prompt_tokens,
            price_id=price.id,
            upstream_cost_nano=upstream_cost_nano,
            latency_ms=round((time.monotonic() - started_s) * 1000),
            finish_reason="" if error else "stop",
            error_code=outcome_of(error) if error else "",
            attempts=record.attempt_records(attempts.made),
        )
        return payment.settle(rule, usage, price, facts)

    try:
        with contextlib.closing(attempts.chunks()) as chunks:
            embedding = next(one for one in chunks if isinstance(one, Embedding))
    except BaseException as error:
        settle("void", Usage(0, 0), error if isinstance(error, Exception) else None)
        raise
    usage = Usage(embedding.prompt_tokens, 0)
    upstream_cost_nano = record.upstream_cost_nano(attempts.current.route, usage)
    cost_nano = settle("finished", usage, None, upstream_cost_nano)
    return Embedded(
        generations.public_id(payment.generation_id), model, embedding, cost_nano, admission
    )


def _trial(
    texts: Sequence[str],
    route: Route,
    principal: Principal,
    lifeline: CallerLifeline,
    avoid: frozenset[str],
) -> Trial[Embedding]:
    def run(provider: Provider, watch: Watch | None) -> Generator[Embedding, None, None]:
        left_s = lifeline.deadline_s - time.monotonic()
        try:
            embedding = provider.embed(
                texts,
                upstream_id=route.upstream_id,
                timeout_s=min(settings.UPSTREAM_READ_TIMEOUT_S, max(0.1, left_s)),
            )
        except ProviderError as error:
            if watch is not None:
                watch.failed(error)
            raise
        except BaseException:
            if watch is not None:
                watch.ended("abandoned")
            raise
        if watch is not None:
            watch.answered()
            watch.ended("finished")
        yield embedding

    return Trial(
        route, run, account_id=principal.account_id, is_test=principal.is_test, avoid=avoid
    )
