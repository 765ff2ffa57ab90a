"""Anthropic's Messages API: what is read of a body."""

from typing import Any

import pytest

from gateway.api.schema.anthropic_content import BILLING_HEADER
from gateway.api.schema.anthropic_request import read_count_request, read_messages_request
from gateway.api.schema.picture_url import RemoteImage
from gateway.pipeline.errors import InvalidParameter, RequestRefused, UnsupportedContent
from gateway.pipeline.request import CompletionRequest
from gateway.providers.chat_types import (
    Message,
    NamedTool,
    ToolCall,
)
from tests.api.documented import DOCUMENT
from tests.api.messages_bodies import HELLO, JSON, PICTURE, SERVER_TOOL, user

TOOL = {"name": "weather", "description": "Погода", "input_schema": {"type": "object"}}
EXAMPLES = DOCUMENT["paths"]["/v1/messages"]["post"]["requestBody"]["content"]["application/json"]


def read(**fields: Any) -> CompletionRequest:
    body = {"model": "gigachat-2", "max_tokens": 10, "messages": HELLO} | fields
    return read_messages_request(body, is_strict=False)[0]


def assistant(*content: Any) -> JSON:
    return {"role": "assistant", "content": list(content)}


def text(words: str) -> JSON:
    return {"type": "text", "text": words}


def call(identity: str, **arguments: Any) -> JSON:
    return {"type": "tool_use", "id": identity, "name": f"tool-{identity}", "input": arguments}


def result(identity: str, **fields: Any) -> JSON:
    return {"type": "tool_result", "tool_use_id": identity} | fields


def messages(*turns: JSON) -> list[Message]:
    return list(read(messages=list(turns)).request.messages)


@pytest.mark.parametrize("name", sorted(EXAMPLES["examples"]))
def test_the_documented_requests_are_taken_whole(name: str) -> None:
    assert read(**EXAMPLES["examples"][name]["value"]).ignored == ()


def test_the_parameters_are_those_of_a_chat() -> None:
    request = read(
        stream=True,
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        stop_sequences=["а", "б", "в", "г", "д"],
        metadata={"user_id": "{" + "x" * 1000 + "}"},
        system="Кратко.",
    ).request

    assert (request.max_tokens, request.stream, request.temperature) == (10, True, 0.5)
    assert (request.top_p, request.top_k, len(request.stop)) == (0.9, 40, 5)
    assert request.session_id == "{" + "x" * 1000 + "}"
    assert request.messages == (Message("system", "Кратко."), Message("user", "Привет"))


def test_the_system_is_joined_without_what_is_for_anthropic_alone() -> None:
    blocks = [text(f"{BILLING_HEADER} cch=1;"), text("Раз.") | {"cache_control": {}}, text("Два.")]

    assert read(system=blocks).request.messages[0] == Message("system", "Раз.\nДва.")


def test_results_stand_behind_their_calls_and_before_the_words_beside_them() -> None:
    read_messages = messages(
        *HELLO,
        assistant(text("Смотрю."), call("a", city="Томск"), call("b")),
        user(text("Напоминание."), result("b", content="5"), result("a", content=[text("-20")])),
    )

    calls = (ToolCall("a", "tool-a", '{"city":"Томск"}'), ToolCall("b", "tool-b", "{}"))
    assert read_messages[1:] == [
        Message("assistant", "Смотрю.", tool_calls=calls),
        Message("tool", "5", tool_call_id="b", name="tool-b"),
        Message("tool", "-20", tool_call_id="a", name="tool-a"),
        Message("user", "Напоминание."),
    ]


def test_a_call_keeps_the_digits_of_an_account() -> None:
    (_, turn, _) = messages(*HELLO, assistant(call("a", account=40817810099910004312)), *HELLO)

    assert turn.tool_calls[0].arguments == '{"account":40817810099910004312}'


def test_a_message_between_a_call_and_its_result_does_not_part_them() -> None:
    read_messages = messages(
        *HELLO, assistant(call("a")), user(text("Ну?")), user(result("a", content="5"))
    )

    assert [message.role for message in read_messages] == ["user", "assistant", "tool", "user"]


def test_a_tools_failure_is_said_in_words() -> None:
    [_, _, answer] = messages(*HELLO, assistant(call("a")), user(result("a", is_error=True)))

    assert answer.content == "Error: "


def test_a_result_without_a_call_stands_alone() -> None:
    assert messages(user(result("lost", content="5"), text("Ну?"))) == [
        Message("tool", "5", tool_call_id="lost"),
        Message("user", "Ну?"),
    ]


def test_a_picture_in_a_result_is_the_tools_and_has_the_callers_path() -> None:
    order = read(
        messages=[
            *HELLO,
            assistant(call("a"), call("b")),
            user(result("b", content=[text("Вот."), PICTURE]), result("a"), PICTURE),
            user(result("lost", content=[PICTURE])),
        ]
    )

    said = [(m.role, m.content, len(m.images)) for m in order.request.messages]
    assert said[2:] == [("tool", "Вот.", 1), ("tool", "", 0), ("user", "", 1), ("tool", "", 1)]
    assert {name: path for name, path in order.names.items() if name.startswith("messages[")} == {
        "messages[2].content": "messages[2].content[0].content",
        "messages[4].content": "messages[2].content",
        "messages[5].content": "messages[3].content[0].content",
    }


def test_whatever_an_answer_holds_is_kept() -> None:
    document = {"type": "document", "source": {"type": "text", "data": "Слова."}, "title": "Лист"}
    answer = assistant(
        text("Вот."), PICTURE, document, call("a"), result("a", content=[text("5")]), text("Да.")
    )

    said = [(m.role, m.content, len(m.images)) for m in messages(*HELLO, answer)]

    assert said[1:] == [("assistant", "Вот.\nЛист\nСлова.\nДа.", 1), ("tool", "5", 0)]


def test_thoughts_and_what_servers_did_are_passed_over() -> None:
    thought = {"type": "thinking", "thinking": "Тайна", "signature": ""}
    searched = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    read_messages = messages(*HELLO, assistant(thought, searched, text("Да.")), assistant(thought))

    assert read_messages[1:] == [Message("assistant", "Да.")]


def test_an_unknown_role_is_the_users_with_the_role_before_the_text() -> None:
    assert messages({"role": "critic", "content": "Нет."}) == [Message("user", "critic: Нет.")]


def test_a_picture_at_an_address_is_named_to_be_fetched() -> None:
    source = {"type": "url", "url": "https://pictures.example/1.png"}
    [shown] = messages(user(text("Что это?"), PICTURE | {"source": source}))

    [image] = shown.images
    assert isinstance(image, RemoteImage)
    assert image.param == "messages[0].content[1].source"


def test_words_of_documents_are_read() -> None:
    document = {"type": "document", "title": "Устав", "source": {"type": "text", "data": "Статья."}}

    assert messages(user(document)) == [Message("user", "Устав\nСтатья.")]


@pytest.mark.parametrize(
    ("fields", "param", "kind"),
    [
        ({"output_config": {"format": {"type": "json_schema", "schema": {"not": {}}}}},
         "output_config.format.schema", InvalidParameter),
        ({"max_tokens": None}, "max_tokens", InvalidParameter),
        ({"max_tokens": 0}, "max_tokens", InvalidParameter),
        ({"model": ""}, "model", InvalidParameter),
        ({"messages": []}, "messages", InvalidParameter),
        ({"messages": [user()]}, "messages", InvalidParameter),
        ({"messages": [{"role": "user"}]}, "messages[0].content", InvalidParameter),
        ({"messages": [{"content": "?"}]}, "messages[0].role", InvalidParameter),
        ({"messages": [user({"type": "text"})]}, "messages[0].content[0].text", InvalidParameter),
        ({"messages": [user({"type": "video"})]}, "messages[0].content[0]", UnsupportedContent),
        (
            {"messages": [user(PICTURE | {"source": {"type": "file", "file_id": "f"}})]},
            "messages[0].content[0].source",
            UnsupportedContent,
        ),
        (
            {"messages": [user({"type": "document", "source": {"type": "base64", "data": ""}})]},
            "messages[0].content[0].source",
            UnsupportedContent,
        ),
        ({"temperature": 1.5}, "temperature", InvalidParameter),
        ({"tools": [{"input_schema": {}}]}, "tools[0].name", InvalidParameter),
        ({"tools": [TOOL, TOOL]}, "tools", InvalidParameter),
        ({"tools": [TOOL | {"input_schema": {"type": 7}}]}, "tools[0].input_schema", InvalidParameter),
        ({"tool_choice": {"type": "some"}}, "tool_choice.type", InvalidParameter),
        ({"tool_choice": {"type": "any"}}, "tool_choice", InvalidParameter),
        ({"tools": [SERVER_TOOL], "tool_choice": {"type": "any"}}, "tool_choice", InvalidParameter),
        (
            {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "web_search"}},
            "tool_choice.name",
            InvalidParameter,
        ),
    ],
)  # fmt: skip
def test_a_refusal_names_the_callers_own_field(
    fields: JSON, param: str, kind: type[RequestRefused]
) -> None:
    with pytest.raises(kind) as refusal:
        read(**fields)

    assert refusal.value.param == param


@pytest.mark.parametrize(
    ("choice", "read_choice"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "weather"}, NamedTool("weather")),
    ],
)
def test_the_choice_of_tools_is_that_of_a_chat(choice: JSON, read_choice: object) -> None:
    request = read(tools=[TOOL], tool_choice=choice | {"disable_parallel_tool_use": True}).request

    assert request.tool_choice == read_choice
    assert request.parallel_tool_calls is False


def test_a_tool_may_be_described_at_length() -> None:
    description = "я" * 100_000

    assert read(tools=[TOOL | {"description": description}]).request.tools[0].description == (
        description
    )


def test_what_means_nothing_here_is_named_and_caching_is_passed_over() -> None:
    completion_request = read(
        cache_control={"type": "ephemeral"},
        tools=[SERVER_TOOL, TOOL | {"cache_control": {"type": "ephemeral"}, "defer_loading": True}],
        context_management={"edits": [{"type": "clear_thinking_20251015"}]},
        service_tier="auto",
        container="c",
    )

    assert completion_request.ignored == (
        "tools[0]",
        "context_management",
        "container",
        "tools[1].defer_loading",
    )
    assert [tool.name for tool in completion_request.request.tools] == ["weather"]


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        ({}, None),
        ({"thinking": {"type": "disabled"}}, None),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 10_000}}, "medium"),
        ({"thinking": {"type": "enabled", "budget_tokens": 31_999}}, "high"),
        ({"thinking": {"type": "adaptive"}}, "medium"),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, "max"),
        ({"output_config": {"effort": "xhigh"}}, "max"),
        ({"output_config": {"effort": "low"}}, "low"),
    ],
)
def test_thinking_is_an_effort(fields: JSON, effort: str | None) -> None:
    assert read(**fields).request.reasoning_effort == effort


def test_a_schema_of_the_answer_is_strict() -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    wanted = read(
        output_config={"format": {"type": "json_schema", "schema": schema}}
    ).request.response_format

    assert wanted is not None
    assert (wanted.kind, wanted.schema, wanted.strict) == ("json_schema", schema, True)


def test_a_prompt_is_counted_without_max_tokens() -> None:
    completion_request = read_count_request({"model": "m", "messages": HELLO, "tools": [TOOL]})

    assert completion_request.models == ("m",)
    assert len(completion_request.request.tools) == 1


def test_a_pattern_that_the_answer_is_not_checked_against_is_named():
    schema = {
        "type": "object",
        "properties": {"code": {"pattern": "(?=a)"}, "b": {"pattern": "^a"}},
    }
    order = read(output_config={"format": {"type": "json_schema", "schema": schema}})
    assert order.ignored == ("output_config.format.schema.properties.code.pattern",)
