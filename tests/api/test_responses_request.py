"""OpenAI's Responses API: what is read of a body."""

from typing import Any

import pytest

from gateway.api.schema.picture_url import RemoteImage
from gateway.api.schema.responses_request import read_responses_request
from gateway.pipeline.errors import InvalidParameter, RequestRefused, UnsupportedContent
from gateway.pipeline.request import CompletionRequest
from gateway.providers.chat_types import (
    Message,
    NamedTool,
    ToolCall,
)
from tests.api.documented import DOCUMENT, check
from tests.api.responses_bodies import (
    JSON,
    NAMESPACE,
    PATCH,
    PICTURE,
    PNG,
    SEARCH,
    TOOL,
    output,
    text,
    user,
)

EXAMPLES = DOCUMENT["paths"]["/v1/responses"]["post"]["requestBody"]["content"]["application/json"]


def read(**fields: Any) -> CompletionRequest:
    body = {"model": "gigachat-2", "input": "Привет"} | fields
    return read_responses_request(body, is_strict=False).order


def call(identity: str, arguments: str = "{}") -> JSON:
    name = f"tool-{identity}"
    return {
        "type": "function_call",
        "call_id": identity,
        "name": name,
        "arguments": arguments,
        "id": f"fc_{identity}",
    }


def messages(*items: Any) -> list[Message]:
    return list(read(input=list(items)).request.messages)


@pytest.mark.parametrize("name", sorted(EXAMPLES["examples"]))
def test_the_documented_requests_are_taken_whole(name: str) -> None:
    example = EXAMPLES["examples"][name]["value"]

    check(example, "ResponsesRequest")
    assert read(**example).ignored == ()


def test_the_parameters_are_those_of_a_chat() -> None:
    order = read(
        instructions="Кратко.",
        stream=True,
        max_output_tokens=7,
        temperature=1.5,
        top_p=0.9,
        truncation="auto",
        reasoning={"effort": "xhigh", "summary": "auto"},
        metadata={"ticket": "17"},
        user="u",
        prompt_cache_key="k",
    )

    request = order.request
    assert request.messages == (Message("system", "Кратко."), Message("user", "Привет"))
    assert (request.stream, request.max_tokens, request.temperature) == (True, 7, 1.5)
    assert (request.top_p, request.reasoning_effort, request.session_id) == (0.9, "max", "k")
    assert (order.is_middle_out, order.notes.user, order.notes.metadata) == (
        True,
        "u",
        {"ticket": "17"},
    )
    assert order.ignored == ()


def test_calls_in_a_row_are_one_turn_with_the_words_before_them() -> None:
    assert messages(
        user(text("Погода?")),
        {
            "type": "message",
            "role": "assistant",
            "content": [text("Смотрю.", "output_text")],
            "id": "m",
        },
        {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "Тайна"}]},
        call("a", '{"city":"Томск"}'),
        call("b"),
        {"role": "user", "content": "Ну?"},
        output("b", "5"),
        output("a", [text("-20"), text("ветер")]),
        {"role": "assistant", "content": "Холодно."},
    ) == [
        Message("user", "Погода?"),
        Message(
            "assistant",
            "Смотрю.",
            tool_calls=(
                ToolCall("a", "tool-a", '{"city":"Томск"}'),
                ToolCall("b", "tool-b", "{}"),
            ),
        ),
        Message("user", "Ну?"),
        Message("tool", "5", tool_call_id="b", name="tool-b"),
        Message("tool", "-20\nветер", tool_call_id="a", name="tool-a"),
        Message("assistant", "Холодно."),
    ]


def test_a_custom_call_is_that_of_a_function_with_one_text() -> None:
    called = {
        "type": "custom_tool_call",
        "call_id": "c",
        "name": "apply_patch",
        "input": 'a "b"\n',
    }
    answered = {"type": "custom_tool_call_output", "call_id": "c", "output": "Done"}

    assert messages(called, answered) == [
        Message(
            "assistant", tool_calls=(ToolCall("c", "apply_patch", '{"input":"a \\"b\\"\\n"}'),)
        ),
        Message("tool", "Done", tool_call_id="c", name="apply_patch"),
    ]


@pytest.mark.parametrize(
    "kind",
    [
        "reasoning",
        "compaction",
        "additional_tools",
        "agent_message",
        "tool_search_call",
        "tool_search_output",
        "web_search_call",
        "local_shell_call",
    ],
)
def test_what_clients_keep_for_others_is_passed_over(kind: str) -> None:
    kept = {"type": kind, "id": "x", "call_id": None, "text": "Тайна", "content": 7}

    assert messages(kept, user(text("?"))) == [Message("user", "?")]


def test_the_roles_are_those_of_a_chat() -> None:
    spoken = [{"role": role, "content": role} for role in ("developer", "system", "critic")]

    assert messages(*spoken) == [
        Message("system", "developer"),
        Message("system", "system"),
        Message("user", "critic: critic"),
    ]


def test_pictures_are_shown_by_whoever_shows_them() -> None:
    address = {"type": "input_image", "image_url": "https://pictures.example/1.png"}
    order = read(
        instructions="Кратко.", input=[user(text("?"), address), call("a"), output("a", [PICTURE])]
    )

    _, asked, _, shown = order.request.messages
    [image] = asked.images
    assert isinstance(image, RemoteImage)
    assert image.param == "input[0].content[1].image_url"
    assert (shown.role, len(shown.images)) == ("tool", 1)
    assert order.names["messages[1].content"] == "input[0].content"
    assert order.names["messages[3].content"] == "input[2].output"


@pytest.mark.parametrize(
    ("fields", "param", "kind"),
    [
        ({"model": None}, "model", InvalidParameter),
        ({"input": None}, "input", InvalidParameter),
        ({"input": []}, "input", InvalidParameter),
        ({"input": {"role": "user"}}, "input", InvalidParameter),
        ({"input": [7]}, "input[0]", InvalidParameter),
        ({"input": [{"content": "?"}]}, "input[0].role", InvalidParameter),
        ({"input": [{"type": "reasoning"}]}, "input", InvalidParameter),
        ({"input": [user(), {"id": "msg_1"}]}, "input[1]", InvalidParameter),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0]", InvalidParameter),
        ({"input": [user(text("?"), {"type": "input_file", "file_id": "f"})]},
         "input[0].content[1]", UnsupportedContent),
        ({"input": [user({"type": "input_audio"})]}, "input[0].content[0]", UnsupportedContent),
        ({"input": [user({"type": "input_image", "file_id": "f"})]},
         "input[0].content[0].image_url", UnsupportedContent),
        ({"input": [user({"type": "input_image", "image_url": {"url": PNG}})]},
         "input[0].content[0].image_url", InvalidParameter),
        ({"previous_response_id": "resp_1"}, "previous_response_id", InvalidParameter),
        ({"conversation": {"id": "conv_1"}}, "conversation", InvalidParameter),
        ({"prompt": {"id": "pmpt_1"}}, "prompt", InvalidParameter),
        ({"background": True}, "background", InvalidParameter),
        ({"max_output_tokens": 0}, "max_output_tokens", InvalidParameter),
        ({"truncation": "some"}, "truncation", InvalidParameter),
        ({"reasoning": {"effort": "huge"}}, "reasoning.effort", InvalidParameter),
        ({"tools": [{"type": "function", "function": {"name": "a"}}]}, "tools[0].name",
         InvalidParameter),
        ({"tools": [{"name": "a"}]}, "tools[0].type", InvalidParameter),
        ({"tools": [TOOL, PATCH | {"name": "get_weather"}]}, "tools", InvalidParameter),
        ({"tools": [TOOL | {"parameters": {"type": 7}}]}, "tools[0].parameters", InvalidParameter),
        ({"tool_choice": "some"}, "tool_choice", InvalidParameter),
        ({"tool_choice": "required"}, "tool_choice", InvalidParameter),
        ({"tools": [SEARCH], "tool_choice": "required"}, "tool_choice", InvalidParameter),
        ({"tools": [SEARCH], "tool_choice": {"type": "web_search"}}, "tool_choice",
         InvalidParameter),
        ({"tools": [TOOL], "tool_choice": {"type": "custom", "name": "apply_patch"}},
         "tool_choice", InvalidParameter),
        ({"tools": [TOOL], "tool_choice": {"type": "allowed_tools", "mode": "required",
                                           "tools": [SEARCH]}}, "tool_choice", InvalidParameter),
        ({"text": {"format": {"type": "json_schema", "name": "a"}}}, "text.format.schema",
         InvalidParameter),
        ({"text": {"format": {"type": "json_schema", "name": "a", "schema": {"not": {}}}}},
         "text.format.schema", InvalidParameter),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type", InvalidParameter),
    ],
)  # fmt: skip
def test_a_refusal_names_the_callers_own_field(
    fields: JSON, param: str, kind: type[RequestRefused]
) -> None:
    with pytest.raises(kind) as refusal:
        read(**fields)

    assert refusal.value.param == param
    assert refusal.value.message.startswith(param.partition(".")[0])


@pytest.mark.parametrize(
    ("choice", "names", "read_choice"),
    [
        (None, ["get_weather", "apply_patch"], None),
        ("required", ["get_weather", "apply_patch"], "required"),
        ({"type": "function", "name": "get_weather"}, ["get_weather", "apply_patch"],
         NamedTool("get_weather")),
        ({"type": "custom", "name": "apply_patch"}, ["get_weather", "apply_patch"],
         NamedTool("apply_patch")),
        ({"type": "allowed_tools", "mode": "required",
          "tools": [{"type": "custom", "name": "apply_patch"}, SEARCH]},
         ["apply_patch"], "required"),
        ({"type": "allowed_tools", "mode": "auto", "tools": [SEARCH]}, [], None),
    ],
)  # fmt: skip
def test_the_choice_of_tools_is_that_of_a_chat(
    choice: Any, names: list[str], read_choice: object
) -> None:
    order = read(tools=[SEARCH, TOOL, PATCH], tool_choice=choice, parallel_tool_calls=True)

    assert [tool.name for tool in order.request.tools] == names
    assert order.request.tool_choice == read_choice
    assert order.ignored == ("tools[0]",)


def test_a_custom_tool_is_a_function_with_one_text_and_its_grammar_in_words() -> None:
    [offered] = read(tools=[PATCH]).request.tools

    assert "start: /.+/" in offered.description
    assert offered.parameters["required"] == ["input"]


def test_what_means_nothing_here_is_named_once() -> None:
    order = read(
        tools=[NAMESPACE | {"format": 7}, TOOL | {"defer_loading": True}],
        store=True,
        include=["reasoning.encrypted_content"],
        client_metadata={"a": "b"},
        max_tokens=5,
        text={"verbosity": "low", "format": {"type": "text"}},
        stream_options={"include_usage": True, "include_obfuscation": False},
        service_tier="auto",
    )

    assert sorted(order.ignored) == [
        "client_metadata",
        "include",
        "max_tokens",
        "store",
        "text.verbosity",
        "tools[0]",
        "tools[1].defer_loading",
    ]


def test_null_is_absent_everywhere() -> None:
    fields = dict.fromkeys(DOCUMENT["components"]["schemas"]["ResponsesRequest"]["properties"])
    body = fields | {"model": "gigachat-2", "input": "Привет"}

    check(body, "ResponsesRequest")
    assert read(**body).ignored == ()


def test_a_pattern_that_the_answer_is_not_checked_against_is_named():
    schema = {
        "type": "object",
        "properties": {"code": {"pattern": "(?=a)"}, "b": {"pattern": "^a"}},
    }
    order = read(text={"format": {"type": "json_schema", "name": "a", "schema": schema}})
    assert order.ignored == ("text.format.schema.properties.code.pattern",)
