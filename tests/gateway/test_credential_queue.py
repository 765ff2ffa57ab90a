"""One pool of the credentials of tables and environment, and the queue before its slots."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gateway import upstreams
from gateway.pipeline.execution.cancel_token import CallerCancelToken
from gateway.providers._shared.http_client import Deadline
from gateway.providers.errors import ProviderAuthError, ProviderRateLimited
from gateway.providers.tick import TICK
from gateway.upstreams import QueueWait
from gateway.upstreams.slots import slots
from sandbox.core import credentials
from sandbox.server import Sandbox
from tests.gateway.provider_rows import (
    a_queue,
    answered,
    free_slot,
    fresh_pool,
    stored,
    take,
    upstream,
)

__all__ = ["fresh_pool", "upstream"]

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:No directory at:UserWarning"),
]


def test_the_environment_and_the_tables_make_one_pool(upstream: Sandbox, settings: Any) -> None:
    settings.GIGACHAT_CREDENTIALS = credentials.GIGACHAT_CREDENTIALS
    settings.GIGACHAT_CONCURRENCY = 2
    stored(concurrency=2)

    leases = [take("gigachat") for _ in range(4)]

    assert sorted(lease.credential for lease, _ in leases) == ["company"] * 2 + ["environment"] * 2
    for _, give_back in leases:
        give_back()


def test_a_credential_that_is_blocked_is_not_used(upstream: Sandbox) -> None:
    stored(name="first", concurrency=5)
    stored(name="second", concurrency=5)
    assert {free_slot(exclude={"first"}).credential for _ in range(3)} == {"second"}
    with pytest.raises(ProviderAuthError):
        free_slot(exclude={"first", "second"})
    assert free_slot().credential in {"first", "second"}


def test_who_waits_in_vain_is_told_to_come_later_and_may_leave_before(
    upstream: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "LOOK_S", 0.1)
    stored(concurrency=1)
    _, give_back = take("gigachat")

    patient = upstreams.leased("gigachat", account_id=2, is_test=False, queue=a_queue(0.3))
    with pytest.raises(ProviderRateLimited) as busy:
        list(patient)
    assert busy.value.retry_after_s
    leaver = upstreams.leased("gigachat", account_id=2, is_test=False, queue=a_queue())
    next(leaver)
    leaver.close()

    give_back()
    assert free_slot().credential == "company"


def test_who_waits_goes_where_a_slot_is_free_after_a_moment(
    upstream: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "PATIENCE_S", 0.05)
    monkeypatch.setattr(slots, "LOOK_S", 0.1)
    stored(concurrency=1)
    yandex = json.dumps(upstream.service_account_key())
    folder = {"folder_id": credentials.YANDEX_FOLDER_ID}
    stored("yandexgpt", secret=yandex, settings=folder, concurrency=1)
    _, give_back = take("gigachat")
    queue = a_queue()
    queue.others = ("yandexgpt",)

    with pytest.raises(slots.SlotElsewhere) as elsewhere:
        list(upstreams.leased("gigachat", account_id=2, is_test=False, queue=queue))
    _, give_other_back = take("yandexgpt")
    waiting = upstreams.leased("gigachat", account_id=2, is_test=False, queue=queue)

    assert elsewhere.value.provider == "yandexgpt"
    assert [next(waiting) for _ in range(3)] == [TICK] * 3
    waiting.close()
    give_back()
    give_other_back()


@pytest.mark.parametrize(("most_s", "total_s"), [(0, 600), (600, 0.2)])
def test_the_queue_ends_with_the_wait_that_is_set_and_with_the_whole_request(
    upstream: Sandbox, most_s: float, total_s: float
) -> None:
    stored(concurrency=1)
    _, give_back = take("gigachat")
    queue = QueueWait(most_s, Deadline(total_s))

    with pytest.raises(ProviderRateLimited):
        list(upstreams.leased("gigachat", account_id=2, is_test=False, queue=queue))

    give_back()
    assert free_slot().credential == "company"


def test_a_caller_who_leaves_wakes_its_place_in_the_queue(upstream: Sandbox) -> None:
    stored(concurrency=1)
    _, give_back = take("gigachat")
    cancel_token = CallerCancelToken(total_timeout_s=600)
    queue = QueueWait(600, cancel_token)
    waiting = upstreams.leased("gigachat", account_id=2, is_test=False, queue=queue)
    next(waiting)

    cancel_token.cancel()

    next(waiting)
    waiting.close()
    assert queue.waited_here_s == 0
    assert queue.waited_ms > 0
    give_back()
    assert free_slot().credential == "company"


@pytest.mark.parametrize("slug", ["gigachat", "yandexgpt"])
def test_fifty_requests_with_an_expired_token_renew_it_once(upstream: Sandbox, slug: str) -> None:
    if slug == "gigachat":
        upstream.settings.token_lifetime_s = 0.2
        stored()
        model, path = "GigaChat-2", "oauth"
    else:
        upstream.settings.iam_token_lifetime_s = 0.2
        key = json.dumps(upstream.service_account_key())
        stored("yandexgpt", secret=key, settings={"folder_id": credentials.YANDEX_FOLDER_ID})
        model, path = "yandexgpt-lite/latest", "tokens"
    slot = free_slot(slug)
    assert answered(slot, model)
    time.sleep(0.3)
    upstream.settings.token_lifetime_s = upstream.settings.iam_token_lifetime_s = 1800
    barrier = threading.Barrier(50)

    def ask(_: int) -> str:
        barrier.wait()
        return answered(slot, model)

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(ask, range(50)))

    assert all(answers)
    assert len(upstream.requests.of(slug, path)) == 2
