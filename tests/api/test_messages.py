"""Anthropic's Messages API: what is read of a body, what is written, and the view between them."""

import base64
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest
from django.conf import LazySettings
from django.test import Client

from billing.ledger.process_heartbeat import heartbeat
from gateway import upstreams
from gateway.api.capacity import capacity
from gateway.api.dialects.anthropic_messages import ANTHROPIC_MESSAGES, MessageWriter, error_body
from gateway.api.errors import Failure
from gateway.api.schema.anthropic_content import BILLING_HEADER
from gateway.api.schema.anthropic_request import read_count_request, read_messages_request
from gateway.api.schema.picture_url import RemoteImage
from gateway.catalog.seed import seed_catalogue
from gateway.pipeline.errors import InvalidParameter, RequestRefused, UnsupportedContent
from gateway.pipeline.execution.stream import Completion, CompletionOutcome, CompletionStream
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

JSON = dict[str, Any]
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
TOOL = {"name": "weather", "description": "Погода", "input_schema": {"type": "object"}}
SERVER_TOOL = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
HELLO = [{"role": "user", "content": "Привет"}]
EXAMPLES = DOCUMENT["paths"]["/v1/messages"]["post"]["requestBody"]["content"]["application/json"]


def read(**fields: Any) -> CompletionRequest:
    body = {"model": "gigachat-2", "max_tokens": 10, "messages": HELLO} | fields
    return read_messages_request(body, is_strict=False)[0]


def user(*content: Any) -> JSON:
    return {"role": "user", "content": list(content)}


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


def test_a_message_between_a_call_and_its_result_does_not_part_them() -> None:
    read_messages = messages(
        *HELLO, assistant(call("a")), user(text("Ну?")), user(result("a", content="5"))
    )

    assert [message.role for message in read_messages] == ["user", "assistant", "tool", "user"]


def test_a_tools_failure_is_said_in_words() -> None:
    [_, _, answer] = messages(*HELLO, assistant(call("a")), user(result("a", is_error=True)))

    assert answer.content == "Error: "


def test_a_result_without_a_call_is_the_users_text() -> None:
    assert messages(user(result("lost", content="5"))) == [Message("user", "Result of lost: 5")]


def test_a_picture_in_a_result_is_shown_by_the_user() -> None:
    *_, answer, shown = messages(
        *HELLO, assistant(call("a")), user(result("a", content=[text("Вот."), PICTURE]))
    )

    assert (answer.role, answer.content, answer.images) == ("tool", "Вот.", ())
    assert (shown.role, len(shown.images)) == ("user", 1)


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
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, "high"),
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


class Ended:
    """A completion that has ended: what a writer reads of a CompletionStream."""

    id = "gen-" + "0" * 31 + "7"
    estimated_prompt_tokens = 13
    candidate = SimpleNamespace(
        model=SimpleNamespace(id="gigachat-2"), route=SimpleNamespace(provider="gigachat")
    )

    def __init__(self, outcome: CompletionOutcome, chunks: Sequence[ChatChunk | Tick]) -> None:
        self.outcome = outcome
        self._chunks = chunks

    def __iter__(self) -> Iterator[ChatChunk | Tick]:
        yield from self._chunks


def ended(
    *chunks: ChatChunk | Tick, finish: FinishReason = "stop", stop_sequence: str | None = None
) -> CompletionStream:
    outcome = CompletionOutcome(finish, None, Usage(14, 6, 2, 1), 1_300_000, stop_sequence)
    return cast("CompletionStream", Ended(outcome, chunks))


def wire(document: object) -> Any:
    return orjson.loads(orjson.dumps(document))


def events_of(body: bytes) -> list[JSON]:
    """Return the events of a stream, comments left out; each name must be its data's type."""
    events = []
    for frame in body.decode().strip().split("\n\n"):
        if frame.startswith(":"):
            continue
        name, _, data = frame.removeprefix("event: ").partition("\ndata: ")
        events.append(orjson.loads(data))
        assert events[-1]["type"] == name
    return events


def streamed(*chunks: ChatChunk | Tick, writer: MessageWriter, **fields: Any) -> list[JSON]:
    events = events_of(b"".join(writer.events(ended(*chunks, **fields))))
    for event in events:
        check(event, "AnthropicEvent")
    return events


@pytest.mark.parametrize(
    ("finish", "stop_reason"),
    [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("tool_calls", "tool_use"),
        ("content_filter", "refusal"),
    ],
)
def test_a_whole_answer_is_as_documented(finish: FinishReason, stop_reason: str) -> None:
    completion = Completion("Да.", "Хм.", (ToolCall("a", "weather", '{"city":"Томск"}'),))
    body = wire(MessageWriter(has_thinking=True).answer(completion, ended(finish=finish)))

    check(body, "AnthropicMessage")
    assert body["id"] == "msg_" + "0" * 31 + "7"
    assert (body["stop_reason"], body["stop_sequence"]) == (stop_reason, None)
    assert [block["type"] for block in body["content"]] == ["thinking", "text", "tool_use"]
    assert body["usage"] == {
        "input_tokens": 12,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 2,
        "output_tokens": 6,
        "cost": 0.0013,
    }


def test_an_empty_answer_has_no_block_and_thoughts_not_asked_for_are_not_shown() -> None:
    body = MessageWriter().answer(Completion("", "Хм.", ()), ended())

    assert body["content"] == []
    assert [event["type"] for event in streamed(writer=MessageWriter())] == [
        "message_start",
        "message_delta",
        "message_stop",
    ]


def test_the_sequence_that_cut_an_answer_is_named() -> None:
    body = MessageWriter().answer(Completion("М", "", ()), ended(stop_sequence="ос"))

    assert (body["stop_reason"], body["stop_sequence"]) == ("stop_sequence", "ос")


def test_arguments_that_are_no_object_are_not_lost() -> None:
    completion = Completion("", "", (ToolCall("a", "weather", '{"city": "То'),))
    [block] = MessageWriter().answer(completion, ended(finish="length"))["content"]

    assert block["input"] == {"arguments": '{"city": "То'}


def test_one_block_is_open_at_a_time_and_each_is_opened_by_its_first_delta() -> None:
    events = streamed(
        TICK,
        ChatChunk(reasoning="Хм."),
        ChatChunk(text="Смотрю"),
        TICK,
        ChatChunk(text=" погоду."),
        ChatChunk(tool_calls=(ToolCallDelta(0, "a", "weather", '{"city":'),)),
        ChatChunk(tool_calls=(ToolCallDelta(0, arguments='"Томск"}'),)),
        ChatChunk(tool_calls=(ToolCallDelta(1, "b", "now"),)),
        writer=MessageWriter(has_thinking=True),
        finish="tool_calls",
    )

    assert [(event["type"], event.get("index")) for event in events] == [
        ("message_start", None),
        ("content_block_start", 0),
        ("content_block_delta", 0),
        ("content_block_stop", 0),
        ("content_block_start", 1),
        ("content_block_delta", 1),
        ("ping", None),
        ("content_block_delta", 1),
        ("content_block_stop", 1),
        ("content_block_start", 2),
        ("content_block_delta", 2),
        ("content_block_delta", 2),
        ("content_block_stop", 2),
        ("content_block_start", 3),
        ("content_block_delta", 3),
        ("content_block_stop", 3),
        ("message_delta", None),
        ("message_stop", None),
    ]
    pieces = [
        event["delta"].get("partial_json")
        for event in events
        if "index" in event and "delta" in event
    ]
    assert [piece for piece in pieces if piece] == ['{"city":', '"Томск"}', "{}"]
    assert events[0]["message"]["usage"]["input_tokens"] == 13
    assert events[-2]["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}
    assert events[-2]["usage"]["input_tokens"] == 12  # fmt: skip


def test_pieces_of_calls_that_are_mixed_fail_loudly() -> None:
    mixed = ended(
        ChatChunk(tool_calls=(ToolCallDelta(0, "a", "weather"),)),
        ChatChunk(tool_calls=(ToolCallDelta(1, "b", "now"),)),
        ChatChunk(tool_calls=(ToolCallDelta(0, arguments="{}"),)),
    )

    with pytest.raises(ProviderProtocolError):
        list(MessageWriter().events(mixed))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (405, "invalid_request_error"),
        (413, "request_too_large"),
        (415, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (503, "overloaded_error"),
        (504, "timeout_error"),
    ],
)
def test_the_type_of_an_error_follows_from_its_status(status: int, kind: str) -> None:
    body = wire(error_body(Failure(status, "code", "Why.", "field", {"limit": 7})))

    check(body, "AnthropicError")
    assert (body["error"]["type"], body["error"]["message"]) == (kind, "Why.")
    assert body["error"]["details"] == {"error_code": "code", "param": "field", "limit": 7}


@pytest.mark.parametrize(
    ("headers", "credential"),
    [
        ({}, None),
        ({"x-api-key": "K"}, "Bearer K"),
        ({"Authorization": "Bearer K"}, "Bearer K"),
        ({"Authorization": "Bearer K", "x-api-key": "sk-other"}, "Bearer K"),
    ],
)
def test_the_key_comes_in_either_header(headers: JSON, credential: str | None) -> None:
    assert ANTHROPIC_MESSAGES.credential(headers) == credential


@pytest.fixture
def sandbox(transactional_db: None) -> Iterator[Sandbox]:
    """Return what answers test keys; the hold of a request is committed by a thread of its own."""
    seed_catalogue()
    sandbox = upstreams.sandbox()
    yield sandbox
    sandbox.faults.clear()
    heartbeat.stop()  # its thread would go to the database of other tests


def post(body: bytes, key: str = "", path: str = "/v1/messages", **meta: Any) -> Any:
    headers = {"x-api-key": key} if key else {}
    client = Client(raise_request_exception=False)
    return client.post(path, body, "application/json", headers=headers, **meta)


def ask(**fields: Any) -> Any:
    key = fields.pop("key", None) or new_key(is_test=True)[1]
    path = fields.pop("path", "/v1/messages")
    body = {"model": "gigachat-basic", "max_tokens": 100, "messages": HELLO} | fields
    return post(orjson.dumps(body), key, path)


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/?beta=true", "/api/v1/messages"])
def test_a_message_is_answered_under_either_prefix(sandbox: Sandbox, path: str) -> None:
    response = ask(path=path)

    body = response.json()
    assert response.status_code == 200
    check(body, "AnthropicMessage")
    assert response.headers["request-id"] == response.headers["X-Request-ID"]
    assert response.headers["X-Generation-Id"] == body["id"].replace("msg_", "gen-")


def test_a_streamed_message_is_events(sandbox: Sandbox) -> None:
    response = ask(stream=True)

    events = events_of(response.getvalue())
    for event in events:
        check(event, "AnthropicEvent")
    assert [events[0]["type"], events[-1]["type"]] == ["message_start", "message_stop"]
    assert response.headers["request-id"]


def test_a_sequence_that_stops_is_named_by_the_pipeline(sandbox: Sandbox) -> None:
    question = [{"role": "user", "content": "Какая столица России?"}]
    response = ask(messages=question, stop_sequences=["зебра", "скв"])

    body = response.json()
    assert (body["stop_reason"], body["stop_sequence"]) == ("stop_sequence", "скв")


def test_what_is_not_honoured_is_named_in_the_callers_words(sandbox: Sandbox) -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    response = ask(model="gigachat-pro", thinking=thinking, tools=[SERVER_TOOL])

    assert response.headers["X-XRouter-Adapted"] == "thinking=ignored, tools[0]=ignored"


def test_a_picture_that_a_model_does_not_see_is_refused_by_the_callers_path(
    sandbox: Sandbox,
) -> None:
    response = ask(model="yandexgpt", system="Кратко.", messages=[user(PICTURE)])

    assert response.status_code == 400
    assert response.json()["error"]["details"]["param"] == "messages[0].content"


def test_a_failure_after_the_first_chunk_is_an_event(sandbox: Sandbox) -> None:
    sandbox.faults.push("gigachat", cut())

    *_, last = events_of(ask(stream=True).getvalue())

    assert (last["type"], last["error"]["type"]) == ("error", "api_error")


def test_a_failure_before_it_is_a_status(sandbox: Sandbox) -> None:
    sandbox.faults.push("gigachat", http_error(429), times=None)

    response = ask(stream=True)

    assert (response.status_code, response.json()["error"]["type"]) == (429, "rate_limit_error")
    assert response.headers["Retry-After"]


@pytest.mark.django_db
def test_every_refusal_before_the_reading_is_in_anthropics_shape(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(raise_request_exception=False)
    key = new_key(is_test=True)[1]
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    refusals = [
        (post(b"{}"), 401),
        (post(b"{}", "nobody's"), 401),
        (post(b"{}", path="/v1/messages/count_tokens"), 401),
        (client.get("/v1/messages", headers={"x-api-key": key}), 405),
        (client.get("/v1/messages/batches"), 404),
        (client.get("/api/v1/messages/batches/7"), 404),
        (post(b"{", key), 400),
        (post(b"{}", key), 400),
        (post(b" " * 101, key), 413),
        (post(b"{}", key, HTTP_CONTENT_ENCODING="gzip"), 415),
        (post(b"{}", key, HTTP_HOST="evil.example"), 400),
        (client.get("/v1/models/none", headers={"anthropic-version": "2023-06-01"}), 404),
        (client.get("/v1/models", headers={"anthropic-version": "1", "x-api-key": "none"}), 401),
    ]
    monkeypatch.setattr(capacity, "running", 1_000_000)
    refusals.append((post(b"{}", key), 503))

    for response, status in refusals:
        assert response.status_code == status
        check(response.json(), "AnthropicError")
        assert response.headers["request-id"] == response.json()["request_id"]


def test_tokens_are_counted_under_a_limit_of_their_own(sandbox: Sandbox) -> None:
    key = new_key(is_test=True)[1]
    body: JSON = {"model": "gigachat-basic", "messages": HELLO}
    for _ in range(150):
        counted = post(orjson.dumps(body), key, "/v1/messages/count_tokens")
        assert list(counted.json()) == ["input_tokens"]
        bearer = {"Authorization": f"Bearer {key}"}
        same = Client().post("/v1/tokens/count", body, "application/json", headers=bearer)
        assert same.json()["data"]["tokens"] == counted.json()["input_tokens"] > 0

    refused = post(orjson.dumps(body), key, "/v1/messages/count_tokens")

    assert refused.status_code == 429
    assert refused.json()["error"]["details"]["limit_source"] == "count"
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert ask(key=key).headers["x-ratelimit-remaining-requests"] == "19"


@pytest.mark.django_db
def test_the_models_are_listed_page_by_page() -> None:
    seed_catalogue()
    headers = {"anthropic-version": "2023-06-01"}

    def page(**query: Any) -> JSON:
        document: JSON = Client().get("/v1/models", query, headers=headers).json()
        return document

    whole = page()
    names = [model["id"] for model in whole["data"]]
    assert whole["has_more"] is False
    assert (whole["first_id"], whole["last_id"]) == (names[0], names[-1])
    assert {model["type"] for model in whole["data"]} == {"model"}
    first = page(limit=2)
    assert first["has_more"] is True
    assert [model["id"] for model in page(limit=2, after_id=first["last_id"])["data"]] == names[2:4]
    assert [model["id"] for model in page(limit=2, before_id=names[4])["data"]] == names[2:4]
    one = Client().get("/v1/models/gigachat-pro", headers=headers).json()
    assert one in whole["data"]
    assert Client().get("/v1/models").json()["object"] == "list"


@pytest.mark.django_db
@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "x"}, {"after_id": "none"}])
def test_a_page_that_is_none_is_refused(query: JSON) -> None:
    response = Client().get("/v1/models", query, headers={"anthropic-version": "2023-06-01"})

    assert response.status_code == 400
    assert response.json()["error"]["details"]["param"] in query
