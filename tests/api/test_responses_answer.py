"""OpenAI's Responses API: what is written of an answer, whole and in events."""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pydantic
import pytest
from openai.types import responses as typed

from gateway.api.dialects.openai_responses import OPENAI_RESPONSES, response_error
from gateway.api.errors import Failure
from gateway.api.schema.custom_tools import custom_input
from gateway.api.sse import COMMENT
from gateway.pipeline.execution.stream import (
    Completion,
    CompletionOutcome,
    CompletionStream,
    SettledUsage,
)
from gateway.providers.chat_types import (
    ChatChunk,
    FinishReason,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from gateway.providers.errors import ProviderProtocolError
from gateway.providers.tick import TICK, Tick
from tests.api.documented import check
from tests.api.responses_bodies import JSON, NAMESPACE, PATCH, SEARCH, TOOL


class Ended:
    """A completion that has ended: what a writer reads of a CompletionStream."""

    id = "gen-" + "0" * 31 + "7"
    created_s = 1794000000
    candidate = SimpleNamespace(
        model=SimpleNamespace(id="gigachat-2"), route=SimpleNamespace(provider="gigachat")
    )
    settled = SettledUsage(Usage(14, 6, 2, 1), 1_300_000)

    def __init__(
        self, finish: FinishReason, chunks: Sequence[ChatChunk | Tick], fails: bool
    ) -> None:
        self._fails = fails
        self.outcome = CompletionOutcome(finish, None, Usage(14, 6, 2, 1), 1_300_000)
        self._chunks = chunks

    def __iter__(self) -> Iterator[ChatChunk | Tick]:
        yield from self._chunks
        if self._fails:
            raise ProviderProtocolError("cut", provider="gigachat")


def ended(
    *chunks: ChatChunk | Tick, finish: FinishReason = "stop", fails: bool = False
) -> CompletionStream:
    return cast("CompletionStream", Ended(finish, chunks, fails))


def writer(**fields: Any) -> Any:
    body = {"model": "gigachat-2", "input": "Привет"} | fields
    return OPENAI_RESPONSES.read(body, is_strict=False)[1]


def events_of(body: bytes) -> list[JSON]:
    """Return the events of a stream, comments left out, after checking what is true of each."""
    events: list[JSON] = []
    for frame in body.decode().strip().split("\n\n"):
        if frame.startswith(":"):
            continue
        name, _, data = frame.removeprefix("event: ").partition("\ndata: ")
        event = orjson.loads(data)
        check(event, "ResponsesEvent")
        assert (event["type"], event["sequence_number"]) == (name, len(events))
        _STRICT_EVENT.validate_python(event)
        events.append(event)
    return events


_STRICT_EVENT: Any = pydantic.TypeAdapter(typed.ResponseStreamEvent)
THOUGHT = ChatChunk(reasoning="Хм.")
CALLS = (
    ChatChunk(tool_calls=(ToolCallDelta(0, "a", "get_weather", '{"city":'),)),
    ChatChunk(tool_calls=(ToolCallDelta(0, arguments='"Томск"}'),)),
    ChatChunk(tool_calls=(ToolCallDelta(1, "b", "now"),)),
    ChatChunk(tool_calls=(ToolCallDelta(2, "c", "apply_patch", '{"input": "*** Be'),)),
    ChatChunk(tool_calls=(ToolCallDelta(2, arguments='gin"}'),)),
)


def test_items_come_one_after_the_other_and_the_end_repeats_them() -> None:
    stream = ended(
        TICK, THOUGHT, ChatChunk(text="Смот"), TICK, ChatChunk(text="рю."), *CALLS,
        finish="tool_calls",
    )  # fmt: skip
    body = b"".join(writer(tools=[TOOL, PATCH]).events(stream))
    events = events_of(body)

    assert body.count(COMMENT) == 2
    added, done = "response.output_item.added", "response.output_item.done"
    assert [event["type"].removeprefix("response.") for event in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "output_item.added",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "output_item.done",
        "completed",
    ]
    whole = events[-1]["response"]
    assert whole["output"] == [event["item"] for event in events if event["type"] == done]
    assert [event["item"]["id"] for event in events if event["type"] == added] == [
        item["id"] for item in whole["output"]
    ]
    _, message, weather, now, patch = whole["output"]
    assert message["content"][0]["text"] == "Смотрю."
    assert (weather["call_id"], weather["arguments"]) == ("a", '{"city":"Томск"}')
    assert now["arguments"] == "{}"
    assert (patch["type"], patch["call_id"], patch["input"]) == (
        "custom_tool_call",
        "c",
        "*** Begin",
    )
    assert whole["usage"] == {
        "input_tokens": 14,
        "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
        "output_tokens": 6,
        "output_tokens_details": {"reasoning_tokens": 1},
        "total_tokens": 20,
        "cost": 0.0013,
    }
    completion = Completion(
        "Смотрю.",
        "Хм.",
        (
            ToolCall("a", "get_weather", '{"city":"Томск"}'),
            ToolCall("b", "now", ""),
            ToolCall("c", "apply_patch", '{"input": "*** Begin"}'),
        ),
    )
    plain = orjson.loads(
        orjson.dumps(writer(tools=[TOOL, PATCH]).answer(completion, ended(finish="tool_calls")))
    )
    assert plain | {"completed_at": 0} == whole | {"completed_at": 0}


def begun_events(failing: Any, *chunks: ChatChunk) -> list[bytes]:
    """Return the events of a stream that breaks behind the chunks."""
    events: list[bytes] = []

    def take() -> None:
        for event in failing.events(ended(*chunks, fails=True)):
            events.append(event)  # what comes before the failure is kept

    with pytest.raises(ProviderProtocolError):
        take()
    return events


@pytest.mark.parametrize(
    ("finish", "status", "reason", "item_status"),
    [
        ("stop", "completed", None, "completed"),
        ("length", "incomplete", "max_output_tokens", "incomplete"),
        ("content_filter", "incomplete", "content_filter", "incomplete"),
    ],
)
def test_the_end_says_why(
    finish: FinishReason, status: str, reason: str | None, item_status: str
) -> None:
    *_, last = events_of(b"".join(writer().events(ended(ChatChunk(text="Да"), finish=finish))))

    response = last["response"]
    assert (last["type"], response["status"]) == (f"response.{status}", status)
    assert response["incomplete_details"] == ({"reason": reason} if reason else None)
    assert [item["status"] for item in response["output"]] == [item_status]
    assert (response["completed_at"] is None) == (status == "incomplete")


def test_a_refusal_is_a_part_of_its_own() -> None:
    refused = ended(ChatChunk(refusal="Не "), ChatChunk(refusal="могу."))
    events = events_of(b"".join(writer().events(refused)))

    assert [event["type"].removeprefix("response.") for event in events[3:-2]] == [
        "content_part.added",
        "refusal.delta",
        "refusal.delta",
        "refusal.done",
        "content_part.done",
    ]
    whole = events[-1]["response"]
    [message] = whole["output"]
    assert message["content"] == [{"type": "refusal", "refusal": "Не могу."}]
    completion = Completion("", "", (), refusal="Не могу.")
    plain = orjson.loads(orjson.dumps(writer().answer(completion, ended())))
    check(plain, "ResponseObject")
    assert plain | {"completed_at": 0} == whole | {"completed_at": 0}


def test_an_empty_answer_is_one_empty_message() -> None:
    [*_, last] = events_of(b"".join(writer().events(ended())))

    [item] = last["response"]["output"]
    assert item["content"] == [
        {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    ]


def test_a_failure_in_the_middle_keeps_what_was_said_and_runs_no_call() -> None:
    failing = writer(tools=[TOOL])
    begun = begun_events(failing, ChatChunk(text="Да"), *CALLS[:1])
    failure = Failure(502, "provider_error", "Why.", metadata={"provider_name": "gigachat"})
    *events, last = events_of(b"".join([*begun, failing.failure_event(failure)]))

    assert [e["item"]["type"] for e in events if e["type"].endswith("item.done")] == ["message"]
    response = last["response"]
    assert (last["type"], response["status"]) == ("response.failed", "failed")
    assert response["error"]["code"] == "server_error"
    assert response["error"]["metadata"]["code"] == "provider_error"
    assert response["usage"]["cost"] == 0.0013


@pytest.mark.parametrize(
    ("status", "code", "shown"),
    [
        (429, "provider_busy", "rate_limit_exceeded"),
        (504, "provider_timeout", "server_error"),
        (400, "invalid_request", "invalid_prompt"),
    ],
)
def test_a_failure_before_anything_is_known_is_an_error_event(
    status: int, code: str, shown: str
) -> None:
    [event] = events_of(writer().failure_event(Failure(status, code, "Why.", "input")))

    assert (event["code"], event["message"], event["param"]) == (code, "Why.", "input")
    failing = writer()
    begun = begun_events(failing, ChatChunk(text="Да"))
    *_, last = events_of(b"".join([*begun, failing.failure_event(Failure(status, code, "Why."))]))
    assert last["response"]["error"]["code"] == shown


def test_a_code_that_openai_has_none_for_is_our_own() -> None:
    assert response_error(Failure(401, "invalid_api_key", "Why."))["code"] == "invalid_api_key"


def test_pieces_of_calls_that_are_mixed_fail_loudly() -> None:
    mixed = ended(CALLS[0], CALLS[2], CALLS[1])

    with pytest.raises(ProviderProtocolError):
        list(writer(tools=[TOOL]).events(mixed))


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ('{"input": "a\\nb"}', "a\nb"),
        ('{"patch": "a"}', "a"),
        ('"a"', "a"),
        ("a b", "a b"),
        ('{"input": {"a": 1}}', '{"a":1}'),
        ('{"input": "a', '{"input": "a'),
        ("[1]", "[1]"),
        ("", ""),
    ],
)
def test_a_custom_tool_is_given_what_text_there_is(arguments: str, given: str) -> None:
    assert custom_input(arguments) == given


def test_the_answer_repeats_what_was_asked() -> None:
    fields = {
        "instructions": "Кратко.",
        "max_output_tokens": 7,
        "metadata": {"a": "b"},
        "parallel_tool_calls": False,
        "reasoning": {"effort": "low", "summary": None},
        "temperature": 0.5,
        "text": {"format": {"type": "json_object"}, "verbosity": "low"},
        "tool_choice": {"type": "function", "name": "get_weather"},
        "tools": [TOOL, PATCH, SEARCH, NAMESPACE],
        "top_p": 0.9,
        "truncation": "auto",
        "user": "u",
    }

    answer = writer(store=True, **fields).answer(Completion("Да.", "", ()), ended())
    body = orjson.loads(orjson.dumps(answer))

    assert {name: body[name] for name in fields} == fields
    assert body["store"] is False
    check(body, "ResponseObject")
    typed.Response.model_validate(body, strict=True)


def test_long_numbers_of_what_was_asked_keep_their_digits() -> None:
    schema = {"type": "object", "properties": {"account": {"const": 40817810099910004312}}}
    text = {"format": {"type": "json_schema", "name": "account", "schema": schema}}
    tools = [{"type": "function", "name": "pay", "parameters": schema}]
    asked = writer(text=text, tools=tools)

    assert (
        orjson.dumps(asked.answer(Completion("Да.", "", ()), ended())).count(
            b"40817810099910004312"
        )
        == 2
    )
    assert b"".join(asked.events(ended())).count(b"40817810099910004312") == 6
