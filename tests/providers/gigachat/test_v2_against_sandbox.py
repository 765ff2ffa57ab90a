"""The adapter and the emulated second chat form, which share no code, understand each other."""

import itertools
import json
import uuid
from typing import Any

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
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
    WireMissing,
)
from gateway.providers.gigachat.adapter import GigaChat
from gateway.providers.gigachat.v2_call_ids import read_call_id
from gateway.providers.profile import ModelProfile
from sandbox.core import faults
from sandbox.server import Sandbox
from tests.providers.asking import chunks_in
from tests.providers.gigachat.conftest import MakeGigaChat
from tests.providers.gigachat.upstream import HANG_S, said

WEATHER = Tool(
    "city.get-weather",
    "Погода в городе",
    {
        "$defs": {"City": {"type": "string", "description": "Город"}},
        "type": "object",
        "properties": {
            "city": {"$ref": "#/$defs/City"},
            "unit": {"anyOf": [{"enum": ["C", "F"]}, {"type": "null"}]},
            "more": {"type": "object"},
        },
        "required": ["city"],
        "additionalProperties": False,
    },
)
QUESTION = Message("user", "Какая погода в Москве, Казани и Томске?")
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": ["integer", "null"]}},
    "required": ["name", "age"],
}


def run(provider: GigaChat, request: ChatRequest, wire: str = "v2") -> list[ChatChunk]:
    return chunks_in(
        provider.stream(
            request, upstream_id="GigaChat-2-Max", cancel_token=Deadline(HANG_S), wire=wire
        )
    )


def calls_in(chunks: list[ChatChunk]) -> list[ToolCall]:
    return [
        ToolCall(delta.id or "", delta.name or "", delta.arguments)
        for chunk in chunks
        for delta in chunk.tool_calls
    ]


def text_of(chunks: list[ChatChunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def paths(sandbox: Sandbox) -> list[str]:
    return [request.path for request in sandbox.requests.of("gigachat", "completions")]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_three_calls_of_one_turn_take_their_results_in_any_order(
    sandboxed: GigaChat, sandbox: Sandbox, stream: bool, order: tuple[int, ...]
):
    asked = ChatRequest((QUESTION,), tools=(WEATHER,), stream=stream)
    chunks = run(sandboxed, asked, wire="auto")
    calls = calls_in(chunks)
    assert [json.loads(call.arguments)["city"] for call in calls] == ["Москва", "Казань", "Томск"]
    assert len({call.id for call in calls}) == 3
    assert {call.name for call in calls} == {WEATHER.name}
    assert chunks[-1].finish_reason == "tool_calls"
    results = [Message("tool", f"{call.arguments}: снег", tool_call_id=call.id) for call in calls]
    turns = (
        QUESTION,
        Message("assistant", tool_calls=tuple(calls)),
        *(results[index] for index in order),
    )
    answer = run(sandboxed, ChatRequest(turns, tools=(WEATHER,), stream=stream), wire="auto")
    assert all(city in text_of(answer) for city in ("Москва", "Казань", "Томск"))
    assert paths(sandbox) == ["/api/v2/chat/completions"] * 2


def test_the_provider_gets_its_own_ids_and_its_state_back(sandboxed: GigaChat, sandbox: Sandbox):
    calls = calls_in(run(sandboxed, ChatRequest((QUESTION,), tools=(WEATHER,))))
    results = [Message("tool", "снег", tool_call_id=call.id) for call in calls]
    turns = (QUESTION, Message("assistant", tool_calls=tuple(calls)), *results)
    run(sandboxed, ChatRequest(turns, tools=(WEATHER,)))
    _, second = sandbox.requests.of("gigachat", "completions")
    sent = second.body["messages"]
    own = [read_call_id(call.id) for call in calls]
    ids = [reference.id for reference in own if reference]
    assert all(uuid.UUID(identity) for identity in ids if identity)
    assert [part["function_call"]["id"] for part in sent[1]["content"]] == ids
    assert [part["function_result"]["id"] for part in sent[2]["content"]] == ids
    [state] = {reference.state_id for reference in own if reference}
    assert [message.get("tools_state_id") for message in sent] == [None, state, state]


def test_one_call_is_made_where_the_caller_wants_one(sandboxed: GigaChat):
    asked = ChatRequest((QUESTION,), tools=(WEATHER,), parallel_tool_calls=False)
    assert len(calls_in(run(sandboxed, asked))) == 1


@pytest.mark.parametrize("choice", ["required", NamedTool(WEATHER.name)])
def test_a_demanded_call_is_made(sandboxed: GigaChat, choice: NamedTool):
    other = Tool("add", "Сумма", {"type": "object", "properties": {"a": {"type": "number"}}})
    asked = ChatRequest(
        (Message("user", "Привет, Казань"),), tools=(WEATHER, other), tool_choice=choice
    )
    [call] = calls_in(run(sandboxed, asked))
    assert call.name == WEATHER.name


def test_no_call_is_made_where_none_is_wanted(sandboxed: GigaChat):
    asked = ChatRequest((QUESTION,), tools=(WEATHER,), tool_choice="none")
    assert not calls_in(run(sandboxed, asked))


@pytest.mark.parametrize("stream", [True, False])
def test_a_schema_is_kept_to_and_any_object_is_one(sandboxed: GigaChat, stream: bool):
    schema = ResponseFormat("json_schema", PERSON, "person", strict=True)
    asked = said("Анне 30 лет", response_format=schema, stream=stream)
    assert set(json.loads(text_of(run(sandboxed, asked)))) == {"name", "age"}
    demands_nothing = ResponseFormat("json_schema", {"$defs": {"unused": {}}}, "any")
    for any_object in (ResponseFormat("json_object"), demands_nothing):
        loose = said("Привет", response_format=any_object, stream=stream)
        assert isinstance(json.loads(text_of(run(sandboxed, loose))), dict)


@pytest.mark.parametrize("stream", [True, False])
def test_thoughts_come_apart_from_the_answer(sandboxed: GigaChat, stream: bool):
    chunks = run(sandboxed, said("Столица России?", reasoning_effort="high", stream=stream))
    assert text_of(chunks) == "Столица России — Москва."
    assert "".join(chunk.reasoning for chunk in chunks)


def test_an_image_goes_as_a_file_and_is_deleted_after(sandboxed: GigaChat, sandbox: Sandbox):
    shown = Message("user", "Что это?", images=(Image(b"\x89PNG", "image/png"),))
    assert "image.png" in text_of(run(sandboxed, ChatRequest((shown,))))
    assert [
        request.path.split("/")[-1] for request in sandbox.requests.of("gigachat", "files")
    ] == [
        "files",
        "delete",
    ]


@pytest.mark.parametrize("text", ["Сравни.", ""])
def test_several_images_go_in_messages_of_their_own(
    sandboxed: GigaChat, sandbox: Sandbox, text: str
):
    shown = Message("user", text, images=(Image(b"\x89PNG", "image/png"),) * 3)
    run(sandboxed, ChatRequest((shown, Message("user", "Ну?"))))
    [asked] = sandbox.requests.of("gigachat", "completion")
    messages = asked.body["messages"]
    kinds = [[next(iter(part)) for part in message["content"]] for message in messages]
    assert kinds == [["text", "files"] if text else ["files"], ["files"], ["files"], ["text"]]


def test_all_sampling_and_a_session_reach_the_provider(sandboxed: GigaChat):
    fields: dict[str, Any] = {
        "temperature": 0.0,
        "max_tokens": 5,
        "repetition_penalty": 1.1,
        "session_id": "one",
    }
    opening = Message("user", "Расскажи о реках Сибири.")
    dialogue = (opening, Message("assistant", "Их много."), Message("user", "Назови одну."))
    first = run(sandboxed, ChatRequest((opening,), **fields))[-1]
    second = run(sandboxed, ChatRequest(dialogue, **fields))[-1]
    assert first.finish_reason == "length"
    assert first.usage is not None
    assert second.usage is not None
    assert second.usage.cached_tokens == first.usage.prompt_tokens < second.usage.prompt_tokens


@pytest.mark.parametrize(
    ("request_", "is_second"),
    [
        (said(), False),
        (said(temperature=0.5, max_tokens=9), False),
        (said(response_format=ResponseFormat("text")), False),
        (said(response_format=ResponseFormat("json_object")), True),
        (said(tools=(WEATHER,)), True),
        (said(tools=(WEATHER,), tool_choice="none"), True),
    ],
)
def test_a_route_of_both_forms_takes_the_second_where_the_first_would_not_do(
    sandboxed: GigaChat, sandbox: Sandbox, request_: ChatRequest, is_second: bool
):
    run(sandboxed, request_, wire="auto")
    assert paths(sandbox) == [f"/api/v{2 if is_second else 1}/chat/completions"]


@pytest.mark.parametrize(
    ("chat_form", "wire", "version"),
    [("v1", "v2", 1), ("v1", "auto", 1), ("v2", "auto", 2), ("v2", "v1", 1), ("auto", "", 1)],
)
def test_the_account_and_the_route_decide_together(
    make_sandboxed: MakeGigaChat, sandbox: Sandbox, chat_form: str, wire: str, version: int
):
    run(make_sandboxed(chat_form=chat_form), said(), wire=wire)
    assert paths(sandbox) == [f"/api/v{version}/chat/completions"]


def test_a_dialogue_begun_in_the_second_form_stays_in_it(sandboxed: GigaChat, sandbox: Sandbox):
    [call] = calls_in(run(sandboxed, said("Погода в Казани?", tools=(WEATHER,))))
    turns = (
        Message("user", "Погода в Казани?"),
        Message("assistant", tool_calls=(call,)),
        Message("tool", "снег", tool_call_id=call.id),
    )
    run(sandboxed, ChatRequest(turns), wire="auto")
    assert paths(sandbox)[-1] == "/api/v2/chat/completions"


def test_an_account_without_the_second_form_is_asked_for_it_once(
    sandboxed: GigaChat, sandbox: Sandbox
):
    sandbox.settings.gigachat_second_form = False
    profile = ModelProfile(
        1000,
        1000,
        tools="native",
        tool_choice_required="native",
        parallel_tool_calls=True,
        json_schema="native",
        json_object="native",
        wire="auto",
    )
    assert sandboxed.narrowed(profile) is profile
    with pytest.raises(WireMissing):
        run(sandboxed, said(tools=(WEATHER,)))
    narrowed = sandboxed.narrowed(profile)
    assert not narrowed.parallel_tool_calls
    assert (narrowed.json_schema, narrowed.tool_choice_required) == ("emulated", "emulated")
    for wire in ("v2", "auto"):
        assert run(sandboxed, said("Погода в Казани?", tools=(WEATHER,)), wire=wire)[-1].tool_calls
    assert paths(sandbox) == [
        "/api/v2/chat/completions",
        "/api/v1/chat/completions",
        "/api/v1/chat/completions",
    ]


@pytest.mark.parametrize("status", [403, 404])
def test_a_page_in_the_place_of_both_forms_is_no_missing_form(
    sandboxed: GigaChat, sandbox: Sandbox, status: int
):
    for _ in range(2):
        sandbox.faults.push("gigachat", faults.http_error(status, b"<html>Unauthorized</html>"))
    with pytest.raises(WireMissing):
        run(sandboxed, said())
    with pytest.raises(ProviderError):
        run(sandboxed, said())
    assert run(sandboxed, said("Столица России?"))[-1].finish_reason == "stop"
    assert paths(sandbox) == [f"/api/v{version}/chat/completions" for version in (2, 1, 2)]


def test_an_address_without_a_version_has_the_first_form_alone(
    make_gigachat: MakeGigaChat,
):
    profile = ModelProfile(1000, 1000, parallel_tool_calls=True, wire="v2")
    elsewhere = make_gigachat(base_url="http://127.0.0.1:9/api")
    assert not elsewhere.narrowed(profile).parallel_tool_calls


def test_a_refused_body_or_an_unknown_model_is_no_missing_form(
    sandboxed: GigaChat, sandbox: Sandbox
):
    for status, kind in ((422, ProviderRejected), (400, ProviderRejected)):
        sandbox.faults.push("gigachat", faults.http_error(status))
        with pytest.raises(kind):
            run(sandboxed, said())
    with pytest.raises(ProviderUnavailable):
        chunks_in(
            sandboxed.stream(
                said(), upstream_id="GigaChat-1", cancel_token=Deadline(HANG_S), wire="v2"
            )
        )
    assert run(sandboxed, said("Столица России?"))[-1].finish_reason == "stop"
    assert paths(sandbox)[-1] == "/api/v2/chat/completions"


@pytest.mark.parametrize("split", [1, 7])
def test_a_stream_cut_into_the_smallest_writes_says_the_same(
    sandboxed: GigaChat, sandbox: Sandbox, split: int
):
    whole = text_of(run(sandboxed, said("Расскажи о реке.", stream=True)))
    sandbox.settings.split = split
    assert text_of(run(sandboxed, said("Расскажи о реке.", stream=True))) == whole
