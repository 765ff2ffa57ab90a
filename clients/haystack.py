"""Haystack: `OpenAIChatGenerator`, alone and in an agent, and both embedders."""

import json
from typing import Any

from haystack import Document
from haystack.components.agents import Agent
from haystack.components.embedders import OpenAIDocumentEmbedder, OpenAITextEmbedder
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage, StreamingChunk
from haystack.tools import create_tool_from_function
from haystack.utils import Secret

from clients import trial

ADDRESS: dict[str, Any] = {
    "api_key": Secret.from_token(trial.API_KEY),
    "api_base_url": trial.BASE_URL,
    "max_retries": 0,
}
SCHEMA = {"name": "person", "strict": True, "schema": trial.Person.model_json_schema()}
get_weather = create_tool_from_function(trial.get_weather)


def chat(model: str) -> str:
    return _text(_generator(model).run([ChatMessage.from_user(trial.QUESTION)])["replies"])


def stream(model: str) -> list[str]:
    pieces: list[str] = []
    _generator(model).run(
        [ChatMessage.from_user(trial.QUESTION)], streaming_callback=_collect(pieces)
    )
    return pieces


def tools(model: str) -> str:
    agent = Agent(chat_generator=_generator(model), tools=[get_weather])
    return _text(agent.run(messages=[ChatMessage.from_user(trial.WEATHER_QUESTION)])["messages"])


def streamed_tools(model: str) -> list[str]:
    pieces: list[str] = []
    agent = Agent(
        chat_generator=_generator(model), tools=[get_weather], streaming_callback=_collect(pieces)
    )
    agent.run(messages=[ChatMessage.from_user(trial.WEATHER_QUESTION)])
    return pieces


def structured(model: str) -> list[Any]:
    by_schema = {"type": "json_schema", "json_schema": SCHEMA}
    request = [ChatMessage.from_user(trial.PERSON_REQUEST)]
    answers = [
        _generator(model, response_format=trial.Person).run(request),
        _generator(model, response_format=by_schema).run(request),
        _generator(model, response_format=by_schema).run(request, streaming_callback=_collect([])),
    ]
    return [trial.Person(**json.loads(_text(answer["replies"]))) for answer in answers]


def embeddings(model: str) -> list[list[float]]:
    first, second = trial.TEXTS
    documents = OpenAIDocumentEmbedder(model=model, progress_bar=False, **ADDRESS)
    embedded = documents.run([Document(content=first)])["documents"]
    return [
        embedded[0].embedding,
        OpenAITextEmbedder(model=model, **ADDRESS).run(second)["embedding"],
    ]


def _generator(model: str, **generation: Any) -> OpenAIChatGenerator:
    return OpenAIChatGenerator(model=model, generation_kwargs=generation, **ADDRESS)


def _collect(pieces: list[str]) -> Any:
    def take(chunk: StreamingChunk) -> None:
        pieces.append(chunk.content)

    return take


def _text(messages: list[ChatMessage]) -> str:
    return messages[-1].text or ""


trial.run(
    "haystack-ai",
    "openai",
    chat=chat,
    stream=stream,
    tools=tools,
    streamed_tools=streamed_tools,
    structured=structured,
    embeddings=embeddings,
)
