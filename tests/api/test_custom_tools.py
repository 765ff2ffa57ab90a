"""Custom tools of chat completions, and a choice of the tools that alone are allowed."""

from collections.abc import Iterator
from typing import Any, cast

import orjson
import pytest
from django.test import Client

from billing.ledger.process_heartbeat import heartbeat
from gateway import upstreams
from gateway.api.schema.chat_request import read_completion_request
from gateway.pipeline.errors import InvalidParameter
from gateway.pipeline.request import CompletionRequest
from gateway.providers.chat_types import NamedTool
from sandbox.server import Sandbox
from tests.accounts.people import new_key
from tests.api.documented import check
from tests.api.sdk_transport import sdk
from tests.live.callers import events_in

ASKED: list[dict[str, Any]] = [{"role": "user", "content": "Вызови shell"}]
SHELL = {"type": "custom", "custom": {"name": "shell", "description": "Выполняет команду"}}
CLOCK = {"type": "function", "function": {"name": "clock"}}
WEATHER = {"type": "function", "function": {"name": "get_weather"}}
SHELL_CHOICE = {"type": "custom", "custom": {"name": "shell"}}


@pytest.fixture
def sandbox(transactional_db: None) -> Iterator[Sandbox]:
    """Return what answers test keys; the hold of a request is committed by a thread of its own."""
    yield upstreams.sandbox()
    heartbeat.stop()  # its thread would go to the database of other tests


def _read(**fields: Any) -> CompletionRequest:
    return read_completion_request({"model": "m", "messages": ASKED, **fields}, is_strict=False)


def _allowed(mode: str, *tools: dict[str, Any]) -> dict[str, Any]:
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": list(tools)}}


def test_a_custom_tool_is_a_function_of_one_text() -> None:
    order = _read(tools=[SHELL, CLOCK], tool_choice=SHELL_CHOICE)

    shell, clock = order.request.tools
    assert (shell.name, shell.description, clock.name) == ("shell", "Выполняет команду", "clock")
    assert shell.parameters["required"] == ["input"]
    assert order.request.tool_choice == NamedTool("shell")
    assert order.ignored == ()


def test_a_grammar_is_told_in_words() -> None:
    grammar = {"syntax": "lark", "definition": 'start: "ls"'}
    custom = {"name": "shell", "format": {"type": "grammar", "grammar": grammar}}

    [tool] = _read(tools=[{"type": "custom", "custom": custom}]).request.tools

    assert "lark grammar" in tool.description
    assert grammar["definition"] in tool.description


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{"type": "custom"}]}, "tools[0].custom"),
        ({"tools": [{"type": "custom", "custom": {}}]}, "tools[0].custom.name"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{}]}, "tools[0].function"),
        ({"tools": [SHELL, SHELL]}, "tools"),
        ({"tools": [CLOCK], "tool_choice": SHELL_CHOICE}, "tool_choice"),
        ({"tools": [CLOCK], "tool_choice": _allowed("auto", WEATHER)}, "tool_choice"),
        ({"tools": [CLOCK], "tool_choice": _allowed("required")}, "tool_choice"),
        ({"tools": [CLOCK], "tool_choice": _allowed("never", CLOCK)}, "tool_choice"),
    ],
)
def test_a_wrong_tool_is_refused_by_its_field(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidParameter) as refusal:
        _read(**fields)

    assert refusal.value.param == param


def test_what_belongs_to_another_kind_of_tool_is_named() -> None:
    both = {"function": {"name": "clock"}, "custom": {"name": "shell"}}

    assert _read(tools=[both]).ignored == ("tools[0].custom",)
    assert _read(tools=[both | {"type": "custom"}]).ignored == ("tools[0].function",)


@pytest.mark.parametrize("mode", ["auto", "required"])
def test_the_allowed_tools_alone_are_offered(mode: str) -> None:
    order = _read(tools=[CLOCK, WEATHER, SHELL], tool_choice=_allowed(mode, SHELL, CLOCK))

    assert [tool.name for tool in order.request.tools] == ["clock", "shell"]
    assert order.request.tool_choice == mode
    assert order.ignored == ()


@pytest.mark.parametrize("model", ["gigachat-pro", "yandexgpt", "qwen3.6-35b-a3b"])
def test_its_call_comes_back_with_a_text_and_the_dialogue_goes_on(
    sandbox: Sandbox, model: str
) -> None:
    client = sdk(new_key(is_test=True)[1])
    tools: Any = [SHELL, CLOCK]

    answer = client.chat.completions.create(
        model=model, messages=cast("Any", ASKED), tools=tools, tool_choice=cast("Any", SHELL_CHOICE)
    )

    [choice] = answer.choices
    assert choice.finish_reason == "tool_calls"
    [call] = choice.message.tool_calls or []
    assert call.type == "custom"
    assert call.custom.name == "shell"
    assert not call.custom.input.startswith("{")
    check(orjson.loads(answer.to_json()), "ChatCompletion")
    history = [*ASKED, choice.message.to_dict()]
    history.append({"role": "tool", "tool_call_id": call.id, "content": "a.txt"})
    last = client.chat.completions.create(model=model, messages=cast("Any", history), tools=tools)
    assert "a.txt" in (last.choices[0].message.content or "")


@pytest.mark.parametrize("model", ["gigachat-pro", "yandexgpt"])
def test_its_streamed_call_comes_whole(sandbox: Sandbox, model: str) -> None:
    body = {
        "model": model,
        "messages": ASKED,
        "tools": [SHELL],
        "tool_choice": "required",
        "stream": True,
    }
    headers = {"Authorization": f"Bearer {new_key(is_test=True)[1]}"}

    answer: Any = Client().post(
        "/v1/chat/completions", orjson.dumps(body), "application/json", headers=headers
    )

    events = events_in(answer.getvalue())
    for event in events:
        check(event, "ChatCompletionChunk")
    deltas = [event["choices"][0]["delta"] for event in events]
    [call] = [call for delta in deltas for call in delta.get("tool_calls", ())]
    assert (call["index"], call["type"], call["custom"]["name"]) == (0, "custom", "shell")
    assert call["id"]
    assert events[-1]["choices"][0]["finish_reason"] == "tool_calls"
