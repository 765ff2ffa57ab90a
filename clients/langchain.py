"""LangChain: `ChatOpenAI` on either API, bound tools, every method of structured output, `OpenAIEmbeddings`."""

import json
from typing import Any

from langchain_core.messages import (
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import SecretStr

from clients import trial

KEY = SecretStr(trial.API_KEY)
SCHEMA = json.dumps(trial.Person.model_json_schema(), ensure_ascii=False)
get_weather = tool(trial.get_weather)


def chat(model: str) -> str:
    return str(_model(model).invoke(trial.QUESTION).text)


def stream(model: str) -> list[str]:
    return [str(chunk.text) for chunk in _model(model).stream(trial.QUESTION)]


def tools(model: str) -> str:
    bound = _model(model).bind_tools([get_weather])
    messages: list[BaseMessage] = [HumanMessage(trial.WEATHER_QUESTION)]
    messages.append(bound.invoke(messages))
    messages += _results(messages[-1])
    return str(bound.invoke(messages).text)


def streamed_tools(model: str) -> list[str]:
    bound = _model(model).bind_tools([get_weather])
    messages: list[BaseMessage] = [HumanMessage(trial.WEATHER_QUESTION)]
    call = AIMessageChunk("")
    for chunk in bound.stream(messages):
        call += chunk
    messages += [call, *_results(call)]
    return [str(chunk.text) for chunk in bound.stream(messages)]


def structured(model: str) -> list[Any]:
    # The JSON mode alone does not send the schema: there the caller has to tell it.
    messages: list[BaseMessage] = [SystemMessage(f"Ответь в JSON по схеме {SCHEMA}")]
    asked: list[BaseMessage] = [HumanMessage(trial.PERSON_REQUEST)]
    ways: list[tuple[Any, list[BaseMessage]]] = [
        ("function_calling", asked),
        ("json_schema", asked),
        ("json_mode", messages + asked),
    ]
    return [
        _model(model).with_structured_output(trial.Person, method=method).invoke(messages)
        for method, messages in ways
    ]


def embeddings(model: str) -> list[list[float]]:
    client = OpenAIEmbeddings(
        model=model,
        base_url=trial.BASE_URL,
        api_key=KEY,
        max_retries=0,
        check_embedding_ctx_length=False,
    )
    return client.embed_documents(trial.TEXTS)


def _model(name: str) -> ChatOpenAI:
    return ChatOpenAI(
        model=name,
        base_url=trial.BASE_URL,
        api_key=KEY,
        max_retries=0,
        use_responses_api=trial.USES_RESPONSES,
    )


def _results(message: Any) -> list[ToolMessage]:
    return [get_weather.invoke(call) for call in message.tool_calls]


trial.run(
    "langchain-openai",
    "langchain-core",
    "openai",
    chat=chat,
    stream=stream,
    tools=tools,
    streamed_tools=streamed_tools,
    structured=structured,
    embeddings=embeddings,
)
