"""One completion from request to settlement: the story, in order."""

import hashlib
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence

from accounts.principal import Principal
from accounts.security import watch
from billing.limits.forgiveness import forgive
from billing.usage import generations
from gateway import upstreams
from gateway.pipeline.admission import moderation
from gateway.pipeline.admission.access import resolve_requested, unknown_names
from gateway.pipeline.admission.caller_context import CallerContext, give_connection_back
from gateway.pipeline.admission.payment import RequestPayment
from gateway.pipeline.admission.reservation import bounds, within
from gateway.pipeline.candidate import Candidate
from gateway.pipeline.emulation.wrappers import with_wrappers
from gateway.pipeline.execution import record
from gateway.pipeline.execution.attempts import Attempts, retry_budget
from gateway.pipeline.execution.cancel_token import CallerCancelToken
from gateway.pipeline.execution.observation import AttemptWatch, observed
from gateway.pipeline.execution.provider_call import ProviderCall
from gateway.pipeline.execution.stream import CompletionStream, Report
from gateway.pipeline.request import CompletionRequest, parts
from gateway.pipeline.routing.router import choose
from gateway.providers.base import Provider
from gateway.providers.chat_types import ChatChunk, ChatRequest, Message
from gateway.providers.errors import WireMissing
from gateway.providers.tick import Tick
from infra import metrics, request_facts
from infra.request_id import request_id

COUNT_TIMEOUT_S = 2.0


def open_completion(
    completion_request: CompletionRequest,
    principal: Principal,
    *,
    cancel_token: CallerCancelToken,
    generation_id: uuid.UUID,
) -> CompletionStream:
    """Admit a request and return its completion; no provider is asked before the first chunk is read.

    The caller closes the stream. Raises RequestRefused, LimitExceeded, InsufficientCredits,
    KeyLimitReached, MoneyStoreUnavailable, LimitStoreUnavailable.
    """
    http_request_id = request_id.get() or None
    facts = request_facts.current()
    facts.model = metrics.OTHER
    facts.requested_model = completion_request.models[0]
    caller = CallerContext.of(principal)
    known = resolve_requested(completion_request.models, principal, kind="chat")
    wanted = caller.within_tier(known)
    completion_request = completion_request._replace(
        request=_with_session(completion_request.request, principal),
        ignored=(*completion_request.ignored, *unknown_names(completion_request, known)),
    )
    routing = choose(completion_request, wanted, caller.health)
    facts.model = routing.candidates[0].model.id
    admission = caller.admit(generation_id)
    try:
        moderation.screen(completion_request.request, caller)
        needed = (
            bounds(routing.candidates, is_exact=completion_request.is_strict)
            if caller.is_charged
            else None
        )
        give_connection_back()  # to the writer of holds, which is waited for without one
        model = completion_request.models[0]
        payment = RequestPayment.open(generation_id, principal, model, needed)
    except BaseException:
        admission.release()
        raise

    def ask(
        candidate: Candidate, avoid: frozenset[str], queue: upstreams.QueueWait
    ) -> ProviderCall[ChatChunk]:
        return _provider_call(candidate, principal, cancel_token, queue, avoid)

    def count_tokens(candidate: Candidate, texts: Sequence[str]) -> list[int]:
        provider = upstreams.provider(candidate.route.provider, is_test=principal.is_test)
        return provider.count_tokens(
            texts,
            upstream_id=candidate.route.upstream_id,
            timeout_s=COUNT_TIMEOUT_S,
            wire=candidate.route.profile.wire,
        )

    def is_forgiven() -> bool:
        if not caller.is_charged:
            return True
        try:
            return forgive(principal.account_id)
        finally:
            give_connection_back()

    def settle(report: Report) -> int:
        admission.release()
        is_left = report.is_cancelled and report.rule == "void"
        watch.ended(principal.account_id, is_left=is_left)
        generation_facts = record.facts(
            report,
            is_streamed=completion_request.request.stream,
            ignored=completion_request.ignored,
            routing=record.routing_record(
                routing, affordable, attempts.skipped, attempts.postponed
            ),
            notes=completion_request.notes,
            request_id=http_request_id,
        )
        return payment.settle(report.rule, report.usage, report.candidate.price, generation_facts)

    affordable = within(routing.candidates, payment.held_nano, completion_request.names)
    attempts = Attempts(
        affordable,
        ask=ask,
        cancel_token=cancel_token,
        budget=retry_budget(is_test=principal.is_test),
        hides_reasoning=completion_request.hides_reasoning,
    )
    return CompletionStream(
        identity=generations.public_id(generation_id),
        created_s=int(time.time()),
        attempts=attempts,
        cancel_token=cancel_token,
        settle=settle,
        count_tokens=count_tokens,
        is_forgiven=is_forgiven,
        admission=admission,
        ignored=completion_request.ignored,
        hides_reasoning=completion_request.hides_reasoning,
        choices=len(parts(completion_request.request)),
        names=completion_request.names,
    )


def _provider_call(
    candidate: Candidate,
    principal: Principal,
    cancel_token: CallerCancelToken,
    queue: upstreams.QueueWait,
    avoid: frozenset[str],
) -> ProviderCall[ChatChunk]:
    """Return the call of one candidate; what its model lacks is emulated around it."""
    route = candidate.route

    def run(
        provider: Provider, watch: AttemptWatch | None
    ) -> Generator[Tick | ChatChunk, None, None]:
        def complete(request: ChatRequest) -> Generator[Tick | ChatChunk, None, None]:
            chunks = provider.stream(
                request,
                upstream_id=route.upstream_id,
                cancel_token=cancel_token,
                wire=route.profile.wire,
            )
            return observed(chunks, watch, request, cancel_token)

        def wrapped() -> Generator[Tick | ChatChunk, None, None]:
            # The account that was leased may lack more than was known when the request was fitted.
            profile = provider.narrowed(route.profile)
            return with_wrappers(complete, profile, provider=route.provider)(candidate.request)

        return _with_wire(wrapped) if route.profile.wire else wrapped()

    return ProviderCall(
        route,
        run,
        account_id=principal.account_id,
        is_test=principal.is_test,
        queue=queue,
        avoid=avoid,
    )


def _with_wire(
    wrapped: Callable[[], Generator[Tick | ChatChunk, None, None]],
) -> Generator[Tick | ChatChunk, None, None]:
    """Ask once more, as the account can, where it lacks the route's wire: nothing was answered yet."""
    try:
        yield from wrapped()
    except WireMissing:
        yield from wrapped()


def _with_session(request: ChatRequest, principal: Principal) -> ChatRequest:
    """Return the request with a session id for the provider's prompt cache, unique to the account.

    Where the caller names no dialogue, what it began with does: all up to the user's first message, which
    every later turn repeats.
    """
    name = request.session_id or "\n".join(_opening(request.messages))
    digest = hashlib.sha256(f"{principal.account_id}\n{name}".encode("utf-8", "replace"))
    return request._replace(session_id=_as_uuid(digest.hexdigest()))


def _as_uuid(digits: str) -> str:
    """Write the first 32 digits as a UUID, without making one, which takes four times as long."""
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"


def _opening(messages: Sequence[Message]) -> Iterator[str]:
    for message in messages:
        yield message.content
        if message.role == "user":
            return
