"""The adapter and the emulated GigaChat, which share no code, understand each other."""

import json
import time
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from gateway.providers.chat_types import (
    ChatChunk,
    ChatRequest,
    Image,
    Message,
    NamedTool,
    ResponseFormat,
    Tool,
    ToolCall,
)
from gateway.providers.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderProtocolError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
)
from gateway.providers.gigachat.adapter import GigaChat
from gateway.providers.http_client import Countdown
from gateway.sandbox import faults
from gateway.sandbox.credentials import GIGACHAT_CREDENTIALS, GIGACHAT_SCOPE
from gateway.sandbox.faults import Fault
from gateway.sandbox.server import Sandbox
from tests.providers.gigachat.upstream import HANG_S, said

PRICE = Tool(
    "delivery-price",
    "Цена доставки в город",
    {
        "$defs": {"City": {"type": "string", "description": "Город"}},
        "type": "object",
        "properties": {
            "city": {"$ref": "#/$defs/City"},
            "kg": {"anyOf": [{"type": "number"}, {"type": "null"}]},
            "more": {"type": "object"},
        },
        "required": ["city"],
    },
)
HOW_MUCH = Message("user", "Сколько стоит доставка в Томск?")


@pytest.fixture(scope="module")
def running_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as served:
        yield served


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    running_sandbox.reset()
    return running_sandbox


@pytest.fixture
def gigachat(sandbox: Sandbox) -> Iterator[GigaChat]:
    made = _gigachat(sandbox)
    yield made
    made.close()


@pytest.fixture
def impatient(sandbox: Sandbox) -> Iterator[GigaChat]:
    made = _gigachat(sandbox, read_timeout_s=0.3)
    yield made
    made.close()


def _gigachat(
    sandbox: Sandbox, credentials: str = GIGACHAT_CREDENTIALS, read_timeout_s: float = HANG_S
) -> GigaChat:
    return GigaChat(
        base_url=f"{sandbox.gigachat_origin}/api/v1",
        auth_url=f"{sandbox.gigachat_origin}/api/v2/oauth",
        credentials=credentials,
        scope=GIGACHAT_SCOPE,
        read_timeout_s=read_timeout_s,
    )


def run(provider: GigaChat, request: ChatRequest, model: str = "GigaChat-2") -> list[ChatChunk]:
    return list(provider.stream(request, upstream_id=model, lifeline=Countdown(HANG_S)))


def text_of(chunks: list[ChatChunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def test_a_streamed_answer_is_the_plain_one_in_pieces(gigachat: GigaChat, sandbox: Sandbox):
    (plain,) = run(gigachat, said("Сколько планет?", temperature=0.0, max_tokens=50))
    pieces = run(gigachat, said("Сколько планет?", temperature=0.0, max_tokens=50, stream=True))
    assert plain.text
    assert len(pieces) > 2
    assert text_of(pieces) == plain.text
    assert pieces[-1].finish_reason == plain.finish_reason == "stop"
    reported = [one.usage for one in sandbox.requests.of("gigachat", "completions")]
    for chunk, usage in zip((plain, pieces[-1]), reported, strict=True):
        assert usage is not None
        assert chunk.usage is not None
        assert (chunk.usage.prompt_tokens, chunk.usage.completion_tokens) == (
            usage.prompt_tokens,
            usage.completion_tokens,
        )


@pytest.mark.parametrize("split", [1, 7])
def test_a_stream_cut_into_the_smallest_writes_says_the_same(
    gigachat: GigaChat, sandbox: Sandbox, split: int
):
    whole = text_of(run(gigachat, said("Расскажи о реке.", stream=True)))
    sandbox.settings.split = split
    assert text_of(run(gigachat, said("Расскажи о реке.", stream=True))) == whole


def test_one_session_finds_its_prompt_in_the_cache(gigachat: GigaChat):
    opening = Message("user", "Расскажи о реках Сибири.")
    dialogue = (opening, Message("assistant", "Их много."), Message("user", "Назови одну."))
    first = run(gigachat, ChatRequest((opening,), session_id="one"))[-1].usage
    second = run(gigachat, ChatRequest(dialogue, session_id="one"))[-1].usage
    assert first is not None
    assert second is not None
    assert first.cached_tokens == 0
    assert 0 < second.cached_tokens < second.prompt_tokens


def test_a_limit_of_tokens_ends_the_answer_with_length(gigachat: GigaChat):
    chunks = run(gigachat, said("sandbox:long=50", max_tokens=5, stream=True))
    assert chunks[-1].finish_reason == "length"


def test_a_filtered_answer_is_known(gigachat: GigaChat):
    (chunk,) = run(gigachat, said("sandbox:filter"))
    assert (chunk.finish_reason, chunk.native_finish_reason) == ("content_filter", "blacklist")


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("choice", [None, "auto", "required", NamedTool("delivery-price")])
def test_tools_make_the_round_trip(
    gigachat: GigaChat, sandbox: Sandbox, stream: bool, choice: NamedTool | None
):
    request = ChatRequest((HOW_MUCH,), stream=stream, tools=(PRICE,), tool_choice=choice)
    (called,) = (chunk for chunk in run(gigachat, request) if chunk.tool_calls)
    (delta,) = called.tool_calls
    assert (called.finish_reason, delta.name) == ("tool_calls", "delivery-price")
    assert "Томск" in json.loads(delta.arguments)["city"]
    assert delta.id is not None
    answered = (
        HOW_MUCH,
        Message("assistant", tool_calls=(ToolCall(delta.id, "delivery-price", delta.arguments),)),
        Message("tool", "540 рублей", tool_call_id=delta.id),
    )
    chunks = run(gigachat, ChatRequest(answered, stream=stream, tools=(PRICE,)))
    assert "540" in text_of(chunks)
    replayed = sandbox.requests.of("gigachat", "completions")[-1].body["messages"][1]
    assert replayed["functions_state_id"]


def test_several_calls_of_one_turn_are_taken(gigachat: GigaChat):
    calls = (ToolCall("a", "delivery-price", '{"city": "Омск"}'), ToolCall("b", "track", ""))
    history = (
        HOW_MUCH,
        Message("assistant", tool_calls=calls),
        Message("tool", "[1]", tool_call_id="b"),
        Message("tool", '{"rub": 5}', tool_call_id="a"),
    )
    chunks = run(gigachat, ChatRequest(history, tools=(PRICE, Tool("track"))))
    assert chunks[-1].finish_reason == "stop"


def test_no_tool_is_called_when_none_may_be(gigachat: GigaChat):
    chunks = run(gigachat, ChatRequest((HOW_MUCH,), tools=(PRICE,), tool_choice="none"))
    assert not chunks[0].tool_calls


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_keeps_to_its_schema(gigachat: GigaChat, stream: bool):
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "n": {"type": "integer"}},
        "required": ["city", "n"],
        "additionalProperties": False,
    }
    wanted = ResponseFormat("json_schema", schema=schema, name="place", strict=True)
    chunks = run(gigachat, said("Город Томск, 5 домов", stream=stream, response_format=wanted))
    assert json.loads(text_of(chunks)).keys() == {"city", "n"}


def test_images_are_seen_and_leave_no_file_behind(gigachat: GigaChat, sandbox: Sandbox):
    messages = tuple(
        Message("user", "Что на картинке?", images=(Image(b"\x89PNG", "image/png"),))
        for _ in range(2)
    )
    chunks = run(gigachat, ChatRequest(messages, stream=True), "GigaChat-2-Pro")
    assert chunks[-1].finish_reason == "stop"
    steps = [(one.path, one.status) for one in sandbox.requests.of("gigachat", "files")]
    assert [status for _, status in steps] == [200] * 4
    assert sum(path.endswith("/delete") for path, _ in steps) == 2


def test_images_for_a_model_without_eyes_are_rejected_and_deleted(
    gigachat: GigaChat, sandbox: Sandbox
):
    message = Message("user", "?", images=(Image(b"\xff\xd8", "image/jpeg"),))
    with pytest.raises(ProviderRejected, match="images"):
        run(gigachat, ChatRequest((message,)))
    assert sandbox.requests[-1].path.endswith("/delete")


def test_tokens_are_counted_and_texts_embedded(gigachat: GigaChat, sandbox: Sandbox):
    counts = gigachat.count_tokens(["", "Привет, мир"], upstream_id="GigaChat-2", timeout_s=HANG_S)
    assert counts[0] == 0 < counts[1]
    texts = [f"текст {number}" for number in range(100)]
    embedding = gigachat.embed(texts, upstream_id="Embeddings", timeout_s=HANG_S)
    assert {len(vector) for vector in embedding.vectors} == {1024}
    assert len(embedding.vectors) == 100
    reported = [one.usage for one in sandbox.requests.of("gigachat", "embeddings")]
    assert embedding.prompt_tokens == sum(usage.prompt_tokens for usage in reported if usage)


@pytest.mark.parametrize("stream", [True, False])
def test_an_expired_token_is_renewed_once(gigachat: GigaChat, sandbox: Sandbox, stream: bool):
    sandbox.faults.push("gigachat", faults.expired_token())
    assert run(gigachat, said(stream=stream))[-1].finish_reason == "stop"
    assert [one.status for one in sandbox.requests.of("gigachat", "completions")] == [401, 200]
    assert len(sandbox.requests.of("gigachat", "oauth")) == 2


def test_a_token_that_stays_refused_is_our_credential_refused(gigachat: GigaChat, sandbox: Sandbox):
    sandbox.faults.push("gigachat", faults.expired_token(), times=None)
    with pytest.raises(ProviderAuthError):
        run(gigachat, said())
    assert len(sandbox.requests.of("gigachat", "completions")) == 2


def test_a_wrong_key_is_our_credential_refused(sandbox: Sandbox):
    gigachat = _gigachat(sandbox, "d3JvbmcKd3Jvbmc=")
    with pytest.raises(ProviderAuthError):
        run(gigachat, said())
    assert len(sandbox.requests) == 1


def test_a_model_that_is_gone_is_unavailable(gigachat: GigaChat):
    with pytest.raises(ProviderUnavailable):
        run(gigachat, said(), "GigaChat-1")


def test_too_much_at_once_is_a_rate_limit(gigachat: GigaChat, sandbox: Sandbox):
    sandbox.settings.gigachat_parallel = 1
    first = gigachat.stream(
        said("sandbox:long=500", stream=True), upstream_id="GigaChat-2", lifeline=Countdown(HANG_S)
    )
    next(first)
    with pytest.raises(ProviderRateLimited):
        run(gigachat, said())
    first.close()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (faults.http_error(402), ProviderAuthError),
        (faults.http_error(403), ProviderAuthError),
        (faults.http_error(404), ProviderUnavailable),
        (faults.http_error(408), ProviderTimeout),
        (faults.http_error(413), ProviderRejected),
        (faults.http_error(422), ProviderRejected),
        (faults.http_error(429), ProviderRateLimited),
        (faults.http_error(500), ProviderUnavailable),
        (faults.http_error(503, b"<html>away</html>"), ProviderUnavailable),
        (faults.redirect("http://127.0.0.1:9/"), ProviderUnavailable),
        (faults.reset(), ProviderUnavailable),
        (faults.reset(after_events=2), ProviderError),
        (faults.cut(), ProviderProtocolError),
        (faults.cut(abrupt=True), ProviderProtocolError),
        (faults.compressed(), ProviderProtocolError),
        (faults.error_event(), ProviderUnavailable),
        (faults.garbage("html"), ProviderProtocolError),
        (faults.garbage("bad_json"), ProviderProtocolError),
        (faults.garbage("wrong_types"), ProviderProtocolError),
        (faults.garbage("null_choices"), ProviderProtocolError),
        (faults.garbage("long_line"), ProviderProtocolError),
        (faults.garbage("invalid_utf8"), ProviderProtocolError),
        (faults.garbage("bad_json", after_events=2), ProviderProtocolError),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else value.__name__,
)
@pytest.mark.parametrize("stream", [True, False])
def test_every_fault_is_an_error_of_its_kind(
    gigachat: GigaChat, sandbox: Sandbox, fault: Fault, kind: type[ProviderError], stream: bool
):
    sandbox.faults.push("gigachat", fault)
    with pytest.raises(kind):
        run(gigachat, said("Расскажи о реке.", stream=stream))


@pytest.mark.parametrize("moment", get_args(faults.Moment))
@pytest.mark.parametrize("stream", [True, False])
def test_silence_at_any_moment_is_a_timeout(
    impatient: GigaChat, sandbox: Sandbox, moment: faults.Moment, stream: bool
):
    sandbox.faults.push("gigachat", faults.silence(HANG_S, moment))
    with pytest.raises(ProviderTimeout):
        run(impatient, said("Расскажи о реке.", stream=stream))


def test_a_drip_is_an_answer_and_a_cookie_is_ignored(gigachat: GigaChat, sandbox: Sandbox):
    sandbox.faults.push("gigachat", faults.drip(0.0))
    assert run(gigachat, said("Привет", stream=True))[-1].finish_reason == "stop"
    sandbox.faults.push("gigachat", faults.set_cookie())
    run(gigachat, said())
    run(gigachat, said())
    assert "cookie" not in sandbox.requests[-1].headers


@pytest.mark.parametrize("kind", ["absent", "negative", "absurd"])
def test_usage_that_cannot_be_true_is_left_out(gigachat: GigaChat, sandbox: Sandbox, kind: Any):
    sandbox.faults.push("gigachat", faults.wrong_usage(kind))
    chunks = run(gigachat, said(stream=True))
    assert chunks[-1].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)


def test_a_reader_who_leaves_an_endless_stream_ends_it(gigachat: GigaChat, sandbox: Sandbox):
    sandbox.faults.push("gigachat", faults.endless())
    chunks = gigachat.stream(
        said(stream=True), upstream_id="GigaChat-2", lifeline=Countdown(HANG_S)
    )
    for _ in range(20):
        next(chunks)
    chunks.close()
    asked = sandbox.requests[-1]
    end_s = time.monotonic() + HANG_S
    while asked.closed_by_client_at is None and time.monotonic() < end_s:
        time.sleep(0.01)
    assert asked.closed_by_client_at is not None
