"""The adapter and the sandbox's OpenAI-compatible server, which share no code, understand each other."""

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.providers.chat_types import (
    ChatRequest,
    Image,
    Message,
    NamedTool,
    ResponseFormat,
    Role,
    Tool,
    ToolCall,
    Usage,
)
from gateway.providers.errors import (
    ProviderAuthError,
    ProviderProtocolError,
    ProviderRejected,
    ProviderUnavailable,
    UnsupportedInput,
)
from gateway.providers.openai_compatible.adapter import OpenAICompatible
from sandbox.core.faults import Fault, expired_token, http_error
from sandbox.server import Sandbox
from tests.providers.openai_compatible.conftest import Make
from tests.providers.openai_compatible.upstream import HANG_S, calls_of, run, said, text_of

COUNT = "Посчитай от 1 до 9"
WEATHER = Tool(
    "get_weather",
    "Погода в городе",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["city", "people"],
    "additionalProperties": False,
}
each_mode = pytest.mark.parametrize("stream", [True, False])


@each_mode
def test_an_answer_comes_with_the_usage_that_was_reported(
    sandboxed: OpenAICompatible, sandbox: Sandbox, stream: bool
) -> None:
    chunks = run(sandboxed, said("Столица России?", stream=stream, max_tokens=100))
    assert "Москва" in text_of(chunks)
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["stop"]
    reported = sandbox.requests[-1].usage
    assert reported is not None
    assert chunks[-1].usage == Usage(reported.prompt_tokens, reported.completion_tokens)


def test_a_stream_says_the_same_in_many_chunks(sandboxed: OpenAICompatible) -> None:
    (plain,) = run(sandboxed, said(COUNT))
    chunks = run(sandboxed, said(COUNT, stream=True))
    assert len(chunks) > 5
    assert text_of(chunks) == plain.text
    assert chunks[-1].usage == plain.usage


@pytest.mark.parametrize("split", [1, 7])
def test_letters_split_over_writes_are_put_together(
    sandboxed: OpenAICompatible, sandbox: Sandbox, split: int
) -> None:
    (plain,) = run(sandboxed, said(COUNT))
    sandbox.settings.split = split
    assert text_of(run(sandboxed, said(COUNT, stream=True))) == plain.text


def test_every_parameter_is_taken(sandboxed: OpenAICompatible) -> None:
    words: dict[str, Any] = {
        "temperature": 0.0,
        "top_p": 0.9,
        "top_k": 40,
        "min_p": 0.1,
        "seed": 7,
        "stop": ("Конец",),
        "frequency_penalty": 0.5,
        "presence_penalty": -0.5,
        "repetition_penalty": 1.1,
        "logit_bias": {"5": -100.0},
        "reasoning_effort": "low",
    }
    assert run(sandboxed, said(**words))[-1].finish_reason == "stop"


@each_mode
def test_a_limit_of_tokens_ends_with_length(sandboxed: OpenAICompatible, stream: bool) -> None:
    chunks = run(sandboxed, said("sandbox:long=40", max_tokens=5, stream=stream))
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["length"]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 5


@each_mode
def test_the_content_filter_is_an_answer(sandboxed: OpenAICompatible, stream: bool) -> None:
    chunks = run(sandboxed, said("sandbox:filter", stream=stream))
    assert "content_filter" in [chunk.finish_reason for chunk in chunks]


@each_mode
def test_reasoning_is_counted_and_told_apart_from_the_answer(
    sandboxed: OpenAICompatible, stream: bool
) -> None:
    chunks = run(sandboxed, said("Столица России?", stream=stream), model="gpt-oss-20b")
    (plain,) = run(sandboxed, said("Столица России?"))
    assert text_of(chunks) == plain.text
    thoughts = "".join(chunk.reasoning for chunk in chunks)
    assert thoughts
    assert thoughts not in text_of(chunks)
    assert chunks[-1].usage is not None
    assert 0 < chunks[-1].usage.reasoning_tokens < chunks[-1].usage.completion_tokens


def test_a_prompt_that_goes_on_is_cached(sandboxed: OpenAICompatible) -> None:
    turns = (Message("system", "Отвечай коротко."), Message("user", "Привет, это я."))
    run(sandboxed, ChatRequest(turns))
    more = (*turns, Message("assistant", "Привет!"), Message("user", "Как дела?"))
    (answer,) = run(sandboxed, ChatRequest(more))
    assert answer.usage is not None
    assert 0 < answer.usage.cached_tokens < answer.usage.prompt_tokens


@each_mode
def test_a_tool_is_called_and_its_results_are_answered(
    sandboxed: OpenAICompatible, stream: bool
) -> None:
    asked = said("Какая погода в Казани и Москве?", tools=(WEATHER,), stream=stream)
    chunks = run(sandboxed, asked)
    assert "tool_calls" in [chunk.finish_reason for chunk in chunks]
    calls = tuple(ToolCall(*call) for call in calls_of(chunks))
    assert [call.name for call in calls] == ["get_weather"] * 2
    assert len({call.id for call in calls}) == 2
    for call in calls:
        jsonschema.validate(json.loads(call.arguments), WEATHER.parameters)
    results = (
        Message("tool", "минус 5", tool_call_id=calls[1].id, name="get_weather"),
        Message("tool", "плюс 3", tool_call_id=calls[0].id, name="get_weather"),
    )
    turns = (*asked.messages, Message("assistant", "Смотрю.", tool_calls=calls), *results)
    result = run(sandboxed, asked._replace(messages=turns))
    assert "плюс 3" in text_of(result)
    assert "минус 5" in text_of(result)


def test_a_tool_with_an_odd_name_is_called_by_it(sandboxed: OpenAICompatible) -> None:
    odd = replace(WEATHER, name="погода.сейчас/город")
    chunks = run(sandboxed, said("Ну?", tools=(odd,), tool_choice=NamedTool(odd.name), stream=True))
    assert [name for _, name, _ in calls_of(chunks)] == [odd.name]
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["tool_calls"]


@pytest.mark.parametrize("choice", ["required", "none"])
def test_a_tool_choice_is_obeyed(sandboxed: OpenAICompatible, choice: Any) -> None:
    request = said("Какая погода в Казани?", tools=(WEATHER,), tool_choice=choice)
    (chunk,) = run(sandboxed, request)
    assert bool(chunk.tool_calls) is (choice == "required")


@each_mode
def test_a_schema_is_kept(sandboxed: OpenAICompatible, stream: bool) -> None:
    wanted = ResponseFormat("json_schema", schema=SCHEMA, name="Город №1", strict=True)
    chunks = run(sandboxed, said("Назови город", response_format=wanted, stream=stream))
    jsonschema.validate(json.loads(text_of(chunks)), SCHEMA)


def test_a_json_object_is_given(sandboxed: OpenAICompatible) -> None:
    request = said("Назови город", response_format=ResponseFormat("json_object"))
    assert isinstance(json.loads(text_of(run(sandboxed, request))), dict)


def test_images_are_seen(sandboxed: OpenAICompatible) -> None:
    images = (Image(b"\x89PNG", "image/png"), Image(b"\xff\xd8\xff", "image/jpeg"))
    request = ChatRequest((Message("user", "Что тут?", images=images),))
    (chunk,) = run(sandboxed, request, model="gemma-3-27b-it")
    assert "image/png (4 B)" in chunk.text
    assert "image/jpeg (3 B)" in chunk.text


def test_an_image_for_a_model_without_eyes_is_refused(sandboxed: OpenAICompatible) -> None:
    request = ChatRequest((Message("user", "Что тут?", images=(Image(b"x", "image/png"),)),))
    with pytest.raises(ProviderRejected) as caught:
        run(sandboxed, request)
    assert "0 image(s)" in caught.value.message


def test_a_conversation_of_all_kinds_of_turns_is_taken(sandboxed: OpenAICompatible) -> None:
    messages = (
        Message("user", "Привет", name="anna"),
        Message("system", "Кратко."),
        Message("assistant", ""),
        Message("assistant", "Здравствуйте"),
        Message("assistant", tool_calls=(ToolCall("one", "старый инструмент", ""),)),
        Message("tool", "", tool_call_id="one", name="старый инструмент"),
        Message("system", "По-русски."),
        Message("user", "Столица Франции?"),
        Message("user", "Одним словом."),
    )
    assert run(sandboxed, ChatRequest(messages))[-1].finish_reason == "stop"


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def _turn(role: Role, content: str, **details: Any) -> Message:
    return Message(role, content, **details)


TURNS = st.lists(
    st.one_of(
        st.builds(_turn, st.sampled_from(["system", "user", "assistant"]), TEXTS),
        st.builds(_turn, st.just("user"), TEXTS, name=st.sampled_from(["anna", "Анна", "a b"])),
        st.builds(
            _turn,
            st.just("assistant"),
            TEXTS,
            tool_calls=st.lists(
                st.builds(
                    ToolCall,
                    st.sampled_from(["call_1", "call 2", "вызов"]),
                    st.sampled_from(["get-weather", "a.b", "Поиск", "x" * 100]),
                    st.sampled_from(["", "{}", '{"а": [1, null]}']),
                ),
                min_size=1,
                max_size=3,
                unique_by=lambda call: call.id,
            ).map(tuple),
        ),
    ),
    max_size=4,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(TURNS, st.booleans())
def test_any_conversation_that_is_one_is_taken(
    sandboxed: OpenAICompatible, turns: list[Message], stream: bool
) -> None:
    messages: list[Message] = []
    for turn in turns:
        results = [Message("tool", "ок", tool_call_id=call.id) for call in turn.tool_calls]
        messages += [turn, *results]
    request = ChatRequest((*messages, Message("user", "Привет")), stream=stream)
    assert "stop" in [chunk.finish_reason for chunk in run(sandboxed, request)]


def test_vectors_come_in_the_order_of_the_texts(sandboxed: OpenAICompatible) -> None:
    texts = [f"слово {number}" for number in range(70)]
    embedding = sandboxed.embed(texts, upstream_id="bge-m3", timeout_s=HANG_S)
    swapped = sandboxed.embed(texts[::-1], upstream_id="bge-m3", timeout_s=HANG_S)
    assert {len(vector) for vector in embedding.vectors} == {1024}
    assert embedding.vectors == swapped.vectors[::-1]
    assert embedding.vectors[0] != embedding.vectors[1]
    assert embedding.prompt_tokens == swapped.prompt_tokens
    assert embedding.prompt_tokens
    alone = sandboxed.embed(texts[:1], upstream_id="bge-m3", timeout_s=HANG_S)
    assert alone.vectors == embedding.vectors[:1]


def test_a_text_too_long_to_embed_is_a_context_overflow(sandboxed: OpenAICompatible) -> None:
    with pytest.raises(ProviderRejected) as caught:
        sandboxed.embed(["слово " * 10_000], upstream_id="bge-m3", timeout_s=HANG_S)
    assert caught.value.context_length_exceeded


@pytest.mark.parametrize(
    "request_", [said("слово " * 40_000), said(max_tokens=32_768)], ids=["prompt", "answer"]
)
def test_more_than_the_context_holds_is_a_context_overflow(
    sandboxed: OpenAICompatible, request_: ChatRequest
) -> None:
    with pytest.raises(ProviderRejected) as caught:
        run(sandboxed, request_)
    assert caught.value.context_length_exceeded
    assert "32768" in caught.value.message


def test_a_value_out_of_range_is_a_rejection_that_says_so(sandboxed: OpenAICompatible) -> None:
    with pytest.raises(ProviderRejected) as caught:
        run(sandboxed, said(top_p=0.0))
    assert "top_p" in caught.value.message
    assert not caught.value.context_length_exceeded


@pytest.mark.parametrize("key", ["sk-wrong-key-0000", None])
def test_a_wrong_key_is_our_credential_refused(
    make_sandboxed: Make, sandbox: Sandbox, key: str | None
) -> None:
    with pytest.raises(ProviderAuthError) as caught:
        run(make_sandboxed(api_key=key), said())
    assert caught.value.raw == '{"error":"Unauthorized"}'
    assert len(sandbox.requests) == 1


def test_a_model_that_is_gone_is_unavailable(sandboxed: OpenAICompatible) -> None:
    with pytest.raises(ProviderUnavailable) as caught:
        run(sandboxed, said(), model="qwen2-7b")
    assert caught.value.status == 404


def test_an_error_bears_the_name_that_the_provider_was_given(make_sandboxed: Make) -> None:
    provider = make_sandboxed("my-ollama")
    assert provider.name == "my-ollama"
    with pytest.raises(ProviderUnavailable) as caught:
        run(provider, said(), model="qwen2-7b")
    assert caught.value.provider == "my-ollama"


def test_what_the_wire_has_no_place_for_is_never_sent(
    sandboxed: OpenAICompatible, sandbox: Sandbox
) -> None:
    with pytest.raises(UnsupportedInput):
        run(sandboxed, said(n=2))
    assert len(sandbox.requests) == 0


@pytest.mark.parametrize("stream", [True, False])
def test_a_model_that_broke_off_has_not_answered(sandboxed: OpenAICompatible, stream: bool) -> None:
    request = said(
        "Когда трамвай? sandbox:unruly=error",
        tools=(Tool("tram", "Когда трамвай"),),
        stream=stream,
    )
    with pytest.raises(ProviderProtocolError):
        run(sandboxed, request)


@pytest.mark.parametrize("fault", [http_error(401), expired_token()], ids=["401", "expired"])
@each_mode
def test_a_key_that_is_refused_is_our_credential_refused(
    sandboxed: OpenAICompatible, sandbox: Sandbox, fault: Fault, stream: bool
) -> None:
    sandbox.faults.push("openai_compatible", fault)
    with pytest.raises(ProviderAuthError):
        run(sandboxed, said(stream=stream))
    assert len(sandbox.requests) == 1
