"""Faults and marker words on the wire of the emulated OpenAI-compatible server."""

import gzip
import json
import threading
from typing import Any

import pytest
import requests

from sandbox.core import faults
from sandbox.core.exchange import Reported
from sandbox.server import Sandbox
from tests.sandbox.both_providers import each_mode, events, is_finished
from tests.sandbox.openai_caller import OpenAICaller, chat_body

STATUSES = [400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504]
SPOILT = ["html", "bad_json", "wrong_types", "null_choices", "long_line", "invalid_utf8"]


def ask(
    openai: OpenAICaller, text: str = "Расскажи", *, streamed: bool = False, **request: Any
) -> requests.Response:
    fields: dict[str, Any] = {}
    if streamed:
        fields = {"stream": True, "stream_options": {"include_usage": True}}
    return openai.chat(chat_body(text, **fields), **request)


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_comes_in_the_envelope_of_openai(
    sandbox: Sandbox, openai: OpenAICaller, status: int
) -> None:
    sandbox.faults.push("openai_compatible", faults.http_error(status, retry_after="7"))
    response = ask(openai)
    assert (response.status_code, response.headers["Retry-After"]) == (status, "7")
    assert response.json()["error"]["code"] == status
    assert ask(openai, f"sandbox:{status}").status_code == status
    assert ask(openai).status_code == 200


def test_a_fault_spoils_no_other_provider(sandbox: Sandbox, openai: OpenAICaller) -> None:
    sandbox.faults.push("gigachat", faults.http_error(500))
    sandbox.faults.push("openai_compatible", faults.http_error(503), path="embeddings")
    assert ask(openai).status_code == 200


def test_a_fault_never_hides_a_refusal(sandbox: Sandbox, openai: OpenAICaller) -> None:
    sandbox.faults.push("openai_compatible", faults.http_error(500))
    assert openai.chat(chat_body(n=5)).status_code == 400
    assert ask(openai).status_code == 500


@each_mode
def test_a_cut_answer_is_not_finished(
    sandbox: Sandbox, openai: OpenAICaller, streamed: bool
) -> None:
    sandbox.faults.push("openai_compatible", faults.cut())
    body = ask(openai, streamed=streamed).content
    assert not is_finished(body)
    assert b'"stop"' not in body


@each_mode
def test_a_reset_comes_before_anything(
    sandbox: Sandbox, openai: OpenAICaller, streamed: bool
) -> None:
    sandbox.faults.push("openai_compatible", faults.reset())
    with pytest.raises(requests.ConnectionError):
        ask(openai, streamed=streamed)


def test_an_error_comes_in_mid_stream(sandbox: Sandbox, openai: OpenAICaller) -> None:
    sandbox.faults.push("openai_compatible", faults.error_event(503))
    *good, last = events(ask(openai, streamed=True).content)
    assert all(event["choices"] for event in good)
    assert last["error"]["code"] == 503


@each_mode
@pytest.mark.parametrize("kind", SPOILT)
def test_garbage_is_no_answer(
    sandbox: Sandbox, openai: OpenAICaller, streamed: bool, kind: Any
) -> None:
    sandbox.faults.push("openai_compatible", faults.garbage(kind))
    response = ask(openai, streamed=streamed)
    assert response.status_code == 200
    assert not is_answer(response.content.removeprefix(b"data: "))


@pytest.mark.parametrize(
    ("kind", "usage"),
    [("absent", None), ("negative", Reported(-5, -5)), ("absurd", Reported(10**12, 10**12))],
)
@each_mode
def test_usage_may_be_missing_or_absurd(
    sandbox: Sandbox, openai: OpenAICaller, streamed: bool, kind: Any, usage: Reported | None
) -> None:
    sandbox.faults.push("openai_compatible", faults.wrong_usage(kind))
    body = ask(openai, streamed=streamed).content
    assert (b'"usage"' in body) is (usage is not None)
    assert sandbox.requests[-1].usage == usage


def test_a_body_may_be_compressed_unasked(sandbox: Sandbox, openai: OpenAICaller) -> None:
    sandbox.faults.push("openai_compatible", faults.compressed())
    response = ask(openai, streamed=True, stream=True)
    raw = b"".join(response.raw.stream(decode_content=False))
    assert list(events(gzip.decompress(raw)))


def test_split_cuts_letters_between_chunks(sandbox: Sandbox, openai: OpenAICaller) -> None:
    sandbox.settings.split = 3
    response = ask(openai, streamed=True, stream=True)
    chunks = list(response.raw.stream(decode_content=False))
    assert max(map(len, chunks)) <= 3
    assert is_finished(b"".join(chunks))


@pytest.mark.parametrize("moment", ["headers", "first_event", "mid_stream"])
def test_a_client_that_leaves_a_silent_server_is_noticed(
    sandbox: Sandbox, openai: OpenAICaller, moment: Any
) -> None:
    sandbox.faults.push("openai_compatible", faults.silence(30, moment))
    with pytest.raises((requests.ConnectionError, requests.ReadTimeout)):
        _ = ask(openai, streamed=True, timeout=(5, 0.5)).content
    recorded = sandbox.requests[-1]
    ticking = threading.Event()
    for _ in range(200):
        if recorded.closed_by_client_at is not None:
            break
        ticking.wait(0.05)
    assert recorded.closed_by_client_at is not None
    assert not recorded.finished


def test_markers_do_what_faults_do(openai: OpenAICaller) -> None:
    assert ask(openai, "Скажи sandbox:error=503 что-нибудь").status_code == 503
    assert ask(openai, "sandbox:garbage").text.startswith("<html>")
    assert not is_finished(ask(openai, "Расскажи sandbox:cut", streamed=True).content)
    with pytest.raises(requests.ConnectionError):
        ask(openai, "sandbox:reset")
    assert ask(openai, "sandbox:empty").json()["choices"][0]["message"]["content"] == ""


def test_an_unruly_model_breaks_off(openai: OpenAICaller) -> None:
    tool = {"type": "function", "function": {"name": "tram", "description": "Когда трамвай"}}
    answer = openai.ask("Когда трамвай? sandbox:unruly=error", tools=[tool])
    assert answer["choices"][0]["finish_reason"] == "abort"


def is_answer(data: bytes) -> bool:
    try:
        body = json.loads(data.decode())
    except ValueError:
        return False
    return isinstance(body.get("choices"), list)
