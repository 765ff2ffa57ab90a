"""smolagents: `OpenAIServerModel` alone, and a `ToolCallingAgent`, whose every step must be a call."""

import json
from typing import Any

from smolagents import ChatMessage, FinalAnswerTool, OpenAIServerModel, ToolCallingAgent, tool

from clients import trial

SCHEMA = {"name": "person", "strict": True, "schema": trial.Person.model_json_schema()}


@tool
def get_weather(city: str) -> str:
    """Погода в городе

    Args:
        city: Город
    """
    return trial.get_weather(city)


def chat(model: str) -> str:
    return str(_model(model).generate(_asked(trial.QUESTION)).content)


def stream(model: str) -> list[str]:
    deltas = _model(model).generate_stream(_asked(trial.QUESTION))
    return [delta.content or "" for delta in deltas]


def tools(model: str) -> str:
    return str(_agent(model).run(trial.WEATHER_QUESTION))


def streamed_tools(model: str) -> list[str]:
    *_, last = _agent(model, stream_outputs=True).run(trial.WEATHER_QUESTION, stream=True)
    return [str(last.output)]  # the answer is an argument of the last call


def structured(model: str) -> list[Any]:
    answer = _model(model).generate(
        _asked(trial.PERSON_REQUEST),
        response_format={"type": "json_schema", "json_schema": SCHEMA},
    )
    return [trial.Person(**json.loads(str(answer.content)))]


def _asked(question: str) -> list[ChatMessage | dict[str, Any]]:
    return [{"role": "user", "content": question}]


def _agent(model: str, **options: Any) -> ToolCallingAgent:
    # The sandbox, when it must call and nothing is asked of it, calls the first tool.
    return ToolCallingAgent(
        tools=[FinalAnswerTool(), get_weather], model=_model(model), verbosity_level=0, **options
    )


def _model(name: str) -> OpenAIServerModel:
    return OpenAIServerModel(
        name,
        api_base=trial.BASE_URL,
        api_key=trial.API_KEY,
        client_kwargs={"max_retries": 0},
    )


trial.run(
    "smolagents",
    "openai",
    chat=chat,
    stream=stream,
    tools=tools,
    streamed_tools=streamed_tools,
    structured=structured,
)
