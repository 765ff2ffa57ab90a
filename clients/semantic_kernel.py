"""Semantic Kernel: `OpenAIChatCompletion` with functions that it calls itself, and `OpenAITextEmbedding`."""

from typing import Any

from openai import AsyncOpenAI
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.open_ai import (
    OpenAIChatCompletion,
    OpenAIChatPromptExecutionSettings,
    OpenAITextEmbedding,
)
from semantic_kernel.contents import ChatHistory
from semantic_kernel.functions import kernel_function

from clients import trial


class Weather:
    """A plugin of one function."""

    @kernel_function(name="get_weather", description="Погода в городе")
    def get_weather(self, city: str) -> str:
        return trial.get_weather(city)


async def chat(model: str) -> str:
    return await _answer(model, trial.QUESTION, OpenAIChatPromptExecutionSettings())


async def stream(model: str) -> list[str]:
    return await _streamed(model, trial.QUESTION, OpenAIChatPromptExecutionSettings())


async def tools(model: str) -> str:
    return await _answer(model, trial.WEATHER_QUESTION, _calling())


async def streamed_tools(model: str) -> list[str]:
    return await _streamed(model, trial.WEATHER_QUESTION, _calling())


async def structured(model: str) -> list[Any]:
    settings = OpenAIChatPromptExecutionSettings(response_format=trial.Person)
    plain = await _answer(model, trial.PERSON_REQUEST, settings)
    pieces = await _streamed(model, trial.PERSON_REQUEST, settings)
    return [trial.Person.model_validate_json(text) for text in (plain, "".join(pieces))]


async def embeddings(model: str) -> list[list[float]]:
    service = OpenAITextEmbedding(ai_model_id=model, async_client=_client())
    return [list(vector) for vector in await service.generate_embeddings(trial.TEXTS)]


async def _answer(model: str, question: str, settings: Any) -> str:
    answer = await _service(model).get_chat_message_content(
        _history(question), settings, kernel=_kernel()
    )
    return str(answer)


async def _streamed(model: str, question: str, settings: Any) -> list[str]:
    pieces = _service(model).get_streaming_chat_message_content(
        _history(question), settings, kernel=_kernel()
    )
    return [str(piece) async for piece in pieces]


def _calling() -> OpenAIChatPromptExecutionSettings:
    return OpenAIChatPromptExecutionSettings(function_choice_behavior=FunctionChoiceBehavior.Auto())


def _kernel() -> Kernel:
    kernel = Kernel()
    kernel.add_plugin(Weather(), plugin_name="weather")
    return kernel


def _history(question: str) -> ChatHistory:
    history = ChatHistory()
    history.add_user_message(question)
    return history


def _service(model: str) -> OpenAIChatCompletion:
    return OpenAIChatCompletion(ai_model_id=model, async_client=_client())


def _client() -> AsyncOpenAI:
    return AsyncOpenAI(base_url=trial.BASE_URL, api_key=trial.API_KEY, max_retries=0)


trial.run(
    "semantic-kernel",
    "openai",
    chat=chat,
    stream=stream,
    tools=tools,
    streamed_tools=streamed_tools,
    structured=structured,
    embeddings=embeddings,
)
