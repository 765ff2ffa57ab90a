"""Ask the candidates in turn until one begins to answer; after its first chunk there is no other."""

import random
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

from django.conf import settings

from accounts.errors import CredentialEnded
from gateway.catalog.snapshot import CatalogModel, CatalogRoute
from gateway.pipeline.errors import NoProviderAvailable, ProvidersFull
from gateway.pipeline.execution.cancel_token import CallerCancelToken
from gateway.pipeline.execution.observation import kind_of
from gateway.pipeline.execution.provider_call import AttemptSkipped, ProviderCall, ShareTaken
from gateway.providers import errors
from gateway.providers.chat_types import ChatChunk
from gateway.providers.tick import Tick
from gateway.upstreams import QueueWait, SlotElsewhere
from infra.short_lock import ShortLock

MOST_ATTEMPTS = 3
MOST_JITTER_S = 0.05
SPAN_S = 60
SHARE = 0.1
FREE = 60
"""Retries a minute that are always allowed, for a service of few requests."""

LEFT = "cancelled"
"""The outcome of an attempt whose caller left before it was answered."""

_OUTCOMES: dict[type[Exception], str] = {
    CredentialEnded: "credential_ended",
    errors.ProviderUnavailable: "unavailable",
    errors.ProviderProtocolError: "not_understood",
    errors.ProviderTimeout: "timeout",
    errors.ProviderAuthError: "credential_refused",
    errors.ProviderRateLimited: "busy",
    errors.ProviderRejected: "rejected",
    NoProviderAvailable: "nobody_asked",
}


class AttemptTarget(Protocol):
    """A route to ask for a model."""

    @property
    def model(self) -> CatalogModel: ...

    @property
    def route(self) -> CatalogRoute: ...


C = TypeVar("C", bound=AttemptTarget)
T = TypeVar("T")


class Attempt(NamedTuple):
    """A candidate that was asked; `outcome` is `answered` or a kind of failure."""

    provider: str
    model: str
    outcome: str
    elapsed_ms: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A candidate that was not asked, and why."""

    provider: str
    model: str
    reason: str


def _route_key(candidate: AttemptTarget) -> tuple[str, str]:
    return candidate.route.provider, candidate.route.upstream_id


def outcome_of(error: Exception) -> str:
    """Name a failure in one word, as it is stored and shown."""
    for kind, outcome in _OUTCOMES.items():
        if isinstance(error, kind):
            return outcome
    return "failed"


class RetryBudget:
    """Allows a tenth of a process's requests in the last minute a second attempt at a provider that failed.

    So retries never make an outage worse. Another provider is no retry: breakers and the throttle guard it.
    `_seconds` holds [second, requests, retries].
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = ShortLock()
        self._seconds: deque[list[int]] = deque()
        self._requests = 0
        self._retries = 0

    def count_request(self) -> None:
        """Count a request at its first attempt."""
        with self._lock:
            self._now()[1] += 1
            self._requests += 1

    def take(self) -> bool:
        """Take one retry; say whether there was one left."""
        with self._lock:
            counts = self._now()
            if self._retries + 1 > FREE + SHARE * self._requests:
                return False
            counts[2] += 1
            self._retries += 1
            return True

    def give_back(self) -> None:
        """Return a retry that was taken and not sent."""
        with self._lock:
            counts = self._now()
            counts[2] -= 1
            self._retries -= 1

    def _now(self) -> list[int]:
        """Return the counts of this second, and drop those older than SPAN_S."""
        second = int(self._clock())
        while self._seconds and self._seconds[0][0] <= second - SPAN_S:
            _, requests, retries = self._seconds.popleft()
            self._requests -= requests
            self._retries -= retries
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append([second, 0, 0])
        return self._seconds[-1]


_LIVE, _TEST = RetryBudget(), RetryBudget()


def retry_budget(*, is_test: bool) -> RetryBudget:
    """Return the process's budget; test keys, which can make the sandbox fail, have one of their own."""
    return _TEST if is_test else _LIVE


class Attempts(Generic[C, T]):
    """The chunks of the first candidate that answers, and the record of how it was found.

    `ask` gets a candidate, the credentials that it is not to be asked with, and `queue`. It may not
    refer to this object: a cycle would keep each request until the garbage collector runs. No route is asked
    twice, except with another credential when one was refused. Candidates of a provider that failed wait
    behind those of other providers; `postponed` are those that another was put before. `queue` counts the
    time that was waited for slots. With `hides_reasoning` thoughts alone are no beginning of an answer.
    """

    def __init__(
        self,
        candidates: Sequence[C],
        *,
        ask: Callable[[C, frozenset[str], QueueWait], ProviderCall[T]],
        cancel_token: CallerCancelToken,
        budget: RetryBudget,
        hides_reasoning: bool = False,
    ) -> None:
        self._hides_reasoning = hides_reasoning
        self.queue = QueueWait(settings.PROVIDER_QUEUE_WAIT_S, cancel_token)
        self._waiting = deque(candidates)
        self._ask = ask
        self._cancel_token = cancel_token
        self._budget = budget
        self._refused: dict[str, set[str]] = {}
        self._refused_for: dict[tuple[str, str], set[str]] = {}
        self._last_resort: list[C] = []
        self._failed: set[str] = set()
        self._asked = 0
        self._has_retry = False
        self.history: list[Attempt] = []
        self.skipped: list[Skipped] = []
        self.postponed: list[C] = []
        self.current = candidates[0]

    def chunks(self) -> Generator[Tick | T, None, None]:
        """Yield ticks while waiting, then the answer.

        Raises the ProviderError of who was asked last, NoProviderAvailable when nobody could be; ProvidersFull
        where that is because this process is full alone.
        """
        failure: errors.ProviderError | None = None
        retry_after_s: list[float] = []
        is_full_alone = True
        self._budget.count_request()
        while self._has_waiting():
            if failure is not None and not self._may_go_on(failure):
                raise failure
            candidate = self._waiting.popleft()
            self.queue.others = self._providers_but(candidate.route.provider)
            call = self._ask(candidate, self._refused_to(candidate), self.queue)
            before, self.current = self.current, candidate
            started_s = time.monotonic()
            has_begun = False
            try:
                for chunk in call.chunks:
                    if not has_begun and not self._says_nothing(chunk):
                        has_begun = True
                        self._note(candidate, "answered", started_s)
                    yield chunk
                if not has_begun:
                    raise errors.ProviderProtocolError(
                        "the answer is empty", provider=candidate.route.provider
                    )
                return
            except AttemptSkipped as refusal:
                if self._is_kept_from_refused(candidate):
                    self._last_resort.append(candidate)
                    self.postponed += [candidate] if self._waiting else []
                    self.current = before
                elif failure is None or candidate is not before:
                    self._skip(candidate, refusal.reason)
                    self.current = before
                retry_after_s.append(refusal.retry_after_s)
                is_full_alone &= isinstance(refusal, ShareTaken)
            except SlotElsewhere as elsewhere:
                self._skip(candidate, "its slots were taken, and another provider had one free")
                self._put_first(elsewhere.provider)
                self._waiting.append(candidate)
                self.current = before
            except errors.ProviderError as error:
                if has_begun:
                    raise
                self._note(candidate, self._outcome_of(error), started_s)
                failure = error
                self._plan_after(error, candidate, call)
            finally:
                call.chunks.close()
                self._settle_with_budget(call)
        if failure is not None:
            raise failure
        kind = ProvidersFull if is_full_alone else NoProviderAvailable
        raise kind(
            "Every provider that may answer is failing or full at present. Try again shortly.",
            retry_after_s=min(retry_after_s, default=1.0),
        )

    def _says_nothing(self, step: Tick | T) -> bool:
        """Return whether the caller would get nothing of it, so that the next candidate may still be asked."""
        if isinstance(step, ChatChunk):
            is_seen = step.text or step.refusal or step.tool_calls or step.finish_reason
            return not (is_seen or (step.reasoning and not self._hides_reasoning))
        return isinstance(step, Tick)

    def _has_waiting(self) -> bool:
        """Say whether a candidate is left; last are those for which a credential was kept back."""
        if not self._waiting and self._last_resort:
            self._waiting = deque(self._last_resort)
            self._last_resort = []
            self._refused.clear()
        return bool(self._waiting)

    def _refused_to(self, candidate: C) -> frozenset[str]:
        """Return the credentials that this candidate is not to be asked with."""
        refused = self._refused.get(candidate.route.provider, set())
        return frozenset(refused | self._refused_for.get(_route_key(candidate), set()))

    def _is_kept_from_refused(self, candidate: C) -> bool:
        """Say whether a credential is kept from a candidate that was refused for another model alone."""
        own = self._refused_for.get(_route_key(candidate), set())
        return not self._refused_to(candidate) <= own

    def _providers_but(self, provider: str) -> tuple[str, ...]:
        """Return the providers that are still to be asked and have not failed, in their order."""
        waiting = dict.fromkeys(candidate.route.provider for candidate in self._waiting)
        return tuple(slug for slug in waiting if slug != provider and slug not in self._failed)

    def _put_first(self, provider: str) -> None:
        """Have the candidates of one provider asked next; `sorted` keeps the order else."""
        self._waiting = deque(
            sorted(self._waiting, key=lambda waiting: waiting.route.provider != provider)
        )

    def _plan_after(self, error: errors.ProviderError, candidate: C, call: ProviderCall[T]) -> None:
        """Have other providers asked first, unless the failure was the model's alone.

        Where a credential was refused the same route is asked with another one: at once after the first
        refusal, behind other providers after the second. Other models are asked with it when nobody else
        is left; at once where it is only not paid for this one.
        """
        kind = kind_of(error)
        may_ask_again = isinstance(error, errors.ProviderAuthError) and call.was_asked
        if may_ask_again:
            self._refused_for.setdefault(_route_key(candidate), set()).add(call.credential)
            self._waiting.appendleft(candidate)
        if kind in ("missing", "unpaid"):
            return
        provider = candidate.route.provider
        self._failed.add(provider)
        is_first_refusal = may_ask_again and provider not in self._refused
        if may_ask_again:
            self._refused.setdefault(provider, set()).add(call.credential)
        if not is_first_refusal:
            self._put_other_providers_first()

    def _put_other_providers_first(self) -> None:
        sound: deque[C] = deque()
        failed: list[C] = []
        passed = 0
        for candidate in self._waiting:
            if candidate.route.provider in self._failed:
                failed.append(candidate)
            else:
                sound.append(candidate)
                passed = len(failed)
        self.postponed += (late for late in failed[:passed] if late is not self.current)
        self._waiting = sound + deque(failed)

    def _may_go_on(self, failure: errors.ProviderError) -> bool:
        """Say whether one more candidate may be asked; before a retry, wait for a random moment."""
        if not failure.retryable or self._cancel_token.is_cancelled:
            return False
        left_s = self._cancel_token.deadline_s - time.monotonic()
        if self._asked >= MOST_ATTEMPTS or left_s <= MOST_JITTER_S:
            self._skip_the_rest("there is no attempt left, or no time")
            return False
        if self._asked:
            if self._waiting[0].route.provider in self._failed and not self._take_retry():
                return False
            time.sleep(random.uniform(0, MOST_JITTER_S))  # noqa: S311 -- no secret
        return True

    def _take_retry(self) -> bool:
        """Take a retry at a provider that failed; without one, say whether another provider is left."""
        self._has_retry = self._budget.take()
        if self._has_retry:
            return True
        for candidate in (*self._waiting, *self._last_resort):
            if candidate.route.provider in self._failed:
                self._skip(candidate, "the retry budget of this process is spent")
        self._waiting = deque(
            waiting for waiting in self._waiting if waiting.route.provider not in self._failed
        )
        self._last_resort = []
        return bool(self._waiting)

    def _settle_with_budget(self, call: ProviderCall[T]) -> None:
        if call.was_asked:
            self._asked += 1
        elif self._has_retry:
            self._budget.give_back()
        self._has_retry = False

    def _outcome_of(self, error: errors.ProviderError) -> str:
        """Name a failure; what ends because the caller has left is no failure of the provider's."""
        if not self._cancel_token.is_cancelled:
            return outcome_of(error)
        reason = self._cancel_token.reason
        return LEFT if reason is None else outcome_of(reason)

    def _note(self, candidate: C, outcome: str, started_s: float) -> None:
        elapsed_ms = round((time.monotonic() - started_s) * 1000)
        self.history.append(
            Attempt(candidate.route.provider, candidate.model.id, outcome, elapsed_ms)
        )

    def _skip(self, candidate: C, reason: str) -> None:
        self.skipped.append(Skipped(candidate.route.provider, candidate.model.id, reason))

    def _skip_the_rest(self, reason: str) -> None:
        for candidate in (*self._waiting, *self._last_resort):
            self._skip(candidate, reason)
