"""Signs of attacks on two running workers behind a proxy: noticed in time, answered, and nobody else is hit."""

from collections.abc import Iterator

import pytest

from tests.live.callers import LiveCall, wait_until
from tests.live.service import Service, serve

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    constants = {
        "accounts.security.watch.EVERY_S": 0.2,
        "accounts.security.sharing.SETTLED_S": 0.6,
    }
    with serve(
        "postgres",
        tmp_path_factory.mktemp("signals"),
        constants=constants,
        WEB_CONCURRENCY="2",
        TRUSTED_PROXIES="127.0.0.1/32",
    ) as service:
        yield service


def status(service: Service, key: str, address: str) -> int:
    """Ask on a connection of its own, so that either worker may answer."""
    with service.http(key) as http:
        return http.get("/v1/key", headers={"X-Forwarded-For": address}).status_code


def wait_for_event(service: Service, signal: str) -> None:
    events = "SELECT 1 FROM accounts_securityevent WHERE signal = %s"
    wait_until(lambda: len(service.query(events, signal)) == 1, f"{signal} is noticed")


def test_refused_credentials_block_only_the_invalid_ones_of_their_network(service: Service) -> None:
    good, bad = service.fresh_key(), "xr-live-" + "0" * 49
    assert {status(service, bad, f"203.0.113.{each}") for each in range(30)} == {401}
    wait_for_event(service, "refused_credentials")
    wait_until(
        lambda: {status(service, bad, "203.0.113.99") for _ in range(6)} == {429},
        "both workers know the block",
    )
    assert {status(service, good, "203.0.113.5") for _ in range(4)} == {200}
    assert status(service, bad, "203.0.114.5") == 401


def test_a_key_of_six_networks_is_slowed(service: Service) -> None:
    key, other = service.fresh_key(), service.fresh_key()
    for number in range(6):
        assert status(service, key, f"198.51.{number}.7") == 200
        assert status(service, other, f"198.51.{number % 5}.7") == 200
    wait_for_event(service, "many_networks")
    slowed = "SELECT account_id FROM accounts_apikey WHERE slowed_requests_per_minute = 60"
    assert service.query(slowed) == [(service.account_of(key),)]


def test_twenty_streams_left_before_their_first_delta_are_noticed(service: Service) -> None:
    key = service.fresh_key(balance="1000")
    body = {
        "model": "gigachat-pro",
        "stream": True,
        "messages": [{"role": "user", "content": "sandbox:slow=60 Расскажи"}],
    }
    open_holds = "SELECT count(*) FROM billing_hold WHERE account_id = %s"
    account_id = service.account_of(key)
    calls: list[LiveCall] = []
    while len(calls) < 20:  # all at once, a slow machine refuses some, whose holds took too long
        calls.append(LiveCall(service.port, key).send(body))
        wait_until(
            lambda: service.query(open_holds, account_id) == [(len(calls),)], "it is under way"
        )
    for call in calls:
        call.leave()
    wait_for_event(service, "abandoned_requests")
    about = "SELECT account_id FROM accounts_securityevent WHERE signal = 'abandoned_requests'"
    assert service.query(about) == [(account_id,)]
