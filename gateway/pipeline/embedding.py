"""One embeddings request from admission to settlement; it has no stream and no fallback text."""

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from accounts.principal import Principal
from billing import generations
from billing.charges import ChargeRule
from billing.generations import AttemptRecord, GenerationFacts
from billing.limits import Admission
from billing.pricing import PriceValue
from gateway import upstreams
from gateway.catalog import Model, Route
from gateway.pipeline import moderation, record
from gateway.pipeline.access import choices
from gateway.pipeline.attempts import outcome_of
from gateway.pipeline.entry import Entry, give_connection_back
from gateway.pipeline.errors import NoProviderAvailable
from gateway.pipeline.estimate import BYTES_PER_TOKEN_BOUND
from gateway.pipeline.payment import Payment
from gateway.pipeline.reservation import Bounds
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


def embed(texts: Sequence[str], model_id: str, principal: Principal) -> Embedded:
    """Embed `texts`, charged by the provider's own count.

    Raises RequestRefused, LimitExceeded, InsufficientCredits, KeyLimitReached, ProviderError, and what
    says that a store is away.
    """
    entry = Entry.of(principal)
    model = entry.within_tier(choices([model_id], principal, kind="embeddings"))[0]
    if model.price is None or not model.routes:
        raise NoProviderAvailable(f"Nobody serves {model.id} at present.")
    bound_tokens = sum(len(text.encode()) // BYTES_PER_TOKEN_BOUND + 1 for text in texts)
    cost_nano = bound_tokens * model.price.prompt_nano
    admission = entry.admit()
    with contextlib.ExitStack() as stack:
        stack.callback(admission.release)
        moderation.screen_texts(texts)
        needed = Bounds(cost_nano, cost_nano) if entry.is_charged else None
        give_connection_back()
        payment = Payment.open(principal, model_id, needed)
        return _settled(texts, model, model.price, payment, principal, admission)


def _settled(
    texts: Sequence[str],
    model: Model,
    price: PriceValue,
    payment: Payment,
    principal: Principal,
    admission: Admission,
) -> Embedded:
    """Ask the routes in turn and settle, whatever comes of it."""
    attempts: list[AttemptRecord] = []
    started_s = time.monotonic()

    def settle(
        rule: ChargeRule,
        usage: Usage,
        error: Exception | None,
        upstream_cost_nano: int | None = None,
    ) -> int:
        facts = GenerationFacts(
            model_id=model.id,
            provider=attempts[-1]["provider"],
            tokens_prompt=usage.prompt_tokens,
            price_id=price.id,
            upstream_cost_nano=upstream_cost_nano,
            latency_ms=round((time.monotonic() - started_s) * 1000),
            finish_reason="" if error else "stop",
            error_code=outcome_of(error) if error else "",
            attempts=attempts,
        )
        return payment.settle(rule, usage, price, facts)

    for position, route in enumerate(model.routes, start=1):
        try:
            embedding = _ask(texts, route, principal, attempts)
        except ProviderError as error:
            if error.retryable and position < len(model.routes):
                continue
            settle("void", Usage(0, 0), error)
            raise
        except BaseException as error:
            settle("void", Usage(0, 0), error if isinstance(error, Exception) else None)
            raise
        break
    usage = Usage(embedding.prompt_tokens, 0)
    cost_nano = settle("finished", usage, None, record.upstream_cost_nano(route, usage))
    return Embedded(
        generations.public_id(payment.generation_id), model, embedding, cost_nano, admission
    )


def _ask(
    texts: Sequence[str], route: Route, principal: Principal, attempts: list[AttemptRecord]
) -> Embedding:
    provider = upstreams.provider(route.provider, is_test=principal.is_test)
    began_s = time.monotonic()
    outcome = "failed"
    try:
        embedding = provider.embed(
            texts, upstream_id=route.upstream_id, timeout_s=settings.UPSTREAM_READ_TIMEOUT_S
        )
        outcome = "answered"
        return embedding
    except ProviderError as error:
        outcome = outcome_of(error)
        raise
    finally:
        attempts.append(
            AttemptRecord(
                provider=route.provider,
                model=route.upstream_id,
                outcome=outcome,
                ms=round((time.monotonic() - began_s) * 1000),
            )
        )
