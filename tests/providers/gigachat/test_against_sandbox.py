"""The adapter and the emulated GigaChat, which share no code, understand each other."""

import json

import pytest

from gateway.providers._shared.http_client import Deadline
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
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from gateway.providers.gigachat.adapter import GigaChat
from sandbox.core import faults
from sandbox.server import Sandbox
from tests.providers.gigachat.conftest import MakeGigaChat
from tests.providers.gigachat.upstream import HANG_S, run, said

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


def text_of(chunks: list[ChatChunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def test_a_streamed_answer_is_the_plain_one_in_pieces(sandboxed: GigaChat, sandbox: Sandbox):
    (plain,) = run(sandboxed, said("Столица России?", temperature=0.0, max_tokens=50))
    pieces = run(sandboxed, said("Столица России?", temperature=0.0, max_tokens=50, stream=True))
    assert plain.text
    assert len(pieces) > 2
    assert text_of(pieces) == plain.text
    assert pieces[-1].finish_reason == plain.finish_reason == "stop"
    reported = [request.usage for request in sandbox.requests.of("gigachat", "completions")]
    for chunk, usage in zip((plain, pieces[-1]), reported, strict=True):
        assert usage is not None
        assert chunk.usage is not None
        assert (chunk.usage.prompt_tokens, chunk.usage.completion_tokens) == (
            usage.prompt_tokens,
            usage.completion_tokens,
        )


@pytest.mark.parametrize("split", [1, 7])
def test_a_stream_cut_into_the_smallest_writes_says_the_same(
    sandboxed: GigaChat, sandbox: Sandbox, split: int
):
    whole = text_of(run(sandboxed, said("Расскажи о реке.", stream=True)))
    sandbox.settings.split = split
    assert text_of(run(sandboxed, said("Расскажи о реке.", stream=True))) == whole


def test_one_session_finds_its_prompt_in_the_cache(sandboxed: GigaChat):
    opening = Message("user", "Расскажи о реках Сибири.")
    dialogue = (opening, Message("assistant", "Их много."), Message("user", "Назови одну."))
    first = run(sandboxed, ChatRequest((opening,), session_id="one"))[-1].usage
    second = run(sandboxed, ChatRequest(dialogue, session_id="one"))[-1].usage
    assert first is not None
    assert second is not None
    assert first.cached_tokens == 0
    assert 0 < second.cached_tokens < second.prompt_tokens


def test_a_limit_of_tokens_ends_the_answer_with_length(sandboxed: GigaChat):
    chunks = run(sandboxed, said("sandbox:long=50", max_tokens=5, stream=True))
    assert chunks[-1].finish_reason == "length"


def test_a_filtered_answer_is_known(sandboxed: GigaChat):
    (chunk,) = run(sandboxed, said("sandbox:filter"))
    assert (chunk.finish_reason, chunk.native_finish_reason) == ("content_filter", "blacklist")


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("choice", [None, "auto", "required", NamedTool("delivery-price")])
def test_tools_make_the_round_trip(
    sandboxed: GigaChat, sandbox: Sandbox, stream: bool, choice: NamedTool | None
):
    request = ChatRequest((HOW_MUCH,), stream=stream, tools=(PRICE,), tool_choice=choice)
    (called,) = (chunk for chunk in run(sandboxed, request) if chunk.tool_calls)
    (delta,) = called.tool_calls
    assert (called.finish_reason, delta.name) == ("tool_calls", "delivery-price")
    assert "Томск" in json.loads(delta.arguments)["city"]
    assert delta.id is not None
    answered = (
        HOW_MUCH,
        Message("assistant", tool_calls=(ToolCall(delta.id, "delivery-price", delta.arguments),)),
        Message("tool", "540 рублей", tool_call_id=delta.id),
    )
    chunks = run(sandboxed, ChatRequest(answered, stream=stream, tools=(PRICE,)))
    assert "540" in text_of(chunks)
    replayed = sandbox.requests.of("gigachat", "completions")[-1].body["messages"][1]
    assert replayed["functions_state_id"]


def test_several_calls_of_one_turn_are_taken(sandboxed: GigaChat):
    calls = (ToolCall("a", "delivery-price", '{"city": "Омск"}'), ToolCall("b", "track", ""))
    history = (
        HOW_MUCH,
        Message("assistant", tool_calls=calls),
        Message("tool", "[1]", tool_call_id="b"),
        Message("tool", '{"rub": 5}', tool_call_id="a"),
    )
    chunks = run(sandboxed, ChatRequest(history, tools=(PRICE, Tool("track"))))
    assert chunks[-1].finish_reason == "stop"


def test_no_tool_is_called_when_none_may_be(sandboxed: GigaChat):
    chunks = run(sandboxed, ChatRequest((HOW_MUCH,), tools=(PRICE,), tool_choice="none"))
    assert not chunks[0].tool_calls


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_keeps_to_its_schema(sandboxed: GigaChat, stream: bool):
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "n": {"type": "integer"}},
        "required": ["city", "n"],
        "additionalProperties": False,
    }
    wanted = ResponseFormat("json_schema", schema=schema, name="place", strict=True)
    chunks = run(sandboxed, said("Город Томск, 5 домов", stream=stream, response_format=wanted))
    assert json.loads(text_of(chunks)).keys() == {"city", "n"}


def test_images_are_seen_and_leave_no_file_behind(sandboxed: GigaChat, sandbox: Sandbox):
    messages = tuple(
        Message("user", "Что на картинке?", images=(Image(b"\x89PNG", "image/png"),))
        for _ in range(2)
    )
    chunks = run(sandboxed, ChatRequest(messages, stream=True), model="GigaChat-2-Pro")
    assert chunks[-1].finish_reason == "stop"
    steps = [(request.path, request.status) for request in sandbox.requests.of("gigachat", "files")]
    assert [status for _, status in steps] == [200] * 4
    assert sum(path.endswith("/delete") for path, _ in steps) == 2


@pytest.mark.parametrize("stream", [True, False])
def test_several_images_of_a_message_are_seen(sandboxed: GigaChat, stream: bool):
    shown = tuple(Image(b"\x89PNG" + bytes([place]), "image/png") for place in range(10))
    request = ChatRequest((Message("user", "Сравни.", images=shown),), stream=stream)
    assert run(sandboxed, request, model="GigaChat-2-Pro")[-1].finish_reason == "stop"


def test_images_for_a_model_without_eyes_are_rejected_and_deleted(
    sandboxed: GigaChat, sandbox: Sandbox
):
    message = Message("user", "?", images=(Image(b"\xff\xd8", "image/jpeg"),))
    with pytest.raises(ProviderRejected, match="images"):
        run(sandboxed, ChatRequest((message,)))
    assert sandbox.requests[-1].path.endswith("/delete")


def test_tokens_are_counted_and_texts_embedded(sandboxed: GigaChat, sandbox: Sandbox):
    counts = sandboxed.count_tokens(["", "Привет, мир"], upstream_id="GigaChat-2", timeout_s=HANG_S)
    assert counts[0] == 0 < counts[1]
    texts = [f"текст {number}" for number in range(100)]
    embedding = sandboxed.embed(texts, upstream_id="Embeddings", timeout_s=HANG_S)
    assert {len(vector) for vector in embedding.vectors} == {1024}
    assert len(embedding.vectors) == 100
    reported = [request.usage for request in sandbox.requests.of("gigachat", "embeddings")]
    assert embedding.prompt_tokens == sum(usage.prompt_tokens for usage in reported if usage)


@pytest.mark.parametrize("stream", [True, False])
def test_an_expired_token_is_renewed_once(sandboxed: GigaChat, sandbox: Sandbox, stream: bool):
    sandbox.faults.push("gigachat", faults.expired_token())
    assert run(sandboxed, said(stream=stream))[-1].finish_reason == "stop"
    assert [request.status for request in sandbox.requests.of("gigachat", "completions")] == [
        401,
        200,
    ]
    assert len(sandbox.requests.of("gigachat", "oauth")) == 2


def test_a_token_that_stays_refused_is_our_credential_refused(
    sandboxed: GigaChat, sandbox: Sandbox
):
    sandbox.faults.push("gigachat", faults.expired_token(), times=None)
    with pytest.raises(ProviderAuthError):
        run(sandboxed, said())
    assert len(sandbox.requests.of("gigachat", "completions")) == 2


def test_a_wrong_key_is_our_credential_refused(make_sandboxed: MakeGigaChat, sandbox: Sandbox):
    with pytest.raises(ProviderAuthError):
        run(make_sandboxed(credentials="d3JvbmcKd3Jvbmc="), said())
    assert len(sandbox.requests) == 1


def test_a_model_that_is_gone_is_unavailable(sandboxed: GigaChat):
    with pytest.raises(ProviderUnavailable):
        run(sandboxed, said(), model="GigaChat-1")


def test_too_much_at_once_is_a_rate_limit(sandboxed: GigaChat, sandbox: Sandbox):
    sandbox.settings.gigachat_parallel = 1
    first = sandboxed.stream(
        said("sandbox:long=500", stream=True),
        upstream_id="GigaChat-2",
        cancel_token=Deadline(HANG_S),
    )
    next(first)
    with pytest.raises(ProviderRateLimited):
        run(sandboxed, said())
    first.close()
