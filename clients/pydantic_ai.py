"""pydantic-ai on either of its models for OpenAI: agents with a tool, and its three ways to a typed output."""

from typing import Any

from openai import AsyncOpenAI
from pydantic_ai import Agent, Embedder, NativeOutput, PromptedOutput, ToolOutput
from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

from clients import trial


def chat(model: str) -> Any:
    return Agent(_model(model)).run_sync(trial.QUESTION).output


async def stream(model: str) -> list[str]:
    return await _streamed(Agent(_model(model)), trial.QUESTION)


def tools(model: str) -> Any:
    agent = Agent(_model(model), tools=[trial.get_weather])
    return agent.run_sync(trial.WEATHER_QUESTION).output


async def streamed_tools(model: str) -> list[str]:
    agent = Agent(_model(model), tools=[trial.get_weather])
    return await _streamed(agent, trial.WEATHER_QUESTION)


def structured(model: str) -> list[Any]:
    ways: list[Any] = [ToolOutput, NativeOutput, PromptedOutput]
    return [
        Agent(_model(model), output_type=way(trial.Person), retries=0)
        .run_sync(trial.PERSON_REQUEST)
        .output
        for way in ways
    ]


async def embeddings(model: str) -> list[list[float]]:
    embedder = Embedder(OpenAIEmbeddingModel(model, provider=_provider()))
    result = await embedder.embed_documents(trial.TEXTS)
    return [list(vector) for vector in result.embeddings]


async def _streamed(agent: Agent[Any, Any], question: str) -> list[str]:
    async with agent.run_stream(question) as result:
        return [piece async for piece in result.stream_text(delta=True, debounce_by=None)]


def _model(name: str) -> OpenAIChatModel | OpenAIResponsesModel:
    kind = OpenAIResponsesModel if trial.USES_RESPONSES else OpenAIChatModel
    return kind(name, provider=_provider())


def _provider() -> OpenAIProvider:
    client = AsyncOpenAI(base_url=trial.BASE_URL, api_key=trial.API_KEY, max_retries=0)
    return OpenAIProvider(openai_client=client)


trial.run(
    "pydantic-ai-slim",
    "openai",
    chat=chat,
    stream=stream,
    tools=tools,
    streamed_tools=streamed_tools,
    structured=structured,
    embeddings=embeddings,
)
