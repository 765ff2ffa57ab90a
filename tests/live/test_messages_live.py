"""Anthropic's Messages API against the running service: its answers, its events, its money."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.live.service import Service

MODELS = ["gigachat-pro", "yandexgpt"]
JSON = dict[str, Any]
QUESTION = [{"role": "user", "content": "Какая погода в городе Томск?"}]
TOOL = {
    "name": "get_weather",
    "description": "Погода в городе. " + "Подробно. " * 2000,
    "input_schema": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


def ask(service: Service, key: str, **fields: Any) -> Any:
    """Ask as Anthropic's SDKs do; numbers with a point come as Decimal."""
    headers = {"x-api-key": key, "anthropic-version": "2023-06-01"}
    body = {"max_tokens": 200} | fields
    with service.http(key) as http:
        del http.headers["Authorization"]
        response = http.post("/v1/messages?beta=true", json=body, headers=headers)
    assert response.headers["request-id"] == response.headers["x-request-id"]
    return response


def read(text: str) -> JSON:
    document: JSON = json.loads(text, parse_float=Decimal)
    return document


def events_of(text: str) -> list[JSON]:
    frames = [frame for frame in text.strip().split("\n\n") if not frame.startswith(":")]
    return [read(frame.partition("\ndata: ")[2]) for frame in frames]


def generation(service: Service, key: str, identity: str) -> JSON:
    with service.http(key) as http:
        data: JSON = read(http.get("/v1/generation", params={"id": identity}).text)["data"]
    return data


@pytest.mark.parametrize("model", MODELS)
def test_a_message_costs_what_its_generation_says(service: Service, model: str) -> None:
    key = service.fresh_key()

    body = read(ask(service, key, model=model, system="Кратко.", messages=QUESTION).text)

    assert body["stop_reason"] == "end_turn"
    found = generation(service, key, body["id"])
    usage = body["usage"]
    assert usage["cost"] == found["total_cost"] > 0
    assert usage["input_tokens"] + usage["cache_read_input_tokens"] == found["tokens_prompt"]
    assert usage["output_tokens"] == found["tokens_completion"]


@pytest.mark.parametrize("model", MODELS)
def test_a_streamed_tool_round_trip(service: Service, model: str) -> None:
    key = service.fresh_key()
    text = ask(service, key, model=model, messages=QUESTION, tools=[TOOL], stream=True).text

    events = events_of(text)
    [begun] = [event for event in events if event["type"] == "content_block_start"]
    written = "".join(
        event["delta"]["partial_json"] for event in events if event["type"] == "content_block_delta"
    )
    called = begun["content_block"] | {"input": json.loads(written)}
    assert (called["type"], called["input"]["city"]) == ("tool_use", "Томск")
    *_, last, end = events
    assert (last["delta"]["stop_reason"], end["type"]) == ("tool_use", "message_stop")
    found = generation(service, key, events[0]["message"]["id"])
    assert last["usage"]["cost"] == found["total_cost"] > 0

    answer = {"type": "tool_result", "tool_use_id": called["id"], "content": "минус 20"}
    history: list[JSON] = [
        *QUESTION,
        {"role": "assistant", "content": [called]},
        {"role": "user", "content": [answer]},
    ]
    second = read(ask(service, key, model=model, messages=history, tools=[TOOL]).text)
    assert second["stop_reason"] == "end_turn"
    assert "минус 20" in second["content"][0]["text"]


@pytest.mark.parametrize("model", MODELS)
def test_parallel_results_come_in_any_order(service: Service, model: str) -> None:
    cities = {"toolu_1": "Томск", "toolu_2": "Омск"}
    calls = [
        {"type": "tool_use", "id": identity, "name": "get_weather", "input": {"city": city}}
        for identity, city in cities.items()
    ]
    results = [
        {"type": "tool_result", "tool_use_id": identity, "content": f"{city}: минус 5"}
        for identity, city in reversed(cities.items())
    ]
    history: list[JSON] = [
        *QUESTION,
        {"role": "assistant", "content": calls},
        {"role": "user", "content": [*results, {"type": "text", "text": "Где холоднее?"}]},
    ]

    response = ask(service, service.fresh_key(), model=model, messages=history, tools=[TOOL])

    assert response.status_code == 200
    sent = json.dumps(service.sandbox.requests[-1].body, ensure_ascii=False)
    assert sent.index("Омск: минус 5") < sent.index("Где холоднее?")
    assert sent.index("Томск: минус 5") < sent.index("Где холоднее?")


def test_refusals_are_in_anthropics_shape(service: Service) -> None:
    hello = [{"role": "user", "content": "Привет"}]
    forbidden = [{"role": "user", "content": "xrouter-moderation-test"}]
    long = [{"role": "user", "content": "слово " * 400_000}]
    rich, poor = service.fresh_key(), service.fresh_key(balance="0.000001")
    asked = [
        (ask(service, "none", model="gigachat-pro", messages=hello), 401, "authentication_error"),
        (ask(service, poor, model="gigachat-2-max", messages=hello), 402, "billing_error"),
        (ask(service, rich, model="gigachat-pro", messages=forbidden), 403, "permission_error"),
        (ask(service, rich, model="claude-none", messages=hello), 404, "not_found_error"),
        (ask(service, rich, model="yandexgpt", messages=long), 400, "invalid_request_error"),
    ]

    for response, status, kind in asked:
        body = response.json()
        assert (response.status_code, body["type"], body["error"]["type"]) == (
            status,
            "error",
            kind,
        )
        assert body["request_id"] == response.headers["request-id"]
    assert asked[1][0].headers["x-should-retry"] == "false"
