"""What the emulated OpenAI-compatible server refuses: one failing request per rule."""

from typing import Any

import pytest

from sandbox.server import Sandbox
from tests.sandbox.openai_caller import USER, OpenAICaller, chat_body

SYSTEM = {"role": "system", "content": "Кратко."}
CALL = {"id": "call_1", "type": "function", "function": {"name": "tram", "arguments": "{}"}}
CALLS = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "12:05"}
FUNCTION = {"name": "tram", "description": "Когда трамвай", "parameters": {"type": "object"}}
TOOL = {"type": "function", "function": FUNCTION}
SCHEMA = {"name": "n", "schema": {"type": "object"}}


def messages(*turns: Any) -> dict[str, Any]:
    return {"messages": list(turns)}


def user(*parts: Any, **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts), **fields}]}


def image(url: Any, **fields: Any) -> dict[str, Any]:
    parts = user({"type": "image_url", "image_url": {"url": url, **fields}})
    return {"model": "gemma-3-27b-it", **parts}


def tools(choice: Any = ..., **changes: Any) -> dict[str, Any]:
    return {"tools": [{**TOOL, "function": {**FUNCTION, **changes}}], "tool_choice": choice}


def calls(**changes: Any) -> dict[str, Any]:
    call = {**CALL, "function": {**CALL["function"], **changes}}  # type: ignore[dict-item]
    return messages(USER, {**CALLS, "tool_calls": [call]}, RESULT)


def wanting(**json_schema: Any) -> dict[str, Any]:
    inner = {name: value for name, value in {**SCHEMA, **json_schema}.items() if value is not ...}
    return {"response_format": {"type": "json_schema", "json_schema": inner}}


BAD_REQUESTS: dict[str, dict[str, Any]] = {
    "model missing": {"model": ...},
    "model a number": {"model": 5},
    "model of embeddings": {"model": "bge-m3"},
    "unknown field": {"session_id": "x"},
    "unknown field of another vendor": {"modelUri": "gpt://x/y"},
    "messages missing": {"messages": ...},
    "messages empty": messages(),
    "messages a text": {"messages": "Привет"},
    "a message that is text": messages("Привет"),
    "role missing": messages({"content": "Привет"}),
    "role unknown": messages({"role": "function", "content": "Привет", "name": "f"}),
    "system not first": messages(USER, SYSTEM),
    "system twice": messages(SYSTEM, SYSTEM, USER),
    "content missing": messages({"role": "user"}),
    "content null": messages({"role": "user", "content": None}),
    "content null of an assistant without calls": messages(
        USER, {"role": "assistant", "content": None}
    ),
    "content a number": messages({"role": "user", "content": 5}),
    "content of no parts": user(),
    "part without a type": user({"text": "Привет"}),
    "part of an unknown type": user({"type": "video_url", "video_url": {"url": "x"}}),
    "part of an empty text": user({"type": "text", "text": ""}),
    "part with more than its type": user({"type": "text", "text": "?", "cache_control": {}}),
    "message with an unknown field": messages({**USER, "images": []}),
    "name a number": messages({**USER, "name": 5}),
    "image for a model without eyes": {**image("data:image/png;base64,AA=="), "model": "qwen3-8b"},
    "image from afar": image("https://example.com/cat.png"),
    "image of no base64": image("data:image/png;base64,***"),
    "image of no image": image("data:text/plain;base64,AA=="),
    "image of unknown detail": image("data:image/png;base64,AA==", detail="huge"),
    "image of an assistant": messages(
        USER, {"role": "assistant", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}
    ),
    "result without a call": messages(USER, RESULT),
    "result of another call": messages(USER, CALLS, {**RESULT, "tool_call_id": "call_2"}),
    "result twice": messages(USER, CALLS, RESULT, RESULT),
    "result without an id": messages(USER, CALLS, {"role": "tool", "content": "12:05"}),
    "result that is no text": messages(USER, CALLS, {**RESULT, "content": {"at": "12:05"}}),
    "result with a name": messages(USER, CALLS, {**RESULT, "name": "tram"}),
    "call without a result": messages(USER, CALLS),
    "call whose result comes late": messages(USER, CALLS, USER, RESULT),
    "call of a user": messages({**CALLS, "role": "user"}, RESULT),
    "calls empty": messages(USER, {**CALLS, "content": "?", "tool_calls": []}),
    "calls with one id": messages(USER, {**CALLS, "tool_calls": [CALL, CALL]}, RESULT),
    "call without a type": messages(
        USER, {**CALLS, "tool_calls": [{k: v for k, v in CALL.items() if k != "type"}]}, RESULT
    ),
    "call with an index": messages(USER, {**CALLS, "tool_calls": [{**CALL, "index": 0}]}, RESULT),
    "call of a name with blanks": calls(name="tram times"),
    "call whose arguments are an object": calls(arguments={}),
    "call whose arguments are no json": calls(arguments="{"),
    "call whose arguments are a list": calls(arguments="[]"),
    "stream a text": {"stream": "true"},
    "stream null": {"stream": None},
    "stream options without a stream": {"stream_options": {"include_usage": True}},
    "stream options unknown": {"stream": True, "stream_options": {"usage": True}},
    "stream options a flag": {"stream": True, "stream_options": True},
    "max_tokens zero": {"max_tokens": 0},
    "max_tokens a fraction": {"max_tokens": 1.5},
    "max_tokens null": {"max_tokens": None},
    "temperature below 0": {"temperature": -0.1},
    "temperature above 2": {"temperature": 2.1},
    "temperature a text": {"temperature": "1"},
    "temperature true": {"temperature": True},
    "top_p 0": {"top_p": 0},
    "top_p above 1": {"top_p": 1.1},
    "min_p above 1": {"min_p": 1.1},
    "top_k below -1": {"top_k": -2},
    "top_k a fraction": {"top_k": 1.5},
    "seed a fraction": {"seed": 0.5},
    "frequency_penalty above 2": {"frequency_penalty": 2.1},
    "presence_penalty below -2": {"presence_penalty": -2.1},
    "repetition_penalty 0": {"repetition_penalty": 0},
    "logit_bias too strong": {"logit_bias": {"5": 101}},
    "logit_bias of a word": {"logit_bias": {"да": 1}},
    "logit_bias a list": {"logit_bias": []},
    "logprobs": {"logprobs": True},
    "top_logprobs": {"top_logprobs": 2},
    "n above 1": {"n": 2},
    "stop a number": {"stop": 5},
    "stop empty": {"stop": [""]},
    "user a number": {"user": 5},
    "reasoning_effort unknown": {"reasoning_effort": "huge"},
    "tools empty": {"tools": []},
    "tools an object": {"tools": {"function": FUNCTION}},
    "tool without a type": {"tools": [{"function": FUNCTION}]},
    "tool not wrapped": {"tools": [{"type": "function", **FUNCTION}]},
    "tools of one name": {"tools": [TOOL, TOOL]},
    "tool name with a dot": tools(name="tram.times"),
    "tool name too long": tools(name="x" * 65),
    "tool description null": tools(description=None),
    "tool parameters no schema": tools(parameters={"type": "nonsense"}),
    "tool strict a text": tools(strict="yes"),
    "tool choice unknown": tools("any"),
    "tool choice of a tool that is not there": tools(
        {"type": "function", "function": {"name": "bus"}}
    ),
    "tool choice by name alone": tools({"name": "tram"}),
    "tool choice without tools": {"tool_choice": "auto"},
    "parallel calls without tools": {"parallel_tool_calls": True},
    "parallel calls a text": {**tools(), "parallel_tool_calls": "no"},
    "format unknown": {"response_format": {"type": "json"}},
    "format a text": {"response_format": "json_object"},
    "format with the schema right in it": {
        "response_format": {"type": "json_schema", "schema": {"type": "object"}}
    },
    "schema without a name": wanting(name=...),
    "schema of a name with blanks": wanting(name="my answer"),
    "schema that is none": wanting(schema={"type": "nonsense"}),
    "schema of unknown fields": wanting(mode="strict"),
    "prompt too long": {"messages": [{"role": "user", "content": "слово " * 40_000}]},
    "answer too long": {"max_tokens": 32_768},
}


@pytest.mark.parametrize("changes", BAD_REQUESTS.values(), ids=BAD_REQUESTS)
def test_a_wrong_request_is_refused(openai: OpenAICaller, changes: dict[str, Any]) -> None:
    response = openai.chat(chat_body(**changes))
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["code"]) == ("BadRequestError", 400)
    assert error["message"]


GOOD_REQUESTS: dict[str, dict[str, Any]] = {
    "all parameters": {
        "temperature": 2, "top_p": 1, "top_k": -1, "min_p": 0, "seed": -1, "stop": "Конец",
        "frequency_penalty": -2, "presence_penalty": 2, "repetition_penalty": 2, "n": 1,
        "logit_bias": {"5": -100}, "logprobs": False, "user": "u", "reasoning_effort": "low",
        "max_tokens": 100,
    },
    "a conversation": messages(
        SYSTEM, USER, USER, {"role": "assistant", "content": "Восемь"}, CALLS, RESULT, USER
    ),
    "the same id in another turn": messages(USER, CALLS, RESULT, CALLS, RESULT),
    "a name": messages({**USER, "name": "anna"}),
    "words beside a call": messages(USER, {**CALLS, "content": "Смотрю."}, RESULT),
    "parts of text": user({"type": "text", "text": "Сколько"}, {"type": "text", "text": "планет?"}),
    "a tool": tools("auto", strict=True),
    "a tool without parameters": {"tools": [{"type": "function", "function": {"name": "tram"}}]},
    "a schema": wanting(strict=True, description="Ответ"),
    "text": {"response_format": {"type": "text"}},
}  # fmt: skip


@pytest.mark.parametrize("changes", GOOD_REQUESTS.values(), ids=GOOD_REQUESTS)
def test_a_good_request_is_taken(openai: OpenAICaller, changes: dict[str, Any]) -> None:
    response = openai.chat(chat_body(**changes))
    assert response.status_code == 200, response.text


def test_unknown_fields_may_pass(openai: OpenAICaller, sandbox: Sandbox) -> None:
    sandbox.settings.strict = False
    assert openai.chat(chat_body(session_id="x")).status_code == 200


@pytest.mark.parametrize("header", [None, "Bearer wrong", "sk-sandbox", "Basic eDp5"])
def test_only_the_key_opens(openai: OpenAICaller, header: str | None) -> None:
    response = openai.chat(chat_body(), headers={"Authorization": header})
    assert (response.status_code, response.json()) == (401, {"error": "Unauthorized"})


def test_a_model_that_is_not_there_is_not_found(openai: OpenAICaller) -> None:
    for response in (
        openai.chat(chat_body(model="gpt-4")),
        openai.call("GET", "/models/gpt-4"),
        openai.call("POST", "/embeddings", json={"model": "gpt-4", "input": "а"}),
    ):
        assert response.status_code == 404
        assert response.json()["error"]["type"] == "NotFoundError"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/chat/completions", 405),
        ("GET", "/embeddings", 405),
        ("POST", "/models", 405),
        ("POST", "/completions", 404),
        ("GET", "/../v2/models", 404),
    ],
)
def test_other_paths_and_methods_are_refused(
    openai: OpenAICaller, method: str, path: str, status: int
) -> None:
    response = openai.call(method, path)
    assert response.status_code == status
    assert set(response.json()) == {"detail"}


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'"\xff"', "application/json"),
        (b'{"model": NaN}', "application/json"),
        (b"{}", "text/plain"),
        (b"model=qwen3-8b", "application/x-www-form-urlencoded"),
    ],
)
def test_what_is_no_json_object_is_refused(openai: OpenAICaller, data: bytes, kind: str) -> None:
    headers: dict[str, str | None] = {"Content-Type": kind}
    response = openai.call("POST", "/chat/completions", data=data, headers=headers)
    assert response.status_code == 400
    assert response.json()["error"]["message"]


@pytest.mark.parametrize(
    "changes",
    [
        {"input": None},
        {"input": []},
        {"input": ""},
        {"input": ["а", ""]},
        {"input": [1, 2]},
        {"input": "слово " * 10_000},
        {"model": "qwen3-8b"},
        {"encoding_format": "base64"},
        {"dimensions": 5},
    ],
)
def test_wrong_embeddings_are_refused(openai: OpenAICaller, changes: dict[str, Any]) -> None:
    body = {"model": "bge-m3", "input": "а", **changes}
    response = openai.call("POST", "/embeddings", json=body)
    assert response.status_code == 400, response.text
    assert response.json()["error"]["code"] == 400


def test_too_long_a_prompt_names_the_context(openai: OpenAICaller) -> None:
    response = openai.chat(chat_body("слово " * 40_000))
    assert "maximum context length is 32768 tokens" in response.json()["error"]["message"]
