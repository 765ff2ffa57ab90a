"""Anthropic's official Python client over `/v1/messages`: plain calls, its stream helper, and `parse`."""

from typing import Any

from anthropic import Anthropic

from clients import trial

client = Anthropic(
    base_url=trial.BASE_URL.removesuffix("/v1"), api_key=trial.API_KEY, max_retries=0
)
MOST_TOKENS = 1024
MESSAGES: Any = [{"role": "user", "content": trial.QUESTION}]
WEATHER: Any = [{"role": "user", "content": trial.WEATHER_QUESTION}]
FUNCTION = trial.WEATHER_TOOL["function"]
TOOLS: Any = [
    {
        "name": FUNCTION["name"],
        "description": FUNCTION["description"],
        "input_schema": FUNCTION["parameters"],
    }
]


def chat(model: str) -> str:
    answer = client.messages.create(model=model, max_tokens=MOST_TOKENS, messages=MESSAGES)
    return _text(answer)


def stream(model: str) -> list[str]:
    with client.messages.stream(model=model, max_tokens=MOST_TOKENS, messages=MESSAGES) as events:
        return list(events.text_stream)


def tools(model: str) -> str:
    first = client.messages.create(
        model=model, max_tokens=MOST_TOKENS, messages=WEATHER, tools=TOOLS
    )
    second = client.messages.create(
        model=model, max_tokens=MOST_TOKENS, messages=_with_results(first), tools=TOOLS
    )
    return _text(second)


def streamed_tools(model: str) -> list[str]:
    with client.messages.stream(
        model=model, max_tokens=MOST_TOKENS, messages=WEATHER, tools=TOOLS
    ) as events:
        first = events.get_final_message()
    with client.messages.stream(
        model=model, max_tokens=MOST_TOKENS, messages=_with_results(first), tools=TOOLS
    ) as events:
        return list(events.text_stream)


def structured(model: str) -> list[Any]:
    answer = client.messages.parse(
        model=model,
        max_tokens=MOST_TOKENS,
        messages=[{"role": "user", "content": trial.PERSON_REQUEST}],
        output_format=trial.Person,
    )
    return [answer.parsed_output]


def _text(answer: Any) -> str:
    return "".join(block.text for block in answer.content if block.type == "text")


def _with_results(answer: Any) -> list[Any]:
    """Do what the calls of an answer ask; return the dialogue with their results."""
    results = [
        {
            "type": "tool_result",
            "tool_use_id": block.id,
            "content": trial.get_weather(**block.input),
        }
        for block in answer.content
        if block.type == "tool_use"
    ]
    answered = {"role": "assistant", "content": answer.content}
    return [*WEATHER, answered, {"role": "user", "content": results}]


trial.run(
    "anthropic",
    chat=chat,
    stream=stream,
    tools=tools,
    streamed_tools=streamed_tools,
    structured=structured,
)
