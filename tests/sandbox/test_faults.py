"""Faults on the wire: each is what it says, on both wires, and spoils only what it is meant for."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests

from sandbox.core import faults
from sandbox.core.exchange import ProviderName
from sandbox.server import Sandbox
from tests.sandbox.both_providers import Both, each_mode, each_provider, events, is_finished
from tests.sandbox.callers import question


@each_provider
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422, 429, 500, 502, 503, 504])
def test_a_status_comes_in_the_shape_of_the_vendor(
    sandbox: Sandbox, both: Both, provider: ProviderName, status: int
) -> None:
    sandbox.faults.push(provider, faults.http_error(status, retry_after="7"))
    response = both.ask(provider)
    assert response.status_code == status
    assert response.headers["Retry-After"] == "7"
    body = response.json()
    assert body["status" if provider == "gigachat" else "error"]
    assert both.ask(provider).status_code == 200


@each_provider
def test_a_status_may_have_a_body_of_its_own(
    sandbox: Sandbox, both: Both, provider: ProviderName
) -> None:
    sandbox.faults.push(provider, faults.http_error(502, b"<html>bad gateway</html>"))
    assert both.ask(provider).content == b"<html>bad gateway</html>"


@each_provider
def test_a_fault_comes_as_often_as_it_is_pushed_for(
    sandbox: Sandbox, both: Both, provider: ProviderName
) -> None:
    sandbox.faults.push(provider, faults.http_error(500), times=2)
    assert [both.ask(provider).status_code for _ in range(3)] == [500, 500, 200]
    sandbox.faults.push(provider, faults.expired_token(), times=None)
    assert [both.ask(provider).status_code for _ in range(3)] == [401, 401, 401]
    sandbox.faults.clear()
    assert both.ask(provider).status_code == 200


def test_a_fault_spoils_only_what_it_is_meant_for(sandbox: Sandbox, both: Both) -> None:
    sandbox.faults.push("gigachat", faults.http_error(500))
    sandbox.faults.push("gigachat", faults.http_error(503), path="oauth")
    assert both.ask("yandexgpt").status_code == 200
    assert both.gigachat.oauth().status_code == 503
    assert both.gigachat.call("GET", "/models").status_code == 200
    assert both.ask("gigachat").status_code == 500


def test_a_fault_never_hides_a_refusal(sandbox: Sandbox, both: Both) -> None:
    sandbox.faults.push("gigachat", faults.http_error(500))
    assert both.gigachat.chat({"model": "GigaChat-2", "messages": []}).status_code == 422
    assert both.ask("gigachat").status_code == 500


@each_provider
@each_mode
def test_a_reset_comes_before_anything(
    sandbox: Sandbox, both: Both, provider: ProviderName, streamed: bool
) -> None:
    sandbox.faults.push(provider, faults.reset())
    with pytest.raises(requests.ConnectionError, match="reset"):
        both.ask(provider, streamed=streamed)


@each_provider
def test_a_reset_may_come_in_the_middle(
    sandbox: Sandbox, both: Both, provider: ProviderName
) -> None:
    sandbox.faults.push(provider, faults.reset(after_events=2))
    sandbox.settings.interval_s = 0.05
    response = both.ask(provider, streamed=True, stream=True)
    assert response.status_code == 200
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        assert response.content
    assert sandbox.requests[-1].events == 2
    assert not sandbox.requests[-1].finished


@each_provider
def test_a_cut_stream_ends_in_order_but_unfinished(
    sandbox: Sandbox, both: Both, provider: ProviderName
) -> None:
    sandbox.faults.push(provider, faults.cut(after_events=2))
    body = both.ask(provider, streamed=True).content
    assert body
    assert not is_finished(body)


@each_provider
@each_mode
def test_an_abrupt_end_breaks_the_framing(
    sandbox: Sandbox, both: Both, provider: ProviderName, streamed: bool
) -> None:
    sandbox.faults.push(provider, faults.cut(abrupt=True))
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        both.ask(provider, streamed=streamed)


@each_provider
def test_an_error_may_come_amid_a_stream(
    sandbox: Sandbox, both: Both, provider: ProviderName
) -> None:
    sandbox.faults.push(provider, faults.error_event())
    *good, bad = events(both.ask(provider, streamed=True).content)
    assert good
    assert bad.get("status") == 500 or bad["error"]["httpCode"] == 500


@each_provider
def test_an_endless_stream_ends_when_the_client_leaves(
    sandbox: Sandbox, both: Both, provider: ProviderName
) -> None:
    sandbox.faults.push(provider, faults.endless())
    with both.ask(provider, streamed=True, stream=True) as response:
        received = 0
        for chunk in response.iter_content(None):
            received += len(chunk)
            if received > 5000:
                break
    assert wait_for(lambda: sandbox.requests[-1].closed_by_client_at is not None)
    assert not sandbox.requests[-1].finished


@each_provider
def test_a_redirect_and_a_cookie_can_be_sent(
    sandbox: Sandbox, both: Both, provider: ProviderName
) -> None:
    sandbox.faults.push(provider, faults.redirect("http://127.0.0.1:9/"))
    moved = both.ask(provider, allow_redirects=False)
    assert (moved.status_code, moved.headers["Location"]) == (302, "http://127.0.0.1:9/")
    sandbox.faults.push(provider, faults.set_cookie("spid=1"))
    answer = both.ask(provider)
    assert answer.ok
    assert answer.headers["Set-Cookie"] == "spid=1"


@pytest.mark.parametrize("moment", ["headers", "first_event", "mid_stream"])
@each_provider
def test_a_client_that_leaves_a_silent_upstream_is_noticed(
    sandbox: Sandbox, both: Both, provider: ProviderName, moment: Any
) -> None:
    sandbox.faults.push(provider, faults.silence(30, moment))
    with pytest.raises((requests.ConnectionError, requests.ReadTimeout)):
        impatient(both, provider)
    assert wait_for(lambda: sandbox.requests[-1].closed_by_client_at is not None)
    recorded = sandbox.requests[-1]
    assert recorded.closed_by_client_at is not None
    assert recorded.closed_by_client_at - recorded.started_at < 20
    assert (recorded.events > 0) is (moment == "mid_stream")


@each_provider
def test_markers_do_what_faults_do(both: Both, provider: ProviderName) -> None:
    assert both.ask(provider, "sandbox:429").status_code == 429
    assert both.ask(provider, "Скажи sandbox:error=503 что-нибудь").status_code == 503
    assert both.ask(provider, "sandbox:garbage").text.startswith("<html>")
    assert b"null" in both.ask(provider, "sandbox:garbage=null_choices").content
    assert not is_finished(both.ask(provider, "Расскажи sandbox:cut", streamed=True).content)
    with pytest.raises(requests.ConnectionError):
        both.ask(provider, "sandbox:reset")


@each_provider
def test_markers_count_in_the_last_user_message_only(both: Both, provider: ProviderName) -> None:
    says = {"gigachat": "content", "yandexgpt": "text"}[provider]
    turns = [
        {"role": "user", says: "sandbox:429"},
        {"role": "assistant", says: "Подождите"},
        {"role": "user", says: "Привет"},
    ]
    if provider == "gigachat":
        answer = both.gigachat.chat({"model": "GigaChat-2", "messages": turns})
    else:
        answer = both.yandex.complete({**question(""), "messages": turns})
    assert answer.status_code == 200


def impatient(both: Both, provider: ProviderName) -> None:
    """Read a stream until it falls silent, then hang up."""
    assert both.gigachat.token
    assert both.ask(provider, streamed=True, timeout=(5, 0.5)).content


def wait_for(condition: Callable[[], bool]) -> bool:
    """Wait for something that another thread does soon."""
    ticking = threading.Event()
    for _ in range(200):
        if condition():
            return True
        ticking.wait(0.05)
    return False
