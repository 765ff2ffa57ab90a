"""What a chat body may say, and how each wrong field is refused by its name."""

import base64
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.api.dialects.openai_completions import OPENAI_COMPLETIONS
from gateway.api.schema.chat_request import (
    ChatCompletionRequest,
    read_completion_request,
    wants_usage_chunk,
)
from gateway.api.schema.parsing import MAX_NAME_CHARACTERS, MAX_UNKNOWN_PATHS
from gateway.pipeline.errors import InvalidParameter, RequestRefused, UnsupportedContent
from gateway.pipeline.request import CompletionRequest, parts
from gateway.providers.chat_types import Image, Message, NamedTool, ToolCall

HELLO = [{"role": "user", "content": "Привет"}]


def _order(**fields: Any) -> CompletionRequest:
    return read_completion_request(
        {"model": "gigachat-pro", "messages": HELLO} | fields, is_strict=False
    )


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 5}, "model"),
        ({"model": "x" * 10_000}, "model"),
        ({"models": ["a"] * 100}, "models"),
        ({"messages": []}, "messages"),
        ({"messages": "Привет"}, "messages"),
        ({"messages": HELLO * 3000}, "messages"),
        ({"messages": None}, "messages"),
        ({"prompt": "и то, и другое"}, "messages"),
        ({"messages": ["Привет"]}, "messages[0]"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": 5, "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "x"}]}]},
            "messages[0].content[0].type",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": {}}]}]},
            "messages[0].content[0].type",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages[0].content[0].image_url",
        ),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_tokens": 10**12}, "max_tokens"),
        ({"max_completion_tokens": "many"}, "max_completion_tokens"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": 2}, "top_p"),
        ({"n": 1000}, "n"),
        ({"n": 21}, "n"),
        ({"n": 0}, "n"),
        ({"n": -1}, "n"),
        ({"n": 1.5}, "n"),
        ({"n": 11, "messages": None, "prompt": ["раз", "два"]}, "n"),
        ({"frequency_penalty": 9}, "frequency_penalty"),
        ({"presence_penalty": -9}, "presence_penalty"),
        ({"seed": 2.0**80}, "seed"),
        ({"stop": ["x"] * 1000}, "stop"),
        ({"stop": "x" * 1024}, "stop"),
        ({"stop": [""]}, "stop"),
        ({"logit_bias": {str(token): 1 for token in range(100_000)}}, "logit_bias"),
        ({"logit_bias": {"50256": 500}}, "logit_bias.50256"),
        ({"stream": "maybe"}, "stream"),
        ({"user": "a\r\nSet-Cookie: b"}, "user"),
        ({"user": "x" * 10_000}, "user"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"metadata": "text"}, "metadata"),
        ({"metadata": {"a\r\nX: y": "b"}}, "metadata"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}] * 1000}, "tools"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tools": [{"type": "retrieval"}]}, "tools[0].type"),
        ({"tools": [7]}, "tools[0]"),
        ({"seed": "--5"}, "seed"),
        (
            {
                "tools": [
                    {
                        "type": "function",
                        "function": {"name": "f", "parameters": {"description": "x" * 200_000}},
                    }
                ]
            },
            "tools[0].function.parameters",
        ),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "g"}}}, "tool_choice"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema"),
        ({"provider": {"sort": "beauty"}}, "provider.sort"),
        ({"provider": {"only": 5}}, "provider.only"),
        ({"provider": {"max_price": {"prompt": "cheap"}}}, "provider.max_price.prompt"),
        ({"provider": []}, "provider"),
        ({"route": "scenic"}, "route"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(fields: dict[str, Any], param: str | None) -> None:
    with pytest.raises(RequestRefused) as refusal:
        _order(**fields)

    assert refusal.value.param == param


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"messages": [{"role": "user", "content": 5}]}, "must be a text or a list."),
        ({"messages": [{"role": "user", "content": {"a": 1}}]}, "must be a text or a list."),
        ({"messages": "Привет"}, "must be a list."),
        ({"messages": HELLO * 3000}, "must be a list of 2048 items at most."),
        ({"tools": {}}, "must be a list."),
        ({"tools": "x" * 600_000}, "must be a list."),
        ({"model": 5}, "must be a text."),
        ({"model": "x" * 10_000}, "must be a text of 128 characters at most."),
        ({"stop": 5}, "must be a text or a list of texts."),
        ({"stop": ["x"] * 1000}, "must be a list of 4 items at most."),
    ],
)
def test_the_size_is_told_only_where_it_is_the_fault(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidParameter) as refusal:
        _order(**fields)

    assert str(refusal.value) == f"{refusal.value.param} {words}"


def test_a_schema_that_is_too_deep_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(40):
        schema = {"properties": {"a": schema}}

    with pytest.raises(InvalidParameter, match="deeper"):
        _order(response_format={"type": "json_schema", "json_schema": {"schema": schema}})


@pytest.mark.parametrize("name", ["stream_options", "usage"])
def test_options_of_a_wrong_type_are_refused(name: str) -> None:
    with pytest.raises(InvalidParameter) as refusal:
        wants_usage_chunk({name: "yes"})

    assert refusal.value.param == name


def test_null_is_the_absence_of_a_field() -> None:
    fields = dict.fromkeys(["temperature", "stop", "tools", "response_format", "stream", "user"])

    assert _order(**fields).request == _order().request


def test_texts_are_read_as_numbers_where_nothing_is_lost() -> None:
    request = _order(max_tokens="100", temperature="0.7", stream="true", n=1.0).request

    assert (request.max_tokens, request.temperature, request.stream, request.n) == (
        100,
        0.7,
        True,
        1,
    )


@pytest.mark.parametrize("fields", [{"n": 20}, {"n": 10, "messages": None, "prompt": ["а", "б"]}])
def test_a_request_has_twenty_choices_at_most(fields: dict[str, Any]) -> None:
    assert len(parts(_order(**fields).request)) == 20


def test_the_newer_name_of_the_answers_limit_wins() -> None:
    assert _order(max_tokens=5, max_completion_tokens=7).request.max_tokens == 7


@pytest.mark.parametrize(
    ("fields", "session_id"),
    [
        ({"user": "anna"}, "anna"),
        ({"user": "anna", "prompt_cache_key": "b", "session_id": ""}, "b"),
        ({"user": "anna", "session_id": "c"}, "c"),
        ({"user": ""}, None),
    ],
)
def test_the_dialogue_is_named_by_the_most_exact_of_its_names(
    fields: dict[str, Any], session_id: str | None
) -> None:
    assert _order(**fields).request.session_id == session_id


def test_developer_is_system_and_text_parts_are_joined() -> None:
    parts = [{"type": "text", "text": "раз"}, {"type": "text", "text": "два"}]

    request = _order(messages=[{"role": "developer", "content": parts}]).request

    assert request.messages == (Message("system", "раз\nдва"),)


def test_prompt_stands_for_one_message_of_the_user() -> None:
    completion_request = read_completion_request(
        {"model": "m", "prompt": "Привет"}, is_strict=False
    )

    assert completion_request.request.messages == (Message("user", "Привет"),)


@pytest.mark.parametrize("fields", [{}, {"prompt": None}, {"prompt": []}])
def test_completions_without_a_prompt_are_refused_by_its_name(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameter, match="prompt is missing") as refusal:
        OPENAI_COMPLETIONS.read({"model": "m"} | fields, is_strict=False)

    assert refusal.value.param == "prompt"


def test_a_tools_result_knows_the_name_of_its_call() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}

    messages = _order(
        messages=[
            *HELLO,
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "ok"},
        ]
    ).request.messages

    assert messages[1].tool_calls == (ToolCall("c1", "f", '{"a":1}'),)
    assert (messages[2].tool_call_id, messages[2].name) == ("c1", "f")


def _carried(*messages: dict[str, Any]) -> tuple[Message, ...]:
    return _order(messages=[*HELLO, *messages]).request.messages[1:]


@pytest.mark.parametrize("role", ["king", "model", "ipython", "User", "image_url", "file"])
def test_a_turn_of_an_unknown_role_is_the_users_with_the_role_before_the_text(role: str) -> None:
    assert _carried({"role": role, "content": "x"}) == (Message("user", f"{role}: x"),)


@pytest.mark.parametrize("role", ["system", "user", "assistant"])
@pytest.mark.parametrize("fields", [{}, {"content": None}, {"content": []}, {"tool_calls": []}])
def test_a_turn_without_content_is_empty(role: Any, fields: dict[str, Any]) -> None:
    assert _carried({"role": role} | fields) == (Message(role, ""),)


@pytest.mark.parametrize(
    ("name", "read"), [(None, None), ("", None), ("Анна\n", "Анна\n"), (7, "7"), ("x" * 999,) * 2]
)
def test_a_name_is_whatever_it_was(name: Any, read: str | None) -> None:
    assert _carried({"role": "user", "content": "x", "name": name})[0].name == read


@pytest.mark.parametrize(
    ("call", "read"),
    [
        ({"id": "a", "function": {"name": "f", "arguments": '{"a'}}, ToolCall("a", "f", '{"a')),
        (
            {"id": "a", "function": {"name": "f", "arguments": {"a": 1}}},
            ToolCall("a", "f", '{"a":1}'),
        ),
        ({"id": None, "type": None, "function": {"name": ""}}, ToolCall("", "", "{}")),
        ({"id": 7, "type": "x", "function": {"name": "f\n"}}, ToolCall("7", "f\n", "{}")),
        ({"id": "a", "function": None}, ToolCall("a", "", "{}")),
        (
            {"id": "a", "type": "custom", "custom": {"name": "py", "input": "1+1"}},
            ToolCall("a", "py", '{"input":"1+1"}'),
        ),
    ],
)
def test_a_call_is_carried_as_it_was(call: dict[str, Any], read: ToolCall) -> None:
    assert _carried({"role": "assistant", "tool_calls": [call]})[0].tool_calls == (read,)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, ""),
        ({"ok": True}, '{"ok":true}'),
        ([1, 2], "[1,2]"),
        (5, "5"),
        ([{"type": "text", "text": "a"}, {"type": "output_text", "text": "b"}], "a\nb"),
        ([{"type": "json", "json": {"a": 1}}], '{"type":"json","json":{"a":1}}'),
    ],
)
def test_a_result_is_carried_whatever_its_form(content: Any, text: str) -> None:
    message = {"role": "tool", "tool_call_id": "c", "content": content}

    assert _carried(message) == (Message("tool", text, tool_call_id="c"),)


def test_a_result_without_a_call_is_carried() -> None:
    former = {"role": "function", "name": "f", "content": "1"}

    assert _carried({"role": "tool", "content": "1"}, former) == (
        Message("tool", "1", tool_call_id=""),
        Message("tool", "1", tool_call_id="", name="f"),
    )


def test_thoughts_of_a_past_turn_are_left_out() -> None:
    parts = [{"type": "thinking", "thinking": "…"}, {"type": "text", "text": "Да."}]

    assert _carried({"role": "assistant", "content": parts}) == (Message("assistant", "Да."),)


@pytest.mark.parametrize("role", ["system", "assistant", "tool", "observer"])
def test_a_picture_may_stand_in_any_turn(role: str) -> None:
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}

    [message] = _carried({"role": role, "content": [part]})

    assert message.images == (Image(b"hi", "image/png"),)


@pytest.mark.parametrize(
    ("data", "mime_type"),
    [
        (b"RIFF\x1a\0\0\0WEBPVP8 ", "image/webp"),
        (b"GIF89a\x01\0\x01\0", "image/gif"),
        (b"GIF87a\x01\0\x01\0", "image/gif"),
    ],
)
@pytest.mark.parametrize("is_named", [True, False])
def test_pictures_of_the_web_are_read(data: bytes, mime_type: str, *, is_named: bool) -> None:
    named = mime_type if is_named else "application/octet-stream"
    url = f"data:{named};base64,{base64.b64encode(data).decode()}"

    [message] = _carried(
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}
    )

    assert message.images == (Image(data, mime_type),)


def test_the_deprecated_functions_mean_tools() -> None:
    request = _order(functions=[{"name": "f"}], function_call={"name": "f"}).request

    assert request.tools[0].name == "f"
    assert request.tool_choice == NamedTool("f")
    assert request.parallel_tool_calls is False, "`function_call` has room for one call."


def test_unknown_fields_are_named_and_neutral_ones_are_not() -> None:
    completion_request = _order(
        api_base="http://evil", store=False, logit_bias=None, verbosity="low"
    )

    assert completion_request.ignored == ("api_base", "verbosity")


def test_unknown_fields_are_named_by_their_path_at_every_depth_that_is_ours() -> None:
    function = {"name": "f", "foo": 1, "parameters": {"x-mine": 1}}

    completion_request = _order(
        verbosity="low",
        provider={"quantizations": ["fp8"], "sort": {"by": "price", "bar": 1}, "zip": None},
        tools=[
            {"type": "function", "function": {"name": "g"}},
            {"type": "function", "function": function, "cache_control": {"type": "ephemeral"}},
        ],
        tool_choice={"type": "function", "function": {"name": "f", "foo": 1}},
        reasoning={"effort": "low", "max_tokens": 100, "summary": "auto"},
        response_format={"type": "json_object", "schema": {}},
        stream=True,
        stream_options={"x": 1},
        usage={"y": {"z": 1}},
    )

    assert completion_request.ignored == (
        "verbosity",
        "provider.quantizations",
        "provider.sort.bar",
        "reasoning.summary",
        "response_format.schema",
        "stream_options.x",
        "tool_choice.function.foo",
        "tools[1].cache_control",
        "tools[1].function.foo",
        "usage.y",
        "reasoning.max_tokens",
    )


def test_fields_of_messages_and_their_parts_pass_unnamed() -> None:
    call = {"id": "c", "type": "function", "index": 0, "function": {"name": "f", "foo": 1}}
    part = {"type": "text", "text": "?", "cache_control": {"type": "ephemeral"}}

    completion_request = _order(
        messages=[
            {"role": "user", "content": [part], "foo": 1, "name": "anna"},
            {"role": "assistant", "content": None, "tool_calls": [call], "annotations": []},
        ]
    )

    assert completion_request.ignored == ()


def test_many_tools_with_unknown_fields_are_no_reason_to_refuse() -> None:
    tools = [
        {"type": "function", "function": {"name": f"f{number}"}, "cache_control": {}}
        for number in range(128)
    ]

    assert len(_order(tools=tools).ignored) == 128


def test_many_unknown_fields_are_no_reason_to_refuse() -> None:
    fields = {f"unknown{number}": 1 for number in range(1000)}

    assert _order(**fields).ignored == tuple(fields)
    assert _order(provider=fields).ignored == tuple(f"provider.{name}" for name in fields)


def test_the_names_of_unknown_fields_end_where_they_are_too_many() -> None:
    fields = {f"unknown{number}": 1 for number in range(MAX_UNKNOWN_PATHS)}

    assert _order(**fields).ignored == tuple(fields)
    assert _order(**fields, one_more=1, another=1).ignored == (*fields, "...")


def test_a_long_name_of_an_unknown_field_is_shortened() -> None:
    shortened = "x" * (MAX_NAME_CHARACTERS - 3) + "..."

    fields = {"x" * 100_000: 1, "y" * MAX_NAME_CHARACTERS: 1}

    assert _order(**fields, provider={"x" * 1000: 1}).ignored == (
        shortened,
        "y" * MAX_NAME_CHARACTERS,
        f"provider.{shortened}",
    )


@pytest.mark.parametrize(
    ("role", "part", "param"),
    [
        ("user", {"type": "input_audio"}, "messages[0].content[0]"),
        ("system", {"type": "file", "file": {}}, "messages[0].content[0]"),
    ],
)
def test_content_that_no_model_takes_is_refused_as_such(
    role: str, part: dict[str, Any], param: str
) -> None:
    with pytest.raises(UnsupportedContent) as refusal:
        _order(messages=[{"role": role, "content": [part]}])

    assert refusal.value.param == param


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/a.png",
        "file:///etc/passwd",
        "data:image/svg+xml;base64,PHN2Zz4=",
        "data:,x",
    ],
)
def test_a_picture_that_is_no_plain_data_url_is_refused(url: str) -> None:
    part = {"type": "image_url", "image_url": {"url": url}}

    with pytest.raises(UnsupportedContent) as refusal:
        _order(messages=[{"role": "user", "content": [part]}])

    assert refusal.value.param == "messages[0].content[0].image_url.url"


@pytest.mark.parametrize(
    "messages",
    [[{}] * 2048, [{"role": "user", "content": [{"type": "x"}] * 256}] * 100],
)
def test_a_body_with_many_faults_is_read_to_the_first_of_them(messages: list[Any]) -> None:
    with pytest.raises(ValidationError) as refusal:
        ChatCompletionRequest.model_validate({"model": "m", "messages": messages})

    assert refusal.value.error_count() == 1
