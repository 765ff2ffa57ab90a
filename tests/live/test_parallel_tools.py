"""Several calls in one turn of GigaChat, through the official client: their ids, their order, their stream."""

import itertools
import json
from typing import Any

import pytest

from tests.live.service import Service

MODEL = "gigachat-2-max"
CITIES = ["Москва", "Казань", "Томск"]
QUESTION: Any = {"role": "user", "content": "Какая погода в Москве, Казани и Томске?"}
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "city.get-weather",
        "description": "Погода в городе",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"anyOf": [{"type": "string", "enum": ["C", "F"]}, {"type": "null"}]},
            },
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


def asked(service: Service, *messages: Any, stream: bool, **fields: Any) -> tuple[Any, str, Any]:
    """Return the answer's calls, its text and what was adapted."""
    raw = service.openai().chat.completions.with_raw_response.create(
        model=MODEL, messages=list(messages), tools=[WEATHER], stream=stream, **fields
    )
    adapted = raw.headers.get("X-XRouter-Adapted")
    answer: Any = raw.parse()
    if not stream:
        [choice] = answer.choices
        calls = [call.model_dump() for call in choice.message.tool_calls or []]
        return calls, choice.message.content or "", adapted
    pieces: dict[int, Any] = {}
    text = ""
    for chunk in answer:
        for choice in chunk.choices:
            text += choice.delta.content or ""
            for piece in choice.delta.tool_calls or []:
                call = pieces.setdefault(
                    piece.index, {"id": "", "type": "function", "function": {"arguments": ""}}
                )
                call["id"] += piece.id or ""
                call["function"].setdefault("name", piece.function.name)
                call["function"]["arguments"] += piece.function.arguments or ""
    return [pieces[index] for index in sorted(pieces)], text, adapted


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3)))[::2])
def test_three_calls_of_one_turn_take_their_results_in_any_order(
    service: Service, stream: bool, order: tuple[int, ...]
) -> None:
    calls, _, adapted = asked(service, QUESTION, stream=stream, parallel_tool_calls=True)

    assert adapted is None
    assert [json.loads(call["function"]["arguments"])["city"] for call in calls] == CITIES
    assert {call["function"]["name"] for call in calls} == {"city.get-weather"}
    assert len({call["id"] for call in calls}) == 3

    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": f"{city}: {index} градусов"}
        for index, (call, city) in enumerate(zip(calls, CITIES, strict=True))
    ]
    turn = {"role": "assistant", "content": None, "tool_calls": calls}
    _, text, _ = asked(service, QUESTION, turn, *(results[i] for i in order), stream=stream)
    assert all(f"{city}: {index} градусов" in text for index, city in enumerate(CITIES))


def test_one_call_is_made_where_several_are_forbidden(service: Service) -> None:
    calls, _, adapted = asked(service, QUESTION, stream=False, parallel_tool_calls=False)
    assert (len(calls), adapted) == (1, None)


def test_a_call_is_made_where_one_is_demanded(service: Service) -> None:
    greeting = {"role": "user", "content": "Привет, Казань!"}
    calls, _, adapted = asked(service, greeting, stream=False, tool_choice="required")
    assert (len(calls), adapted) == (1, None)


def test_a_dialogue_of_calls_moves_to_another_provider_and_back(service: Service) -> None:
    calls, _, _ = asked(service, QUESTION, stream=False)
    turn = {"role": "assistant", "content": None, "tool_calls": calls}
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "снег"} for call in calls]
    history: Any = [QUESTION, turn, *results]
    client = service.openai()
    for model in ("yandexgpt", "deepseek-v4-flash", MODEL):
        answer = client.chat.completions.create(model=model, messages=history, tools=[WEATHER])
        assert "снег" in (answer.choices[0].message.content or ""), model
