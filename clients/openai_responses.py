"""The official Python client over its Responses API: plain calls, its stream helper, and `parse`."""

import json
from typing import Any

from openai import OpenAI

from clients import trial

client = OpenAI(base_url=trial.BASE_URL, api_key=trial.API_KEY, max_retries=0)
WEATHER: Any = [{"role": "user", "content": trial.WEATHER_QUESTION}]
TOOLS: Any = [{"type": "function", **trial.WEATHER_TOOL["function"], "strict": False}]


def chat(model: str) -> str:
    return client.responses.create(model=model, input=trial.QUESTION).output_text


def stream(model: str) -> list[str]:
    events = client.responses.create(model=model, input=trial.QUESTION, stream=True)
    return [event.delta for event in events if event.type == "response.output_text.delta"]


def tools(model: str) -> str:
    first = client.responses.create(model=model, input=WEATHER, tools=TOOLS)
    second = client.responses.create(model=model, input=_with_results(first), tools=TOOLS)
    return second.output_text


def streamed_tools(model: str) -> list[str]:
    with client.responses.stream(model=model, input=WEATHER, tools=TOOLS) as events:
        first = events.get_final_response()
    with client.responses.stream(model=model, input=_with_results(first), tools=TOOLS) as events:
        return [event.delta for event in events if event.type == "response.output_text.delta"]


def structured(model: str) -> list[Any]:
    plain = client.responses.parse(
        model=model, input=trial.PERSON_REQUEST, text_format=trial.Person
    )
    with client.responses.stream(
        model=model, input=trial.PERSON_REQUEST, text_format=trial.Person
    ) as events:
        streamed = events.get_final_response()
    return [plain.output_parsed, streamed.output_parsed]


def _with_results(answer: Any) -> list[Any]:
    """Do what the calls of an answer ask; return the dialogue with their results."""
    results = [
        {
            "type": "function_call_output",
            "call_id": item.call_id,
            "output": trial.get_weather(**json.loads(item.arguments)),
        }
        for item in answer.output
        if item.type == "function_call"
    ]
    return [*WEATHER, *answer.output, *results]


trial.run(
    "openai",
    chat=chat,
    stream=stream,
    tools=tools,
    streamed_tools=streamed_tools,
    structured=structured,
)
