"""llm, Simon Willison's: models of its file `extra-openai-models.yaml`, tools in a chain, and a schema."""

import json
from typing import Any

import llm

from clients import trial

MODELS_FILE = "extra-openai-models.yaml"


def chat(model: str) -> str:
    return str(_model(model).prompt(trial.QUESTION, key=trial.API_KEY, stream=False).text())


def stream(model: str) -> list[str]:
    return list(_model(model).prompt(trial.QUESTION, key=trial.API_KEY))


def tools(model: str) -> str:
    return str(_chain(model, stream=False).text())


def streamed_tools(model: str) -> list[str]:
    return list(_chain(model, stream=True))


def structured(model: str) -> list[Any]:
    persons = []
    for is_streamed in (False, True):
        answer = _model(model).prompt(
            trial.PERSON_REQUEST, schema=trial.Person, key=trial.API_KEY, stream=is_streamed
        )
        persons.append(trial.Person(**json.loads(answer.text())))
    return persons


def _chain(model: str, *, stream: bool) -> Any:
    return _model(model).chain(
        trial.WEATHER_QUESTION, tools=[trial.get_weather], key=trial.API_KEY, stream=stream
    )


def _model(name: str) -> Any:
    return llm.get_model(name)


def _write_models() -> None:
    """Name the models in the file that llm reads; JSON is YAML too."""
    models = [
        {
            "model_id": model,
            "model_name": model,
            "api_base": trial.BASE_URL,
            "api_key_name": "xrouter",
            "supports_tools": True,
            "supports_schema": True,
        }
        for model in trial.TASK["chat_models"]
    ]
    (llm.user_dir() / MODELS_FILE).write_text(json.dumps(models), encoding="utf-8")


_write_models()
trial.run(
    "llm",
    "openai",
    chat=chat,
    stream=stream,
    tools=tools,
    streamed_tools=streamed_tools,
    structured=structured,
)
