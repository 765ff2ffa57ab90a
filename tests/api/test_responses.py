"""OpenAI's Responses API: what is read of a body, what is written, and what its own client makes of it."""

import base64
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import openai
import orjson
import pydantic
import pytest
from django.test import Client
from openai.types import responses as typed

from billing.ledger.process_heartbeat import heartbeat
from gateway import upstreams
from gateway.api.dialects.openai_responses import OPENAI_RESPONSES, response_error
from gateway.api.dialects.openai_responses_items import custom_input
from gateway.api.errors import Failure
from gateway.api.schema.picture_url import RemoteImage
from gateway.api.schema.responses_request import read_responses_request
from gateway.api.sse import COMMENT
from gateway.catalog import snapshot
from gateway.catalog.seed import seed_catalogue
from gateway.pipeline.errors import InvalidParameter, RequestRefused, UnsupportedContent
from gateway.pipeline.execution.stream import (
    Completion,
    CompletionOutcome,
    CompletionStream,
    SettledUsage,
)
from gateway.pipeline.request import CompletionRequest
from gateway.providers.chat_types import (
    ChatChunk,
    FinishReason,
    Message,
    NamedTool,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from gateway.providers.errors import ProviderProtocolError
from gateway.providers.tick import TICK, Tick
from sandbox.core.faults import cut, http_error
from sandbox.server import Sandbox
from tests.accounts.people import new_key
from tests.api.documented import DOCUMENT, check
from tests.api.sdk_transport import sdk

JSON = dict[str, Any]
PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
PICTURE = {"type": "input_image", "image_url": PNG}
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL: JSON = {
    "type": "function",
    "name": "get_weather",
    "description": "Погода в городе",
    "parameters": SCHEMA,
    "strict": True,
}
PATCH: JSON = {
    "type": "custom",
    "name": "apply_patch",
    "description": "Правка файлов",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
}
SEARCH = {"type": "web_search", "external_web_access": True}
NAMESPACE = {"type": "namespace", "name": "agents", "description": "", "tools": [TOOL]}
EXAMPLES = DOCUMENT["paths"]["/v1/responses"]["post"]["requestBody"]["content"]["application/json"]


def read(**fields: Any) -> CompletionRequest:
    body = {"model": "gigachat-2", "input": "Привет"} | fields
    return read_responses_request(body, is_strict=False).order


def user(*parts: Any) -> JSON:
    return {"role": "user", "content": list(parts)}


def text(words: str, kind: str = "input_text") -> JSON:
    return {"type": kind, "text": words}


def call(identity: str, arguments: str = "{}") -> JSON:
    name = f"tool-{identity}"
    return {
        "type": "function_call",
        "call_id": identity,
        "name": name,
        "arguments": arguments,
        "id": f"fc_{identity}",
    }


def output(identity: str, given: Any) -> JSON:
    return {"type": "function_call_output", "call_id": identity, "output": given}


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

    body = writer(store=True, **fields).answer(Completion("Да.", "", ()), ended())

    assert {name: body[name] for name in fields} == fields
    assert body["store"] is False
    check(orjson.loads(orjson.dumps(body)), "ResponseObject")
    typed.Response.model_validate(orjson.loads(orjson.dumps(body)), strict=True)


@pytest.fixture
def sandbox(transactional_db: None) -> Iterator[Sandbox]:
    """Return what answers test keys; the hold of a request is committed by a thread of its own."""
    seed_catalogue()
    snapshot.reset()  # what an earlier test's prices were is no price of this database
    sandbox = upstreams.sandbox()
    yield sandbox
    sandbox.faults.clear()
    heartbeat.stop()  # its thread would go to the database of other tests


@pytest.fixture
def client(sandbox: Sandbox) -> openai.OpenAI:
    return sdk(new_key(is_test=True)[1])


def post(body: Any, path: str = "/v1/responses", headers: JSON | None = None) -> Any:
    headers = {"Authorization": f"Bearer {new_key(is_test=True)[1]}", **(headers or {})}
    client = Client(raise_request_exception=False)
    return client.post(path, orjson.dumps(body), "application/json", headers=headers)


def test_the_sdk_reads_a_plain_answer_and_its_record(client: openai.OpenAI) -> None:
    raw = client.responses.with_raw_response.create(
        model="gigachat-basic", input="Какая столица России?", store=True
    )

    answer = raw.parse()
    assert answer.output_text == "Столица России — Москва."
    assert raw.headers["x-generation-id"] == answer.id.replace("resp_", "gen-")
    assert raw.headers["x-xrouter-adapted"] == "store=ignored"
    found = client.get("/generation", cast_to=object, options={"params": {"id": answer.id}})
    assert cast("Any", found)["data"]["tokens_prompt"] == cast("Any", answer.usage).input_tokens


def test_the_sdks_stream_helper_follows_a_call(client: openai.OpenAI) -> None:
    question: Any = [{"role": "user", "content": "Какая погода в городе Томск?"}]
    with client.responses.stream(
        model="yandexgpt", input=question, tools=cast("Any", [TOOL])
    ) as stream:
        first = stream.get_final_response()
    [called] = [item for item in first.output if item.type == "function_call"]
    assert called.call_id != called.id

    history = [*question, *first.output, output(called.call_id, "минус 20")]
    second = client.responses.create(model="yandexgpt", input=history, tools=cast("Any", [TOOL]))

    assert "минус 20" in second.output_text


class City(pydantic.BaseModel):
    city: str


def test_the_sdk_parses_a_structured_answer(client: openai.OpenAI) -> None:
    answer = client.responses.parse(model="gigachat-pro", input="Город Томск.", text_format=City)

    assert isinstance(answer.output_parsed, City)


def test_a_custom_tool_comes_back_as_text(client: openai.OpenAI) -> None:
    with client.responses.stream(
        model="gigachat-pro", input="Вызови apply_patch", tools=cast("Any", [PATCH])
    ) as stream:
        events = list(stream)

    [called] = [
        event.item
        for event in events
        if event.type == "response.output_item.done" and event.item.type == "custom_tool_call"
    ]
    assert called.name == "apply_patch"
    assert called.input
    assert not called.input.startswith("{")


def test_a_failure_before_the_first_chunk_is_a_status(
    client: openai.OpenAI, sandbox: Sandbox
) -> None:
    sandbox.faults.push("gigachat", http_error(429), times=None)

    with pytest.raises(openai.RateLimitError) as refusal:
        client.responses.create(model="gigachat-basic", input="Привет", stream=True)

    assert refusal.value.code == "provider_busy"


def test_a_failure_after_it_ends_the_stream_as_failed(
    client: openai.OpenAI, sandbox: Sandbox
) -> None:
    sandbox.faults.push("gigachat", cut())

    events = list(client.responses.create(model="gigachat-basic", input="Привет", stream=True))

    last: Any = events[-1]
    assert (last.type, last.response.status) == ("response.failed", "failed")
    assert last.response.output[0].content[0].text


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/responses/", "/api/v1/responses"])
def test_errors_are_those_of_the_prefix(sandbox: Sandbox, path: str) -> None:
    answered = post({"model": "gigachat-basic", "input": "Привет"}, path=path)
    refused = post({"model": "gigachat-basic", "input": [{"id": "x"}]}, path=path)

    check(answered.json(), "ResponseObject")
    error = refused.json()["error"]
    assert (refused.status_code, error["param"]) == (400, "input[0]")
    assert error["code"] == (400 if path.startswith("/api") else "invalid_parameter")


def test_what_is_not_honoured_is_named_in_the_callers_words(sandbox: Sandbox) -> None:
    body = {
        "model": "gigachat-pro",
        "input": "Привет",
        "max_output_tokens": 1_000_000,
        "reasoning": {"effort": "high", "summary": "auto"},
    }

    named = post(body).headers["X-XRouter-Adapted"]

    assert named == "max_output_tokens=clamped, reasoning.effort=ignored"


@pytest.mark.parametrize(
    ("model", "shown", "param"),
    [
        ("yandexgpt", [user(PICTURE)], "input[0].content"),
        ("gigachat-pro", ["?", user(PICTURE, PICTURE)], "input[1].content"),
        ("yandexgpt", [user(text("слово " * 100_000))], "input"),
    ],
)
def test_what_a_model_cannot_take_is_refused_by_the_callers_path(
    sandbox: Sandbox, model: str, shown: list[Any], param: str
) -> None:
    items = [user(text(item)) if isinstance(item, str) else item for item in shown]

    refused = post({"model": model, "instructions": "Кратко.", "input": items})

    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)


def test_a_schema_that_a_wire_cannot_take_is_refused_by_the_callers_path(sandbox: Sandbox) -> None:
    tools = [SEARCH, TOOL | {"parameters": {"type": "array"}}]

    refused = post({"model": "gigachat-pro", "input": "?", "tools": tools})

    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "tools[1].parameters")


def test_a_strict_caller_is_refused_what_would_be_ignored(sandbox: Sandbox) -> None:
    body = {"model": "gigachat-basic", "input": "Привет", "store": True}

    refused = post(body, headers={"X-XRouter-Strict": "true"})

    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "store")
    assert post(body | {"store": False}, headers={"X-XRouter-Strict": "true"}).status_code == 200


def test_a_long_dialogue_is_shortened_where_that_is_asked_for(sandbox: Sandbox) -> None:
    items = [user(text("слово " * 20_000)) for _ in range(5)]

    answered = post({"model": "yandexgpt", "input": items, "truncation": "auto"})

    assert answered.status_code == 200, answered.json()
    assert answered.headers["X-XRouter-Adapted"] == "input=rewritten"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/v1/responses/resp_1", "/api/v1/responses/resp_1/cancel"])
def test_no_response_is_kept(path: str) -> None:
    refused = Client().get(path)

    assert refused.status_code == 404
    assert "input" in refused.json()["error"]["message"]
