"""LlamaIndex: `OpenAILike` with an agent and both of its ways to a typed output, and `OpenAILikeEmbedding`."""

from typing import Any

from llama_index.core.agent.workflow import AgentStream, FunctionAgent
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.llms.openai_like import OpenAILike

from clients import trial


def chat(model: str) -> str:
    return _model(model).complete(trial.QUESTION).text


def stream(model: str) -> list[str]:
    return [piece.delta or "" for piece in _model(model).stream_complete(trial.QUESTION)]


async def tools(model: str) -> str:
    agent = FunctionAgent(tools=[trial.get_weather], llm=_model(model), streaming=False)
    return str(await agent.run(trial.WEATHER_QUESTION))


async def streamed_tools(model: str) -> list[str]:
    run = FunctionAgent(tools=[trial.get_weather], llm=_model(model)).run(trial.WEATHER_QUESTION)
    pieces = [event.delta async for event in run.stream_events() if isinstance(event, AgentStream)]
    await run
    return pieces


def structured(model: str) -> list[Any]:
    persons: list[Any] = []
    for by_schema in (True, False):  # otherwise by a function call
        typed = _model(model, should_use_structured_outputs=by_schema)
        persons.append(typed.as_structured_llm(trial.Person).complete(trial.PERSON_REQUEST).raw)
    return persons


def embeddings(model: str) -> list[list[float]]:
    client = OpenAILikeEmbedding(
        model_name=model, api_base=trial.BASE_URL, api_key=trial.API_KEY, max_retries=0
    )
    return client.get_text_embedding_batch(trial.TEXTS)


def _model(name: str, **options: Any) -> OpenAILike:
    return OpenAILike(
        model=name,
        api_base=trial.BASE_URL,
        api_key=trial.API_KEY,
        is_chat_model=True,
        is_function_calling_model=True,
        max_retries=0,
        **options,
    )


trial.run(
    "llama-index-llms-openai-like",
    "llama-index-embeddings-openai-like",
    "llama-index-core",
    "openai",
    chat=chat,
    stream=stream,
    tools=tools,
    streamed_tools=streamed_tools,
    structured=structured,
    embeddings=embeddings,
)
