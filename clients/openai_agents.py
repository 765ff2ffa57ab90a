"""OpenAI's Agents SDK on either of its models: agents with a tool and with an output type."""

from typing import Any

from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    function_tool,
)
from openai import AsyncOpenAI
from openai.types.responses import ResponseTextDeltaEvent

from clients import trial

QUIETLY = RunConfig(tracing_disabled=True)
get_weather = function_tool(trial.get_weather)


async def chat(model: str) -> Any:
    return await _final(_agent(model), trial.QUESTION)


async def stream(model: str) -> list[str]:
    return await _streamed(_agent(model), trial.QUESTION)


async def tools(model: str) -> Any:
    return await _final(_agent(model, tools=[get_weather]), trial.WEATHER_QUESTION)


async def streamed_tools(model: str) -> list[str]:
    return await _streamed(_agent(model, tools=[get_weather]), trial.WEATHER_QUESTION)


async def structured(model: str) -> list[Any]:
    return [await _final(_agent(model, output_type=trial.Person), trial.PERSON_REQUEST)]


async def _final(agent: Agent, question: str) -> Any:
    return (await Runner.run(agent, question, run_config=QUIETLY)).final_output


async def _streamed(agent: Agent, question: str) -> list[str]:
    run = Runner.run_streamed(agent, question, run_config=QUIETLY)
    return [
        event.data.delta
        async for event in run.stream_events()
        if event.type == "raw_response_event" and isinstance(event.data, ResponseTextDeltaEvent)
    ]


def _agent(model: str, **options: Any) -> Agent:
    client = AsyncOpenAI(base_url=trial.BASE_URL, api_key=trial.API_KEY, max_retries=0)
    kind = OpenAIResponsesModel if trial.USES_RESPONSES else OpenAIChatCompletionsModel
    served = kind(model=model, openai_client=client)
    return Agent(name="assistant", model=served, **options)


trial.run(
    "openai-agents",
    "openai",
    chat=chat,
    stream=stream,
    tools=tools,
    streamed_tools=streamed_tools,
    structured=structured,
)
