"""AutoGen: `OpenAIChatCompletionClient` alone and in an `AssistantAgent` that reflects on its tool's result."""

from typing import Any

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.messages import ModelClientStreamingChunkEvent
from autogen_core.models import ModelInfo, UserMessage
from autogen_ext.models.openai import OpenAIChatCompletionClient

from clients import trial

INFO = ModelInfo(
    vision=False,
    function_calling=True,
    json_output=True,
    family="unknown",
    structured_output=True,
)


async def chat(model: str) -> str:
    return str((await _client(model).create(_asked(trial.QUESTION))).content)


async def stream(model: str) -> list[str]:
    pieces = _client(model).create_stream(_asked(trial.QUESTION))
    return [piece async for piece in pieces if isinstance(piece, str)]


async def tools(model: str) -> Any:
    result = await _agent(model).run(task=trial.WEATHER_QUESTION)
    return result.messages[-1].to_text()


async def streamed_tools(model: str) -> list[str]:
    events = _agent(model, model_client_stream=True).run_stream(task=trial.WEATHER_QUESTION)
    return [
        event.content async for event in events if isinstance(event, ModelClientStreamingChunkEvent)
    ]


async def structured(model: str) -> list[Any]:
    asked = _asked(trial.PERSON_REQUEST)
    plain = await _client(model).create(asked, json_output=trial.Person)
    pieces = [
        piece async for piece in _client(model).create_stream(asked, json_output=trial.Person)
    ]
    return [trial.Person.model_validate_json(answer.content) for answer in (plain, pieces[-1])]


def _asked(question: str) -> list[Any]:
    return [UserMessage(content=question, source="user")]


def _agent(model: str, **options: Any) -> AssistantAgent:
    return AssistantAgent(
        "assistant",
        _client(model),
        tools=[trial.get_weather],
        reflect_on_tool_use=True,
        **options,
    )


def _client(model: str) -> OpenAIChatCompletionClient:
    return OpenAIChatCompletionClient(
        model=model,
        base_url=trial.BASE_URL,
        api_key=trial.API_KEY,
        model_info=INFO,
        max_retries=0,
    )


trial.run(
    "autogen-ext",
    "autogen-agentchat",
    "openai",
    chat=chat,
    stream=stream,
    tools=tools,
    streamed_tools=streamed_tools,
    structured=structured,
)
