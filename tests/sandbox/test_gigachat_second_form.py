"""What the emulated second chat form refuses, and how: a rule of the reference each."""

from typing import Any

import pytest

from sandbox.server import Sandbox
from tests.sandbox.callers import GigaChatCaller

SYNTAX = "Your request contains invalid JSON syntax."
USER = {"role": "user", "content": [{"text": "Погода в Казани?"}]}
OPTIONS = "model_options"


def specification(name: str = "weather", **more: Any) -> dict[str, Any]:
    return {"name": name, "parameters": {"type": "object", "properties": {}}, **more}


def tools(*specifications: Any) -> dict[str, Any]:
    return {"tools": [{"functions": {"specifications": list(specifications or [specification()])}}]}


def said(*messages: Any) -> dict[str, Any]:
    return {"messages": list(messages)}


def call(identity: str = "one", **more: Any) -> dict[str, Any]:
    return {"function_call": {"id": identity, "name": "weather", "arguments": {}, **more}}


def result(identity: str = "one", value: Any = None, **more: Any) -> dict[str, Any]:
    body = {"id": identity, "name": "weather", "result": {} if value is None else value, **more}
    return {"role": "tool", "content": [{"function_result": body}]}


def turn(*parts: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(parts)}


def options(**fields: Any) -> dict[str, Any]:
    return {OPTIONS: fields}


REFUSED: dict[str, tuple[int, str, dict[str, Any]]] = {
    "content as text": (400, SYNTAX, said({"role": "user", "content": "Привет"})),
    "a part with a type": (422, "", said({"role": "user", "content": [{"type": "text", "text": ""}]})),
    "a part of two things": (400, SYNTAX, said({"role": "user", "content": [{"text": "", "files": []}]})),
    "an empty part": (400, SYNTAX, said({"role": "user", "content": [{}]})),
    "no messages": (400, SYNTAX, {"messages": None}),
    "a role of OpenAI's": (400, SYNTAX, said({"role": "developer", "content": [{"text": ""}]})),
    "system not first": (422, "first message", said(USER, {"role": "system", "content": [{"text": ""}]})),
    "sampling on the top level": (422, "temperature", {"temperature": 0.5}),
    "temperature zero": (422, "(0, +inf)", options(temperature=0)),
    "temperature as text": (400, SYNTAX, options(temperature="1")),
    "stream as text": (400, SYNTAX, {"stream": "true"}),
    "six logprobs": (422, "top_logprobs", options(top_logprobs=6)),
    "an unknown effort": (422, "effort", options(reasoning={"effort": "huge"})),
    "json_object": (400, 'Unknown type "json_object"', options(response_format={"type": "json_object"})),
    "no schema": (400, "Empty schema", options(response_format={"type": "json_schema"})),
    "text with a field": (422, "", options(response_format={"type": "text", "schema": {}})),
    "a reference in a schema": (
        422, "$ref", options(response_format={"type": "json_schema", "schema": {"$ref": "#"}})
    ),
    "a tool of OpenAI's": (400, SYNTAX, {"tools": [{"type": "function", "function": {}}]}),
    "an unknown tool": (404, "Unknown tool x", {"tools": [{"x": {}}]}),
    "the interpreter": (422, "code_interpreter is unavailable", {"tools": [{"code_interpreter": {}}]}),
    "a wrong name": (422, "Invalid function names", tools(specification("1st"))),
    "no parameters": (400, SYNTAX, tools({"name": "weather"})),
    "forced and not there": (
        422, "not in functions", tools() | {"tool_config": {"mode": "forced", "function_name": "x"}}
    ),
    "an unknown mode": (422, "mode", tools() | {"tool_config": {"mode": "required"}}),
    "arguments as text": (400, SYNTAX, said(USER, turn(call(arguments="{}")), result())),
    "a result without a name": (400, SYNTAX, said(USER, turn(call()), result(name=None))),
    "a result as plain text": (
        400, "invalid function result for function weather", said(USER, turn(call()), result(value="ok"))
    ),
    "a result as a list": (400, SYNTAX, said(USER, turn(call()), result(value=[1]))),
    "a call without its result": (422, "must have a result", said(USER, turn(call()), USER)),
    "one of two results": (422, "must have a result", said(USER, turn(call(), call("two")), result())),
    "a result without its call": (422, "must have an assistant function call", said(USER, result())),
    "a result of another id": (422, "must have an assistant", said(USER, turn(call()), result("two"))),
    "one id twice": (422, "must differ", said(USER, turn(call(), call()), result(), result())),
    "an unknown file": (422, "is not found", said({"role": "user", "content": [{"files": [{"id": "x"}]}]})),
    "storage": (422, "storage", {"storage": {}}),
    "an unknown model": (404, "No such model", {"model": "GigaChat-9"}),
}  # fmt: skip


def ask(gigachat: GigaChatCaller, **fields: Any) -> Any:
    body = {"model": "GigaChat-2-Max", "messages": [USER], **fields}
    return gigachat.chat({k: v for k, v in body.items() if v is not None}, base="/v2")


@pytest.mark.parametrize(("status", "text", "fields"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_wrong_is_refused(
    gigachat: GigaChatCaller, status: int, text: str, fields: dict[str, Any]
):
    response = ask(gigachat, **fields)
    assert (response.status_code, response.json()["status"]) == (status, status)
    assert text in response.json()["message"]


@pytest.mark.parametrize("path", ["/files", "/models", "/embeddings"])
def test_all_but_the_chat_is_a_page(gigachat: GigaChatCaller, path: str):
    response = gigachat.call("GET", path, base="/v2")
    assert (response.status_code, response.headers["content-type"]) == (403, "text/html")


def test_the_form_may_be_missing_whole(gigachat: GigaChatCaller, sandbox: Sandbox):
    sandbox.settings.gigachat_second_form = False
    assert ask(gigachat).headers["content-type"] == "text/html"


def test_a_call_bears_an_id_and_arguments_as_an_object_and_the_stream_ends_without_a_mark(
    gigachat: GigaChatCaller,
):
    whole = ask(gigachat, **tools(specification(description="Погода"))).json()
    [message] = whole["messages"]
    [part] = message["content"]
    assert set(part["function_call"]) == {"id", "name", "arguments"}
    assert message["tool_state_id"]
    assert (whole["finish_reason"], "choices" in whole, "id" in whole) == (
        "function_call",
        False,
        False,
    )
    streamed = ask(gigachat, stream=True).content.decode()
    names = [line for line in streamed.split("\n") if line.startswith("event: ")]
    assert names[-1] == "event: response.message.done"
    assert set(names[:-1]) == {"event: response.message.delta"}
    assert "[DONE]" not in streamed


def test_logprobs_and_a_regular_expression_are_given_where_they_are_wanted(
    gigachat: GigaChatCaller,
):
    [message] = ask(gigachat, **options(top_logprobs=2)).json()["messages"]
    assert message["content"][0]["logprobs"]
    wanted = {"type": "regex", "regex": "К[а-я]+"}
    [message] = ask(gigachat, **options(response_format=wanted)).json()["messages"]
    assert message["content"][0]["text"] == "Казани"
