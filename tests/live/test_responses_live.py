"""OpenAI's Responses API against the running service: its client's stream, its money, who leaves it."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.live.callers import LiveCall, wait_until
from tests.live.service import Service

MODELS = ["gigachat-pro", "yandexgpt"]
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "Погода в городе",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
    "strict": False,
}


def generation(service: Service, key: str, identity: str) -> Any:
    with service.http(key) as http:
        found = http.get("/v1/generation", params={"id": identity})
    return json.loads(found.text, parse_float=Decimal).get("data")


@pytest.mark.parametrize("model", MODELS)
def test_a_streamed_tool_round_trip_costs_what_its_record_says(
    service: Service, model: str
) -> None:
    key = service.fresh_key()
    responses = service.openai(key).responses
    asked: list[Any] = [{"role": "user", "content": "Какая погода в городе Томск?"}]

    with responses.stream(model=model, input=asked, tools=[WEATHER]) as events:
        first = events.get_final_response()
    [called] = [item for item in first.output if item.type == "function_call"]
    answer = {
        "type": "function_call_output",
        "call_id": called.call_id,
        "output": [{"type": "input_text", "text": "минус 20"}],
    }
    history: Any = [*asked, *first.output, answer]
    with responses.stream(model=model, input=history, tools=[WEATHER]) as events:
        second = events.get_final_response()

    assert "минус 20" in second.output_text
    for response in (first, second):
        usage: Any = response.usage
        found = generation(service, key, response.id)
        assert found["total_cost"] == Decimal(str(usage.cost)) > 0
        assert found["tokens_prompt"] == usage.input_tokens
        assert found["tokens_completion"] == usage.output_tokens


@pytest.mark.parametrize("model", MODELS)
def test_who_leaves_a_stream_pays_for_what_came(service: Service, model: str) -> None:
    key = service.fresh_key()
    call = LiveCall(service.port, key)
    body = {"model": model, "input": "sandbox:pause=8 sandbox:long=30 Расскажи", "stream": True}
    call.send(body, "/v1/responses").read_until(b"response.output_text.delta")
    identity = call.generation_id
    call.leave()

    wait_until(lambda: generation(service, key, identity) is not None, "the stream is settled")
    found = generation(service, key, identity)
    assert found["cancelled"]
    assert found["total_cost"] > 0
    assert not found["adapted"]
