"""What real clients send is read, and every reader of it agrees with the others."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from gateway.api.schema.chat_request import read_completion_request
from gateway.api.schema.schema_draft import in_present_draft
from gateway.pipeline.emulation.schema_validation import fault_of
from gateway.providers._shared.history import carried
from gateway.providers._shared.schema_references import inline_parameters
from gateway.providers._shared.simplify_schema import simplify_parameters
from tests.api.corpus import corpus


def named(name: str) -> Any:
    return pytest.mark.parametrize("entry", corpus(name), ids=lambda entry: str(entry["name"]))


@named("histories")
def test_a_history_is_read_message_by_message(entry: dict[str, Any]) -> None:
    completion_request = read_completion_request(
        {"model": "m", "messages": entry["messages"]}, is_strict=False
    )

    messages = completion_request.request.messages
    assert len(messages) == len(entry["messages"])
    turns = [turn for _, turn in carried(messages)]
    for index, turn in enumerate(turns):
        results = turns[index + 1 : index + 1 + len(turn.tool_calls)]
        assert [result.tool_call_id for result in results] == [c.id for c in turn.tool_calls]


@named("data_urls")
def test_a_data_url_is_a_picture(entry: dict[str, Any]) -> None:
    part = {"type": "image_url", "image_url": {"url": entry["url"]}}

    request = read_completion_request(
        {"model": "m", "messages": [{"role": "user", "content": [part]}]}, is_strict=False
    ).request

    [image] = request.messages[0].images
    assert image.mime_type == entry["type"]
    assert image.data.startswith(b"\x89PNG")
    assert image.data.endswith(b"IEND\xaeB`\x82")


@named("tool_schemas")
def test_a_schema_means_the_same_to_all_of_its_readers(entry: dict[str, Any]) -> None:
    function = {"name": "f", "parameters": entry["parameters"]}
    request = read_completion_request(
        {
            "model": "m",
            "messages": [{"role": "user", "content": "?"}],
            "tools": [{"type": "function", "function": function}],
        },
        is_strict=False,
    ).request

    read = request.tools[0].parameters
    for schema in (read,) if "dialect" in entry else (entry["parameters"], read):
        assert fault_of(entry["fits"], schema) is None
        assert fault_of(entry["does_not_fit"], schema)
        assert simplify_parameters(schema) == simplify_parameters(read)
    assert simplify_parameters(read)["type"] == "object"
    assert inline_parameters(read)["type"] == "object"


@named("tool_schemas")
def test_a_schema_is_one_of_the_present_draft(entry: dict[str, Any]) -> None:
    read = in_present_draft(entry["parameters"])

    for schema in (read, simplify_parameters(read), inline_parameters(read)):
        Draft202012Validator.check_schema(schema, format_checker=FormatChecker(()))
    assert in_present_draft(read) == read
