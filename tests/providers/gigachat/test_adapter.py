"""GigaChat as a Provider, against canned answers."""

import logging
import threading
from collections.abc import Sequence

import orjson
import pytest

from gateway.providers._shared.http_client import Deadline
from gateway.providers.base import Provider
from gateway.providers.chat_types import (
    ChatChunk,
    ChatRequest,
    Message,
    Tool,
    ToolCall,
    Usage,
)
from gateway.providers.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    UnsupportedInput,
)
from gateway.providers.gigachat.adapter import GigaChat
from infra.request_id import request_id
from tests.providers.canned import CannedRequest, Step, reply
from tests.providers.gigachat.upstream import (
    EIGHT,
    HANG_S,
    KEY,
    GigaChatUpstream,
    event,
    run,
    said,
    streamed,
    whole,
)

EXPIRED = reply('{"status": 401, "message": "Token has expired"}', status=401)


def test_the_adapter_is_a_provider(gigachat: GigaChat):
    provider: Provider = gigachat
    assert provider.name == "gigachat"


def test_nothing_is_sent_before_the_first_chunk_is_asked_for(
    gigachat: GigaChat, upstream: GigaChatUpstream
):
    chunks = gigachat.stream(said(), upstream_id="GigaChat-2", cancel_token=Deadline(HANG_S))
    chunks.close()
    assert not upstream.requests + upstream.token_requests


def test_a_plain_request_is_one_chunk(gigachat: GigaChat, upstream: GigaChatUpstream):
    upstream.answers.append([whole()])
    assert run(gigachat, said("Сколько планет?", max_tokens=9)) == [
        ChatChunk(
            text="Восемь.",
            finish_reason="stop",
            native_finish_reason="stop",
            usage=Usage(19, 3, cached_tokens=2),
        )
    ]
    (request,) = upstream.requests
    assert (request.method, request.target) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == "Bearer access-token-1"
    assert request.headers["content-type"] == request.headers["accept"] == "application/json"
    assert request.headers["user-agent"]
    assert orjson.loads(request.body) == {
        "model": "GigaChat-2",
        "messages": [{"role": "user", "content": "Сколько планет?"}],
        "stream": False,
        "max_tokens": 9,
    }


def test_the_session_goes_with_the_request(gigachat: GigaChat, upstream: GigaChatUpstream):
    upstream.answers += [[whole()], [whole()]]
    run(gigachat, said(session_id="диалог 7"))
    run(gigachat, said())
    assert upstream.requests[0].headers["x-session-id"] == "диалог 7"
    assert "x-session-id" not in upstream.requests[1].headers


def test_our_id_of_the_request_goes_with_it(gigachat: GigaChat, upstream: GigaChatUpstream):
    upstream.answers += [[whole()], [whole()]]
    for own_id in ("0af7651916cd43dd8448eb211c80319c", ""):
        token = request_id.set(own_id)
        run(gigachat, said())
        request_id.reset(token)
    assert upstream.requests[0].headers["x-request-id"] == "0af7651916cd43dd8448eb211c80319c"
    assert "x-request-id" not in upstream.requests[1].headers


def test_a_session_that_would_break_its_header_is_refused(
    gigachat: GigaChat, upstream: GigaChatUpstream
):
    with pytest.raises(UnsupportedInput) as caught:
        run(gigachat, said(session_id="a\r\nX-Evil: 1"))
    assert caught.value.param == "session_id"
    assert not upstream.requests


def test_the_request_id_of_the_answer_is_logged(
    gigachat: GigaChat, upstream: GigaChatUpstream, caplog: pytest.LogCaptureFixture
):
    upstream.answers.append([whole()])
    with caplog.at_level(logging.DEBUG, logger="gateway.providers"):
        run(gigachat, said("тайна"))
    assert "request-7" in caplog.text
    assert "тайна" not in caplog.text
    assert "access-token" not in caplog.text


def test_tools_make_the_round_trip(gigachat: GigaChat, upstream: GigaChatUpstream):
    state = "0199e210-2f13-744c-8fe5-000000000000"
    call = {
        "role": "assistant",
        "content": "",
        "function_call": {"name": "get_price", "arguments": {"city": "Томск"}},
        "functions_state_id": state,
    }
    upstream.answers += [streamed(event(call, finish_reason="function_call")), [whole()]]
    tools = (Tool("get-price"),)
    question = Message("user", "Сколько?")
    (created,) = run(gigachat, ChatRequest((question,), stream=True, tools=tools))
    (delta,) = created.tool_calls
    assert (delta.name, delta.arguments) == ("get-price", '{"city":"Томск"}')
    assert delta.id is not None
    turn = Message("assistant", tool_calls=(ToolCall(delta.id, "get-price", delta.arguments),))
    result = Message("tool", "540", tool_call_id=delta.id)
    run(gigachat, ChatRequest((question, turn, result), tools=tools))
    assert upstream.bodies[1]["messages"][1:] == [call, _function("get_price", '{"result": 540}')]


def _function(name: str, content: str) -> dict[str, str]:
    return {"role": "function", "name": name, "content": content}


def test_what_cannot_be_said_is_refused_before_anything_is_sent(
    gigachat: GigaChat, upstream: GigaChatUpstream
):
    with pytest.raises(UnsupportedInput):
        run(gigachat, said(seed=5))
    assert not upstream.requests + upstream.token_requests


@pytest.mark.parametrize("stream", [True, False])
def test_a_refused_token_is_renewed_once_and_the_request_repeated(
    gigachat: GigaChat, upstream: GigaChatUpstream, stream: bool
):
    upstream.answers += [[EXPIRED], streamed(*EIGHT) if stream else [whole()]]
    chunks = run(gigachat, said(stream=stream))
    assert "".join(chunk.text for chunk in chunks) == "Восемь."
    first, second = upstream.requests
    assert first.body == second.body
    assert second.headers["authorization"] == "Bearer access-token-2"


@pytest.mark.parametrize("stream", [True, False])
def test_a_token_refused_again_is_our_credential_refused(
    gigachat: GigaChat, upstream: GigaChatUpstream, stream: bool
):
    upstream.answers += [[EXPIRED], [EXPIRED]]
    with pytest.raises(ProviderAuthError):
        run(gigachat, said(stream=stream))
    assert (len(upstream.requests), len(upstream.token_requests)) == (2, 2)


def test_many_requests_with_one_expired_token_renew_it_once(
    gigachat: GigaChat, upstream: GigaChatUpstream
):
    upstream.answers.append([whole()])
    run(gigachat, said())
    barrier = threading.Barrier(8)

    def answer(request: CannedRequest) -> Sequence[Step]:
        if request.headers["authorization"] == "Bearer access-token-1":
            barrier.wait(HANG_S)
            return [EXPIRED]
        return [whole()]

    upstream.answers += [answer] * 16
    done: list[list[ChatChunk]] = []
    threads = [
        threading.Thread(target=lambda: done.append(run(gigachat, said()))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_S)
    assert len(done) == 8
    assert len(upstream.token_requests) == 2


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (402, ProviderAuthError),
        (403, ProviderAuthError),
        (404, ProviderUnavailable),
        (408, ProviderTimeout),
        (422, ProviderRejected),
        (429, ProviderRateLimited),
        (302, ProviderUnavailable),
        (500, ProviderUnavailable),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_a_refusal_is_an_error_of_its_kind(
    gigachat: GigaChat,
    upstream: GigaChatUpstream,
    status: int,
    kind: type[ProviderError],
    stream: bool,
):
    refused = reply('{"status": 1, "message": "no"}', status=status, Retry_After="7")
    upstream.answers.append([refused])
    with pytest.raises(kind) as caught:
        run(gigachat, said(stream=stream))
    assert (caught.value.status, len(upstream.requests)) == (status, 1)
    if kind is ProviderRateLimited:
        assert caught.value.retry_after_s == 7.0


@pytest.mark.parametrize(
    "refused",
    [
        reply("<html>403</html>", status=503, content_type="text/html"),
        reply(b"\x1f\x8b\x00", status=503, Content_Encoding="gzip"),
        b"HTTP/1.1 503 Away\r\nContent-Length: 100\r\n\r\ncut",
    ],
)
def test_a_refusal_whose_body_is_broken_is_a_refusal_still(
    gigachat: GigaChat, upstream: GigaChatUpstream, refused: bytes
):
    upstream.answers.append([refused, "close"])
    with pytest.raises(ProviderUnavailable) as caught:
        run(gigachat, said())
    assert caught.value.status == 503


def test_no_secret_leaves_with_an_error(gigachat: GigaChat, upstream: GigaChatUpstream):
    leak = f'{{"message": "access-token-1 of client-id-0001, client-secret-0002, {KEY}"}}'
    upstream.answers.append([reply(leak, status=400)])
    with pytest.raises(ProviderRejected) as caught:
        run(gigachat, said())
    result = f"{caught.value.message} {caught.value.raw}"
    assert "access-token" not in result
    assert "client-" not in result
    assert KEY not in result
