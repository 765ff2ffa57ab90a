"""The same completions in each protocol: tools, schemas, pictures, refusals, money. One row a protocol."""

import base64
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import orjson
import pytest
from django.test import Client

from accounts.keys import issuing
from accounts.principal import KeyRate
from billing.ledger.process_heartbeat import heartbeat
from gateway import upstreams
from gateway.catalog import snapshot
from sandbox.server import Sandbox
from tests.billing.payers import CREDIT, open_account

JSON = dict[str, Any]
MODELS = ["gigachat-pro", "yandexgpt"]
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
CITY: JSON = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER = ("get_weather", "Погода в городе", CITY)


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a dialogue: of the user with a picture or without, of calls, or of their results."""

    text: str = ""
    has_picture: bool = False
    calls: tuple[tuple[str, str, str], ...] = ()
    results: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Said:
    """What an answer says, in whatever protocol; a call is its id, its name and its arguments."""

    id: str = ""
    text: str = ""
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    end: str = ""


class SpokenProtocol(Protocol):
    """A protocol as its clients speak it; `ends` are its words for why an answer ended."""

    path: str
    ends: ClassVar[dict[str, str]]

    def body(self, turns: tuple[Turn, ...], tools: tuple[Any, ...]) -> JSON: ...
    def schema(self, schema: JSON) -> JSON: ...
    def limit(self, tokens: int) -> JSON: ...
    def said(self, answer: JSON) -> Said: ...
    def heard(self, events: list[JSON]) -> Said: ...
    def code(self, body: JSON) -> str: ...


class Chat:
    path = "/v1/chat/completions"
    ends: ClassVar = {name: name for name in ("stop", "length", "tool_calls", "content_filter")}

    def body(self, turns: tuple[Turn, ...], tools: tuple[Any, ...]) -> JSON:
        messages: list[JSON] = []
        for turn in turns:
            if turn.calls:
                called = [
                    {"id": i, "type": "function", "function": {"name": n, "arguments": a}}
                    for i, n, a in turn.calls
                ]
                messages.append({"role": "assistant", "content": None, "tool_calls": called})
            elif turn.results:
                messages += [
                    {"role": "tool", "tool_call_id": i, "content": text} for i, text in turn.results
                ]
            else:
                url = {"url": f"data:image/png;base64,{PNG}"}
                picture = [{"type": "image_url", "image_url": url}] if turn.has_picture else []
                parts = [{"type": "text", "text": turn.text}, *picture]
                messages.append({"role": "user", "content": parts})
        functions = [{"name": n, "description": d, "parameters": s} for n, d, s in tools]
        offered = [{"type": "function", "function": function} for function in functions]
        return {"messages": messages} | ({"tools": offered} if offered else {})

    def schema(self, schema: JSON) -> JSON:
        wanted = {"name": "city", "schema": schema, "strict": True}
        return {"response_format": {"type": "json_schema", "json_schema": wanted}}

    def limit(self, tokens: int) -> JSON:
        return {"max_tokens": tokens}

    def said(self, answer: JSON) -> Said:
        [choice] = answer["choices"]
        message = choice["message"]
        calls = [
            (call["id"], call["function"]["name"], call["function"]["arguments"])
            for call in message.get("tool_calls") or ()
        ]
        return Said(answer["id"], message["content"] or "", calls, choice["finish_reason"])

    def heard(self, events: list[JSON]) -> Said:
        said = Said(events[0]["id"])
        for event in events:
            [choice] = event["choices"]
            said.text += choice["delta"].get("content", "")
            for piece in choice["delta"].get("tool_calls", ()):
                if piece["index"] == len(said.calls):
                    said.calls.append((piece["id"], piece["function"]["name"], ""))
                identity, name, arguments = said.calls[piece["index"]]
                arguments += piece["function"]["arguments"]
                said.calls[piece["index"]] = identity, name, arguments
            said.end = choice["finish_reason"] or said.end
        return said

    def code(self, body: JSON) -> str:
        return str(body["error"]["code"])


class Responses:
    path = "/v1/responses"
    ends: ClassVar = {
        "stop": "completed",
        "length": "max_output_tokens",
        "tool_calls": "completed",
        "content_filter": "content_filter",
    }

    def body(self, turns: tuple[Turn, ...], tools: tuple[Any, ...]) -> JSON:
        items: list[JSON] = []
        for turn in turns:
            items += [
                {"type": "function_call", "call_id": i, "name": n, "arguments": a}
                for i, n, a in turn.calls
            ]
            items += [
                {"type": "function_call_output", "call_id": i, "output": text}
                for i, text in turn.results
            ]
            if turn.text:
                picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}
                parts = [{"type": "input_text", "text": turn.text}]
                items.append({"role": "user", "content": parts + [picture] * turn.has_picture})
        offered = [
            {"type": "function", "name": n, "description": d, "parameters": s} for n, d, s in tools
        ]
        return {"input": items, "tools": offered}

    def schema(self, schema: JSON) -> JSON:
        wanted = {"type": "json_schema", "name": "city", "schema": schema, "strict": True}
        return {"text": {"format": wanted}}

    def limit(self, tokens: int) -> JSON:
        return {"max_output_tokens": tokens}

    def said(self, answer: JSON) -> Said:
        said = Said(answer["id"])
        for item in answer["output"]:
            if item["type"] == "message":
                said.text += "".join(part["text"] for part in item["content"])
            elif item["type"] == "function_call":
                said.calls.append((item["call_id"], item["name"], item["arguments"]))
        said.end = (answer["incomplete_details"] or {}).get("reason") or answer["status"]
        return said

    def heard(self, events: list[JSON]) -> Said:
        deltas = [e["delta"] for e in events if e["type"] == "response.output_text.delta"]
        said = self.said(events[-1]["response"])
        assert said.text == "".join(deltas)
        return said

    def code(self, body: JSON) -> str:
        return str(body["error"]["code"])


class Messages:
    path = "/v1/messages"
    ends: ClassVar = {
        "stop": "end_turn",
        "length": "max_tokens",
        "tool_calls": "tool_use",
        "content_filter": "refusal",
    }

    def body(self, turns: tuple[Turn, ...], tools: tuple[Any, ...]) -> JSON:
        messages: list[JSON] = []
        for turn in turns:
            blocks: list[JSON] = [
                {"type": "tool_use", "id": i, "name": n, "input": orjson.loads(a)}
                for i, n, a in turn.calls
            ]
            blocks += [
                {"type": "tool_result", "tool_use_id": i, "content": t} for i, t in turn.results
            ]
            if turn.text:
                blocks.append({"type": "text", "text": turn.text})
            if turn.has_picture:
                source = {"type": "base64", "media_type": "image/png", "data": PNG}
                blocks.append({"type": "image", "source": source})
            role = "assistant" if turn.calls else "user"
            messages.append({"role": role, "content": blocks})
        offered = [{"name": n, "description": d, "input_schema": s} for n, d, s in tools]
        return {"messages": messages, "tools": offered, "max_tokens": 1000}

    def schema(self, schema: JSON) -> JSON:
        return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}

    def limit(self, tokens: int) -> JSON:
        return {"max_tokens": tokens}

    def said(self, answer: JSON) -> Said:
        said = Said(answer["id"], end=answer["stop_reason"])
        for block in answer["content"]:
            if block["type"] == "text":
                said.text += block["text"]
            else:
                arguments = orjson.dumps(block["input"]).decode()
                said.calls.append((block["id"], block["name"], arguments))
        return said

    def heard(self, events: list[JSON]) -> Said:
        said = Said(events[0]["message"]["id"], end=events[-2]["delta"]["stop_reason"])
        for event in events:
            if event["type"] == "content_block_start" and "name" in event["content_block"]:
                block = event["content_block"]
                said.calls.append((block["id"], block["name"], ""))
            elif event["type"] == "content_block_delta" and "text" in event["delta"]:
                said.text += event["delta"]["text"]
            elif event["type"] == "content_block_delta":
                identity, name, arguments = said.calls[-1]
                said.calls[-1] = identity, name, arguments + event["delta"]["partial_json"]
        return said

    def code(self, body: JSON) -> str:
        return str(body["error"]["details"]["error_code"])


PROTOCOLS: list[SpokenProtocol] = [Chat(), Responses(), Messages()]
pytestmark = pytest.mark.parametrize(
    "spoken", PROTOCOLS, ids=[type(spoken).__name__ for spoken in PROTOCOLS]
)


@pytest.fixture(autouse=True)
def sandbox(transactional_db: None) -> Iterator[Sandbox]:
    """Return what answers; the hold of a request is committed by a thread of its own."""
    snapshot.reset()  # what an earlier test's prices were is no price of this database
    sandbox = upstreams.sandbox()
    yield sandbox
    sandbox.faults.clear()
    heartbeat.stop()  # its thread would go to the database of other tests


def key_with(credits_: int = 1000, **options: Any) -> str:
    """Return a key of a new account with so many credits."""
    account = open_account(credits_ * CREDIT)
    return issuing.issue(account=account, user=account.owner, name="matrix", **options)[1]


def post(spoken: SpokenProtocol, key: str, body: JSON, **headers: str) -> Any:
    bearer = {"Authorization": f"Bearer {key}", **headers}
    client = Client(raise_request_exception=False)
    return client.post(spoken.path, orjson.dumps(body), "application/json", headers=bearer)


def ask(
    spoken: SpokenProtocol,
    model: str,
    *turns: Turn,
    tools: tuple[Any, ...] = (),
    streamed: bool = False,
    key: str = "",
    **fields: Any,
) -> Said:
    """Ask, and return what was said. Raises AssertionError for a refusal."""
    body = spoken.body(turns, tools) | {"model": model, "stream": streamed} | fields
    response = post(spoken, key or key_with(), body)
    if not streamed:
        assert response.status_code == 200, response.content
        return spoken.said(response.json())
    return spoken.heard(events_of(response.getvalue()))


def events_of(body: bytes) -> list[JSON]:
    frames = [frame.rpartition("data: ")[2] for frame in body.decode().strip().split("\n\n")]
    return [orjson.loads(data) for data in frames if data.startswith("{")]


def generation(key: str, identity: str) -> JSON:
    headers = {"Authorization": f"Bearer {key}"}
    found = Client().get("/v1/generation", {"id": identity}, headers=headers)
    data: JSON = found.json()["data"]
    return data


@pytest.mark.parametrize("model", MODELS)
def test_a_tool_round_trip(spoken: SpokenProtocol, model: str) -> None:
    for streamed in (False, True):
        asked = Turn("Какая погода в городе Томск?")

        first = ask(spoken, model, asked, tools=(WEATHER,), streamed=streamed)

        [(identity, name, arguments)] = first.calls
        assert (name, orjson.loads(arguments)) == ("get_weather", {"city": "Томск"})
        assert (first.text, first.end) == ("", spoken.ends["tool_calls"])
        turns = asked, Turn(calls=tuple(first.calls)), Turn(results=((identity, "минус 20"),))
        second = ask(spoken, model, *turns, tools=(WEATHER,), streamed=streamed)
        assert "минус 20" in second.text
        assert second.end == spoken.ends["stop"]


def test_parallel_calls_and_their_results_in_another_order(spoken: SpokenProtocol) -> None:
    asked = Turn("Какая погода в Томске и Омске?")
    for streamed in (False, True):
        said = ask(spoken, "yandexgpt", asked, tools=(WEATHER,), streamed=streamed)
        assert len({identity for identity, _, _ in said.calls}) == len(said.calls) == 2

    results = tuple((identity, f"{identity} 5") for identity, _, _ in reversed(said.calls))
    turns = asked, Turn(calls=tuple(said.calls)), Turn(results=results)
    second = ask(spoken, "yandexgpt", *turns, tools=(WEATHER,))

    assert all(text in second.text for _, text in results)


@pytest.mark.parametrize("model", MODELS)
def test_a_structured_answer(spoken: SpokenProtocol, model: str) -> None:
    for streamed in (False, True):
        fields = spoken.schema(CITY)
        said = ask(spoken, model, Turn("Город Томск."), streamed=streamed, **fields)
        assert list(orjson.loads(said.text)) == ["city"]


def test_a_picture(spoken: SpokenProtocol) -> None:
    shown = Turn("Что здесь?", has_picture=True)

    said = ask(spoken, "gigachat-pro", shown)

    assert "приложено" in said.text
    body = spoken.body((shown,), ()) | {"model": "yandexgpt"}
    refused = post(spoken, key_with(), body)
    assert (refused.status_code, spoken.code(refused.json())) == (400, "unsupported_content")


REFUSALS = [
    (400, "context_length_exceeded", 1000, "yandexgpt", "слово " * 60_000),
    (402, "insufficient_credits", 0, "gigachat-2-max", "Привет"),
    (403, "content_filter", 1000, "gigachat-pro", "xrouter-moderation-test"),
    (404, "model_not_found", 1000, "gpt-0", "Привет"),
    (429, "provider_busy", 1000, "gigachat-pro", "sandbox:429 Привет"),
    (502, "provider_error", 1000, "gigachat-pro", "sandbox:500 Привет"),
]


@pytest.mark.parametrize("streamed", [False, True])
def test_refusals(spoken: SpokenProtocol, streamed: bool) -> None:
    for status, code, credits_, model, text in REFUSALS:
        body = spoken.body((Turn(text),), ()) | {"model": model, "stream": streamed}

        refused = post(spoken, key_with(credits_), body)

        assert (refused.status_code, spoken.code(refused.json())) == (status, code)
        assert ("Retry-After" in refused.headers) == (status == 429)
        assert refused.headers.get("x-should-retry") == ("false" if status == 402 else None)


def test_a_limit_of_requests(spoken: SpokenProtocol) -> None:
    key = key_with(rate=KeyRate(1, 86_400))
    body = spoken.body((Turn("Привет"),), ()) | {"model": "gigachat-pro"}

    answered, refused = post(spoken, key, body), post(spoken, key, body)

    assert (answered.status_code, refused.status_code) == (200, 429)
    assert spoken.code(refused.json()) == "rate_limit_exceeded"
    assert refused.headers["Retry-After"]


@pytest.mark.parametrize("model", MODELS)
def test_an_answer_that_is_cut(spoken: SpokenProtocol, model: str) -> None:
    cuts = [("sandbox:long=50 ?", 7, "length"), ("sandbox:filter ?", 99, "content_filter")]
    for text, tokens, end in cuts:
        for streamed in (False, True):
            fields = spoken.limit(tokens)
            said = ask(spoken, model, Turn(text), streamed=streamed, **fields)
            assert said.end == spoken.ends[end]


@pytest.mark.parametrize("model", MODELS)
def test_a_stream_that_is_left_costs_what_was_delivered(spoken: SpokenProtocol, model: str) -> None:
    key, told = key_with(), Turn("sandbox:long=50 Расскажи")
    body = spoken.body((told,), ()) | {"model": model, "stream": True}
    response = post(spoken, key, body)

    for frame in response.streaming_content:
        if b"delta" in frame and "вот".encode() in frame:
            break
    response.close()

    left = generation(key, response.headers["X-Generation-Id"])
    plain, streamed = (
        generation(key, ask(spoken, model, told, key=key, streamed=streamed).id)
        for streamed in (False, True)
    )
    assert (left["cancelled"], plain["cancelled"], streamed["cancelled"]) == (True, False, False)
    assert 0 < left["total_cost"] < plain["total_cost"]
    assert plain["tokens_completion"] == streamed["tokens_completion"] == 50


def test_a_repeated_request_is_answered_once(spoken: SpokenProtocol) -> None:
    key, name = key_with(), str(uuid.uuid4())
    body = spoken.body((Turn("Привет"),), ()) | {"model": "gigachat-pro"}

    answers = [post(spoken, key, body, **{"Idempotency-Key": name}) for _ in range(2)]

    assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize(("model", "size"), [("gigachat-pro", 70_000), ("yandexgpt", 20_000)])
def test_a_session_of_a_coding_agent(spoken: SpokenProtocol, model: str, size: int) -> None:
    """Many tools with long descriptions, a long prompt, and a history of calls."""
    properties = {
        "command": {"type": ["array", "string"], "items": {"type": "string"}},
        "timeout": {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "null"}]},
        "mode": {"const": "shell"},
        "files": {"type": "object", "propertyNames": {"pattern": "^[a-z]+$"}},
    }
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "required": ["command"],
        "additionalProperties": False,
    }
    tools = tuple((f"tool_{n}", "Runs a program. " * 40, schema) for n in range(40))
    calls = tuple((f"c{n}", f"tool_{n}", '{"command": ["ls"]}') for n in range(10))
    history = [
        turn
        for call in calls
        for turn in (Turn(calls=(call,)), Turn(results=((call[0], "file.py\n" * 20),)))
    ]
    told = Turn("You are a coding agent. " * (size // 24))

    said = ask(spoken, model, told, *history, Turn("Привет"), tools=tools)

    assert said.text
