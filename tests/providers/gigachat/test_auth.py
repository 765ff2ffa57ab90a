"""Access tokens: one for all, renewed ahead of time, fetched by one of all waiters."""

import threading
from collections.abc import Callable, Sequence
from uuid import UUID

import orjson
import pytest

from gateway.providers._shared.credentials import RenewedToken
from gateway.providers.errors import (
    ProviderError,
    ProviderUnavailable,
)
from gateway.providers.gigachat.auth import access_token
from tests.providers.canned import CannedRequest, Step, reply
from tests.providers.gigachat.upstream import HANG_S, KEY, GigaChatUpstream

NOW_S = 1_795_300_000.0
LIFE_S = 1_800.0


class Clock:
    def __init__(self) -> None:
        self.now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(upstream: GigaChatUpstream, clock: Clock) -> RenewedToken:
    return access_token(
        auth_url=f"{upstream.url}/oauth",
        credentials=KEY,
        scope="GIGACHAT_API_PERS",
        now_s=clock,
    )


def numbered(clock: Clock, life_s: float = LIFE_S) -> Callable[[CannedRequest], Sequence[Step]]:
    """Answer with token-1, token-2 and so on, each of that life."""
    count = iter(range(1, 1_000))

    def answer(_: CannedRequest) -> Sequence[Step]:
        expires_at_ms = int((clock.now_s + life_s) * 1000)
        return [reply(f'{{"access_token": "token-{next(count)}", "expires_at": {expires_at_ms}}}')]

    return answer


def in_threads(job: Callable[[], str], number: int = 16) -> list[str | ProviderError]:
    """Run a job in many threads that begin together."""
    results: list[str | ProviderError] = []
    barrier = threading.Barrier(number)

    def work() -> None:
        barrier.wait(HANG_S)
        try:
            results.append(job())
        except ProviderError as error:
            results.append(error)

    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_S)
    return results


def test_a_token_is_asked_for_as_the_documentation_says(
    upstream: GigaChatUpstream, tokens: RenewedToken
):
    assert tokens.authorization() == "Bearer access-token-1"
    (request,) = upstream.token_requests
    assert (request.method, request.body) == ("POST", b"scope=GIGACHAT_API_PERS")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["authorization"] == f"Basic {KEY}"
    assert UUID(request.headers["rquid"]).version == 4
    assert request.headers["user-agent"]


def test_every_request_has_an_id_of_its_own(upstream: GigaChatUpstream, tokens: RenewedToken):
    tokens.renew(tokens.authorization())
    first, second = (request.headers["rquid"] for request in upstream.token_requests)
    assert first != second


def test_one_token_serves_till_a_minute_before_its_end(
    upstream: GigaChatUpstream, tokens: RenewedToken, clock: Clock
):
    upstream.token_answer = numbered(clock)
    assert tokens.authorization() == "Bearer token-1"
    clock.now_s += LIFE_S - 61
    assert tokens.authorization() == "Bearer token-1"
    clock.now_s += 2
    assert tokens.authorization() == "Bearer token-2"


@pytest.mark.parametrize(
    "answer",
    [
        {"access_token": "t", "expires_at": int((NOW_S + LIFE_S) * 1000)},
        {"access_token": "t", "expires_at": int(NOW_S + LIFE_S)},
        {"tok": "t", "exp": int((NOW_S + LIFE_S) * 1000)},
        {"tok": "t", "exp": NOW_S + LIFE_S},
        {"access_token": "t"},
        {"access_token": "t", "expires_at": "soon"},
    ],
)
def test_every_form_of_a_token_is_understood(
    upstream: GigaChatUpstream, tokens: RenewedToken, clock: Clock, answer: dict[str, object]
):
    upstream.token_answer = lambda _: [reply(orjson.dumps(answer))]
    assert tokens.authorization() == "Bearer t"
    clock.now_s += LIFE_S - 61
    tokens.authorization()
    assert len(upstream.token_requests) == 1
    clock.now_s += 2
    tokens.authorization()
    assert len(upstream.token_requests) == 2


def test_a_clock_gone_wrong_does_not_mean_a_token_for_every_request(
    upstream: GigaChatUpstream, tokens: RenewedToken, clock: Clock
):
    upstream.token_answer = numbered(clock, life_s=-5_000.0)
    assert [tokens.authorization() for _ in range(5)] == ["Bearer token-1"] * 5


def test_a_token_that_cannot_be_renewed_ahead_of_time_serves_to_its_end(
    upstream: GigaChatUpstream, tokens: RenewedToken, clock: Clock
):
    upstream.token_answer = numbered(clock)
    assert tokens.authorization() == "Bearer token-1"
    upstream.token_answer = lambda _: [reply("{}", status=503)]
    clock.now_s += LIFE_S - 30
    assert [tokens.authorization() for _ in range(5)] == ["Bearer token-1"] * 5
    assert len(upstream.token_requests) == 2
    clock.now_s += 15
    assert tokens.authorization() == "Bearer token-1"
    assert len(upstream.token_requests) == 3
    clock.now_s += 30
    with pytest.raises(ProviderUnavailable):
        tokens.authorization()


def test_one_caller_renews_ahead_of_time_while_the_others_go_on(
    upstream: GigaChatUpstream, tokens: RenewedToken, clock: Clock
):
    upstream.token_answer = numbered(clock)
    tokens.authorization()
    clock.now_s += LIFE_S - 30
    renewing, may_answer = threading.Event(), threading.Event()
    give = numbered(clock)

    def slow(request: CannedRequest) -> Sequence[Step]:
        renewing.set()
        may_answer.wait(HANG_S)
        return give(request)

    upstream.token_answer = slow
    renewer = threading.Thread(target=tokens.authorization)
    renewer.start()
    assert renewing.wait(HANG_S)
    assert tokens.authorization() == "Bearer token-1"
    may_answer.set()
    renewer.join(HANG_S)
    assert len(upstream.token_requests) == 2


def test_many_threads_fetch_one_token(upstream: GigaChatUpstream, tokens: RenewedToken):
    assert set(in_threads(tokens.authorization)) == {"Bearer access-token-1"}
    assert len(upstream.token_requests) == 1


def test_a_refused_token_is_renewed_by_one_of_all_waiters(
    upstream: GigaChatUpstream, tokens: RenewedToken
):
    stale = tokens.authorization()
    assert set(in_threads(lambda: str(tokens.renew(stale)))) == {"True"}
    assert tokens.renew(stale)
    assert tokens.authorization() == "Bearer access-token-2"
    assert len(upstream.token_requests) == 2


def test_a_failure_is_shared_by_all_who_waited_for_it(
    upstream: GigaChatUpstream, tokens: RenewedToken
):
    arrived = threading.Event()

    def slow(_: CannedRequest) -> Sequence[Step]:
        arrived.set()
        return [1.0, reply("{}", status=500)]

    upstream.token_answer = slow
    results = in_threads(tokens.authorization)
    assert arrived.is_set()
    assert {type(result) for result in results} == {ProviderUnavailable}
    assert len(upstream.token_requests) == 1


def test_a_failure_is_not_remembered_beyond_its_waiters(
    upstream: GigaChatUpstream, tokens: RenewedToken
):
    upstream.token_answer = lambda _: [reply("{}", status=500)]
    with pytest.raises(ProviderUnavailable):
        tokens.authorization()
    upstream.token_answer = None
    assert tokens.authorization() == "Bearer access-token-1"
