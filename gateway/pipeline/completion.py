"""One completion from request to settlement: the story, in order."""

import contextlib
import hashlib
import time
import uuid
from collections.abc import Generator, Sequence
from dataclasses import replace

from accounts.principal import Principal
from billing import generations
from gateway import upstreams
from gateway.health import monitor
from gateway.health.routes import UNWATCHED, Health
from gateway.pipeline import moderation, record, retry_budget
from gateway.pipeline.access import wishes
from gateway.pipeline.attempts import Attempts
from gateway.pipeline.entry import Entry, give_connection_back
from gateway.pipeline.layers import with_layers
from gateway.pipeline.lifeline import CallerLifeline
from gateway.pipeline.observation import Watch, observed
from gateway.pipeline.order import ChatOrder
from gateway.pipeline.payment import Payment
from gateway.pipeline.reservation import bounds, within
from gateway.pipeline.router import Candidate, choose
from gateway.pipeline.routing_record import routing_record
from gateway.pipeline.stop_sequences import stop_at
from gateway.pipeline.stream import CompletionStream, Report
from gateway.pipeline.trial import Trial
from gateway.providers.base import Provider
from gateway.providers.chat_types import ChatChunk, ChatRequest

COUNT_TIMEOUT_S = 2.0


def open_completion(
    order: ChatOrder, principal: Principal, *, lifeline: CallerLifeline
) -> CompletionStream:
    """Admit an order and return its running completion; no provider has been asked yet.

    Raises RequestRefused, LimitExceeded, InsufficientCredits, KeyLimitReached, and what says that a
    store is away. Whoever gets the stream closes it.
    """
    entry = Entry.of(principal)
    wanted = entry.within_tier(wishes(order.models, principal, kind="chat"))
    order = replace(order, request=_with_session(order.request, principal))
    routing = choose(order, wanted, _health(principal))
    admission = entry.admit()
    with contextlib.ExitStack() as on_refusal:
        on_refusal.callback(admission.release)
        moderation.screen(order.request)
        needed = bounds(routing.candidates, is_exact=order.is_strict) if entry.is_charged else None
        give_connection_back()  # the writer of holds needs one, and who waits for it needs none
        payment = Payment.open(principal, order.models[0], needed)
        on_refusal.pop_all()

    def ask(candidate: Candidate, avoid: frozenset[str]) -> Trial[ChatChunk]:
        return _trial(candidate, principal, lifeline, avoid)

    def count_tokens(candidate: Candidate, texts: Sequence[str]) -> list[int]:
        provider = upstreams.provider(candidate.route.provider, is_test=principal.is_test)
        return provider.count_tokens(
            texts, upstream_id=candidate.route.upstream_id, timeout_s=COUNT_TIMEOUT_S
        )

    def settle(report: Report) -> int:
        admission.release()
        facts = record.facts(
            report,
            is_streamed=order.request.stream,
            ignored=order.ignored,
            routing=routing_record(routing, affordable, attempts.skipped),
        )
        return payment.settle(report.rule, report.usage, report.candidate.price, facts)

    affordable = within(routing.candidates, payment.held_nano)
    attempts = Attempts(
        affordable,
        ask=ask,
        lifeline=lifeline,
        budget=retry_budget.test if principal.is_test else retry_budget.live,
    )
    return CompletionStream(
        identity=generations.public_id(payment.generation_id),
        created_s=int(time.time()),
        attempts=attempts,
        lifeline=lifeline,
        settle=settle,
        count_tokens=count_tokens,
        admission=admission,
        ignored=order.ignored,
    )


def _health(principal: Principal) -> Health:
    """Return what the router goes by: nobody watches what test keys make the sandbox do."""
    return UNWATCHED if principal.is_test else monitor.current()


def _trial(
    candidate: Candidate, principal: Principal, lifeline: CallerLifeline, avoid: frozenset[str]
) -> Trial[ChatChunk]:
    """Ask one candidate; what its provider cannot do is done here."""
    route = candidate.route

    def run(provider: Provider, watch: Watch | None) -> Generator[ChatChunk, None, None]:
        def complete(request: ChatRequest) -> Generator[ChatChunk, None, None]:
            chunks = provider.stream(request, upstream_id=route.upstream_id, lifeline=lifeline)
            return observed(chunks, watch, request, lifeline)

        request = replace(candidate.request, stop=())
        chunks = with_layers(complete, route.profile, provider=route.provider)(request)
        with contextlib.closing(chunks):
            # A document is whole or nothing: stop sequences are for prose.
            stop = () if request.response_format else candidate.request.stop
            yield from stop_at(chunks, stop) if stop else chunks

    return Trial(
        route, run, account_id=principal.account_id, is_test=principal.is_test, avoid=avoid
    )


def _with_session(request: ChatRequest, principal: Principal) -> ChatRequest:
    """Name the dialogue to the provider, whose cache it keeps warm, in a way that is the account's own."""
    said = request.session_id or "\n".join(message.content for message in request.messages[:2])
    digest = hashlib.sha256(f"{principal.account_id}\n{said}".encode("utf-8", "replace"))
    return replace(request, session_id=str(uuid.UUID(bytes=digest.digest()[:16])))
