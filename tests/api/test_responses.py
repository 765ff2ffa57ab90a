"""OpenAI's Responses API over HTTP, as its own client sees it."""

from collections.abc import Iterator
from typing import Any, cast

import openai
import orjson
import pydantic
import pytest
from django.test import Client

from billing.ledger.process_heartbeat import heartbeat
from gateway import upstreams
from gateway.catalog import snapshot
from sandbox.core.faults import cut, http_error
from sandbox.server import Sandbox
from tests.accounts.people import new_key
from tests.api.documented import check
from tests.api.responses_bodies import JSON, PATCH, PICTURE, SEARCH, TOOL, output, text, user
from tests.api.sdk_transport import sdk


@pytest.fixture
def sandbox(transactional_db: None) -> Iterator[Sandbox]:
    """Return what answers test keys; the hold of a request is committed by a thread of its own."""
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
        ("gigachat-pro", ["?", user(*[PICTURE] * 11)], "input[1].content"),
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


@pytest.mark.parametrize("path", ["/v1/responses/compact", "/v1/responses/input_tokens"])
def test_what_is_no_response_is_no_path(path: str) -> None:
    refused = Client().post(path, "{}", content_type="application/json")

    assert refused.status_code == 404
    assert refused.json()["error"]["message"].startswith(f"There is nothing at {path}. ")
