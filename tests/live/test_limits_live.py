"""Limits over HTTP: exact over several processes, per account and per key, with and without Redis."""

import bisect
import json
import pathlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
import redis

from tests.live.amounts import nano_of
from tests.live.callers import LiveAnswer, LiveCall, at_once, wait_until
from tests.live.outages import own_redis
from tests.live.service import Service, serve

FREE_REQUESTS = 20
HELLO: dict[str, object] = {
    "model": "yandexgpt-lite",
    "messages": [{"role": "user", "content": "Привет"}],
    "max_tokens": 5,
}
ADJUST = """
    import sys
    from billing.ledger import ledger
    ledger.adjust(int(sys.argv[1]), int(sys.argv[2]), reason="A test.", actor_id=None)
"""
ISSUE = """
    import json, sys
    from accounts.keys import issuing
    from accounts.models import Account
    from accounts.principal import KeyRate
    account = Account.objects.get(pk=sys.argv[1])
    for settings in json.loads(sys.argv[2]):
        if "rate" in settings:
            settings["rate"] = KeyRate(*settings["rate"])
        print(issuing.issue(account=account, user=account.owner, name="narrow", **settings)[1])
"""
REVOKE = """
    import sys, time
    from accounts.keys import issuing
    from accounts.models import APIKey
    issuing.revoke(key=APIKey.objects.get(account=sys.argv[1]))
    print(time.time())
"""


def _refusals(answers: list[LiveAnswer]) -> Counter[tuple[int, str | None, str | None]]:
    """Count the refused by status, code and the limit that refused them."""
    refused = [answer for answer in answers if answer.status != 200]
    return Counter(
        (item.status, item.code, item.json["error"]["metadata"].get("limit_source"))
        for item in refused
    )


def _asked(service: Service) -> int:
    return len(service.sandbox.requests.of("yandexgpt", "ompletion"))


@pytest.mark.postgres
def test_of_two_hundred_free_requests_at_once_twenty_run(pair: Service) -> None:
    key = pair.fresh_key(balance="0")

    answers = at_once(pair.port, key, [HELLO] * 200)

    assert _refusals(answers) == {(429, "rate_limit_exceeded", "account_minute"): 180}
    for refused in (answer for answer in answers if answer.status == 429):
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.headers["x-ratelimit-limit-requests"] == str(FREE_REQUESTS)
        assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    remaining = [
        answer.headers["x-ratelimit-remaining-requests"]
        for answer in answers
        if answer.status == 200
    ]
    assert sorted(map(int, remaining)) == list(range(FREE_REQUESTS))
    assert _asked(pair) == FREE_REQUESTS


@pytest.mark.postgres
def test_a_paid_second_admits_its_credits_and_refuses_only_beyond_them(pair: Service) -> None:
    per_second = 7
    key = pair.fresh_key(balance="6.5", test=True)
    until_s = time.monotonic() + 3

    def hammer(_: int) -> list[tuple[float, float, LiveAnswer]]:
        calls = []
        while time.monotonic() < until_s:
            call = LiveCall(pair.port, key).send(HELLO)
            answer = call.answer()
            calls.append((call.sent_at, time.time(), answer))
        return calls

    with ThreadPoolExecutor(16) as pool:
        calls = [call for each in pool.map(hammer, range(16)) for call in each]

    answers = [answer for _, _, answer in calls]
    account_id = pair.account_of(key)
    with redis.Redis.from_url(pair.environment["REDIS_URL"]) as store:
        log: Any = store.lrange(f"xr:limits:{{{account_id}}}:account:{account_id}", 0, -1)
    stamps = sorted(int(stamp) / 1e6 for stamp in log)
    assert len(stamps) == sum(item.status == 200 for item in answers) > per_second
    assert all(
        later - earlier >= 1 for earlier, later in zip(stamps, stamps[per_second:], strict=False)
    )
    assert set(_refusals(answers)) == {(429, "rate_limit_exceeded", "account_second")}
    for sent_at, answered_at, answer in calls:
        if answer.status == 429:
            assert answer.headers["retry-after"] == "1"
            assert _most_in_a_second(stamps, sent_at, answered_at) == per_second
    assert _asked(pair) == 0


def _most_in_a_second(stamps: list[float], since: float, until: float) -> int:
    """Return the fullest second that ends between two moments."""
    ends = [since, *(stamp for stamp in stamps if since <= stamp <= until)]
    return max(
        bisect.bisect_right(stamps, end) - bisect.bisect_right(stamps, end - 1) for end in ends
    )


@pytest.mark.postgres
def test_a_change_of_the_balance_does_not_begin_the_minute_anew(pair: Service) -> None:
    key = pair.fresh_key(balance="0")
    account_id = pair.account_of(key)
    assert _refusals(at_once(pair.port, key, [HELLO] * 25)).total() == 5

    pair.python(ADJUST, str(account_id), "500000000")
    wait_until(lambda: LiveCall(pair.port, key).send(HELLO).answer().status == 200, "it is paid")
    [(posted_nano,)] = pair.query(
        "SELECT posted_nano FROM billing_creditaccount WHERE account_id = %s", account_id
    )
    pair.python(ADJUST, str(account_id), str(-posted_nano))
    time.sleep(1.5)  # by then each worker has asked what has changed

    answers = at_once(pair.port, key, [HELLO] * 10)
    assert _refusals(answers) == {(429, "rate_limit_exceeded", "account_minute"): 10}


@pytest.mark.postgres
def test_a_revoked_key_is_refused_by_every_process_within_two_seconds(pair: Service) -> None:
    key = pair.fresh_key(balance="5000")
    account_id = pair.account_of(key)
    is_over = threading.Event()

    def hammer(_: int) -> list[tuple[float, int]]:
        outcomes = []
        while not is_over.is_set():
            call = LiveCall(pair.port, key).send(HELLO)
            outcomes.append((call.sent_at, call.answer().status))
        return outcomes

    with ThreadPoolExecutor(8) as pool:
        running = pool.map(hammer, range(8))
        try:
            wait_until(lambda: _asked(pair) > 20, "the key is used")
            revoked_at = float(pair.python(REVOKE, str(account_id)))
            wait_until(lambda: time.time() > revoked_at + 3.5, "time passes")
        finally:
            is_over.set()
        outcomes = [outcome for each in running for outcome in each]

    assert {status for sent_at, status in outcomes if sent_at < revoked_at} >= {200}
    late = Counter(status for sent_at, status in outcomes if sent_at > revoked_at + 2)
    assert set(late) == {401}
    assert {status for _, status in outcomes} <= {200, 401}
    pair.audit()


@pytest.mark.postgres
def test_without_redis_the_paid_are_served_and_the_free_get_no_more(tmp_path: pathlib.Path) -> None:
    with (
        own_redis() as store,
        serve(
            "postgres",
            tmp_path,
            REDIS_URL=store.url,
            WEB_CONCURRENCY="2",
            FREE_CONCURRENCY="200",  # each process has its share of it while Redis is away
        ) as service,
    ):
        paid, free = service.fresh_key(balance="500"), service.fresh_key(balance="0")
        assert not _refusals(at_once(service.port, free, [HELLO] * 8))
        assert not _refusals(at_once(service.port, paid, [HELLO]))

        store.stop()

        assert not _refusals(at_once(service.port, paid, [HELLO] * 60))
        refused = {(429, "rate_limit_exceeded", "account_minute"): 40 + 8 - FREE_REQUESTS}
        assert _refusals(at_once(service.port, free, [HELLO] * 40)) == refused

        store.start()
        time.sleep(1.5)  # a store that failed is asked again after a second

        assert not _refusals(at_once(service.port, paid, [HELLO] * 20))
        refused = {(429, "rate_limit_exceeded", "account_minute"): 30}
        assert _refusals(at_once(service.port, free, [HELLO] * 30)) == refused
        service.audit()


@pytest.fixture(scope="module")
def narrow_service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    with serve(
        request.config.option.store,
        tmp_path_factory.mktemp("narrow"),
        FREE_CONCURRENCY="2",
        PAID_CONCURRENCY="3",
    ) as service:
        yield service


@pytest.mark.both_stores
def test_more_requests_at_once_than_the_account_may_have_are_refused(
    narrow_service: Service,
) -> None:
    service = narrow_service
    for balance, allowed in (("0", 2), ("100", 3)):
        service.sandbox.reset()
        key = service.fresh_key(balance=balance)
        slow = HELLO | {"messages": [{"role": "user", "content": "sandbox:slow=30 Привет"}]}
        running = [
            LiveCall(service.port, key).send(slow | {"stream": True}) for _ in range(allowed)
        ]
        wait_until(lambda n=allowed: _asked(service) == n, "they run")  # type: ignore[misc]

        answers = at_once(service.port, key, [HELLO] * 3)

        assert _refusals(answers) == {(429, "concurrency_limit_exceeded", "concurrency"): 3}
        for answer in answers:
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.headers["x-ratelimit-limit-requests"] == str(allowed)
            assert answer.headers["x-ratelimit-remaining-requests"] == "0"
            assert answer.headers["x-ratelimit-reset-requests"].endswith("s")
        running.pop().leave()
        wait_until(
            lambda k=key: LiveCall(service.port, k).send(HELLO).answer().status == 200,  # type: ignore[misc]
            "the place of who left is free",
        )
        for call in running:
            call.leave()


def _narrow_keys(service: Service, key: str, *settings: dict[str, object]) -> list[str]:
    """Return more keys of the same account, with limits of their own."""
    printed = service.python(ISSUE, str(service.account_of(key)), json.dumps(settings))
    return printed.split()


@pytest.mark.both_stores
def test_a_keys_own_lists_and_rate_hold(service: Service) -> None:
    wide = service.fresh_key(balance="100")
    rated, elsewhere, other_model = _narrow_keys(
        service,
        wide,
        {"rate": [2, 60]},
        {"allowed_ips": ["203.0.113.0/24"]},
        {"allowed_models": ["gigachat-pro"]},
    )

    def outcome(key: str) -> tuple[int, str | None]:
        answer = LiveCall(service.port, key).send(HELLO).answer()
        return answer.status, answer.code

    assert [outcome(rated) for _ in range(3)] == [
        (200, None), (200, None), (429, "rate_limit_exceeded"),
    ]  # fmt: skip
    refused = LiveCall(service.port, rated).send(HELLO).answer()
    assert refused.json["error"]["metadata"]["limit_source"] == "key"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert outcome(elsewhere) == (403, "ip_not_allowed")
    assert outcome(other_model) == (403, "model_not_allowed")
    assert outcome(wide) == (200, None)
    assert _asked(service) == 3


def test_a_keys_budget_is_never_exceeded(service: Service) -> None:
    limit_nano = 40_000_000  # 200 tokens; one request holds 27 and costs about half of that
    [key] = _narrow_keys(
        service,
        service.fresh_key(balance="400"),
        {"limit_nano": limit_nano, "limit_reset": "daily"},
    )
    answers = at_once(service.port, key, [HELLO] * 12)

    for _ in range(60):
        answers.append(LiveCall(service.port, key).send(HELLO).answer())
        if answers[-1].status == 402:
            break

    assert any(answer.status == 200 for answer in answers)
    assert set(_refusals(answers)) == {(402, "key_limit_reached", None)}
    assert answers[-1].headers["x-should-retry"] == "false"
    [(spent_nano,)] = service.query(
        "SELECT SUM(cost_nano - write_off_nano) FROM billing_generation WHERE account_id = %s",
        service.account_of(key),
    )
    assert 0 < spent_nano <= limit_nano
    with service.http(key) as http:
        card = http.get("/v1/key").json(parse_float=Decimal)["data"]
    assert nano_of(Decimal(card["limit_remaining"])) == limit_nano - spent_nano
    assert nano_of(Decimal(card["usage"])) == spent_nano
