"""LiteLLM as a client: the prefix `openai/` sends a model's name to any OpenAI-compatible address."""

from typing import Any

import litellm

from clients import trial

ADDRESS: dict[str, Any] = {
    "api_base": trial.BASE_URL,
    "api_key": trial.API_KEY,
    "max_retries": 0,
}
MESSAGES = [{"role": "user", "content": trial.QUESTION}]
WEATHER = [{"role": "user", "content": trial.WEATHER_QUESTION}]
TOOLS = [trial.WEATHER_TOOL]


def chat(model: str) -> str:
    return _text(_complete(model, MESSAGES))


def stream(model: str) -> list[str]:
    return [_delta(chunk) for chunk in _complete(model, MESSAGES, stream=True)]


def tools(model: str) -> str:
    message = _complete(model, WEATHER, tools=TOOLS).choices[0].message
    return _text(_complete(model, [*WEATHER, message, *trial.tool_results(message)], tools=TOOLS))


def streamed_tools(model: str) -> list[str]:
    chunks = list(_complete(model, WEATHER, tools=TOOLS, stream=True))
    whole: Any = litellm.stream_chunk_builder(chunks, messages=WEATHER)
    message = whole.choices[0].message
    answer = [*WEATHER, message, *trial.tool_results(message)]
    return [_delta(chunk) for chunk in _complete(model, answer, tools=TOOLS, stream=True)]


def structured(model: str) -> list[Any]:
    request = [{"role": "user", "content": trial.PERSON_REQUEST}]
    answer = _complete(model, request, response_format=trial.Person)
    return [trial.Person.model_validate_json(_text(answer))]


def embeddings(model: str) -> list[list[float]]:
    answer = litellm.embedding(model=f"openai/{model}", input=trial.TEXTS, **ADDRESS)
    return [item["embedding"] for item in answer.data]


def _complete(model: str, messages: list[Any], **options: Any) -> Any:
    return litellm.completion(model=f"openai/{model}", messages=messages, **ADDRESS, **options)


def _text(answer: Any) -> str:
    return answer.choices[0].message.content or ""


def _delta(chunk: Any) -> str:
    return chunk.choices[0].delta.content or ""


trial.run(
    "litellm",
    "openai",
    chat=chat,
    stream=stream,
    tools=tools,
    streamed_tools=streamed_tools,
    structured=structured,
    embeddings=embeddings,
)
