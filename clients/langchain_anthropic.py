"""LangChain over Anthropic's protocol: `ChatAnthropic` with bound tools and typed answers."""

from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.tools import tool
from pydantic import SecretStr

from clients import trial

MOST_TOKENS = 1024
get_weather = tool(trial.get_weather)


def chat(model: str) -> str:
    return _model(model).invoke(trial.QUESTION).text


def stream(model: str) -> list[str]:
    return [chunk.text for chunk in _model(model).stream(trial.QUESTION)]


def tools(model: str) -> str:
    bound = _model(model).bind_tools([get_weather])
    messages: list[BaseMessage] = [HumanMessage(trial.WEATHER_QUESTION)]
    messages.append(bound.invoke(messages))
    messages += _results(messages[-1])
    return bound.invoke(messages).text


def streamed_tools(model: str) -> list[str]:
    bound = _model(model).bind_tools([get_weather])
    messages: list[BaseMessage] = [HumanMessage(trial.WEATHER_QUESTION)]
    call = AIMessageChunk("")
    for chunk in bound.stream(messages):
        call += chunk
    messages += [call, *_results(call)]
    return [chunk.text for chunk in bound.stream(messages)]


def structured(model: str) -> list[Any]:
    return [
        _model(model)
        .with_structured_output(trial.Person, method=method)
        .invoke(trial.PERSON_REQUEST)
        for method in ("function_calling", "json_schema")
    ]


def _model(name: str) -> ChatAnthropic:
    return ChatAnthropic(
        model_name=name,
        base_url=trial.BASE_URL.removesuffix("/v1"),
        api_key=SecretStr(trial.API_KEY),
        max_tokens_to_sample=MOST_TOKENS,
        max_retries=0,
    )


def _results(message: Any) -> list[BaseMessage]:
    return [get_weather.invoke(call) for call in message.tool_calls]


trial.run(
    "langchain-anthropic",
    "langchain-core",
    "anthropic",
    chat=chat,
    stream=stream,
    tools=tools,
    streamed_tools=streamed_tools,
    structured=structured,
)
