"""The official Python client: plain calls, its stream helpers, and `parse`."""

from typing import Any

from openai import OpenAI

from clients import trial

client = OpenAI(base_url=trial.BASE_URL, api_key=trial.API_KEY, max_retries=0)
MESSAGES: Any = [{"role": "user", "content": trial.QUESTION}]
WEATHER: Any = [{"role": "user", "content": trial.WEATHER_QUESTION}]
TOOLS: Any = [trial.WEATHER_TOOL]


def chat(model: str) -> str:
    answer = client.chat.completions.create(model=model, messages=MESSAGES)
    return answer.choices[0].message.content or ""


def stream(model: str) -> list[str]:
    chunks = client.chat.completions.create(model=model, messages=MESSAGES, stream=True)
    return [chunk.choices[0].delta.content or "" for chunk in chunks]


def tools(model: str) -> str:
    first = client.chat.completions.create(model=model, messages=WEATHER, tools=TOOLS)
    message = first.choices[0].message
    second = client.chat.completions.create(
        model=model, messages=[*WEATHER, message, *trial.tool_results(message)], tools=TOOLS
    )
    return second.choices[0].message.content or ""


def streamed_tools(model: str) -> list[str]:
    with client.chat.completions.stream(model=model, messages=WEATHER, tools=TOOLS) as first:
        message = first.get_final_completion().choices[0].message
    with client.chat.completions.stream(
        model=model, messages=[*WEATHER, message, *trial.tool_results(message)], tools=TOOLS
    ) as second:
        return [event.delta for event in second if event.type == "content.delta"]


def structured(model: str) -> list[Any]:
    request: Any = [{"role": "user", "content": trial.PERSON_REQUEST}]
    plain = client.chat.completions.parse(
        model=model, messages=request, response_format=trial.Person
    )
    with client.chat.completions.stream(
        model=model, messages=request, response_format=trial.Person
    ) as events:
        streamed = events.get_final_completion()
    return [answer.choices[0].message.parsed for answer in (plain, streamed)]


def embeddings(model: str) -> list[list[float]]:
    answer = client.embeddings.create(model=model, input=trial.TEXTS)
    return [item.embedding for item in answer.data]


trial.run(
    "openai",
    chat=chat,
    stream=stream,
    tools=tools,
    streamed_tools=streamed_tools,
    structured=structured,
    embeddings=embeddings,
)
