"""instructor: every mode of its typed answers; the rest goes through the client that it patches."""

from typing import Any

import instructor
from openai import OpenAI

from clients import trial

TYPED_MODES = (
    instructor.Mode.TOOLS,
    instructor.Mode.TOOLS_STRICT,
    instructor.Mode.JSON,
    instructor.Mode.MD_JSON,
    instructor.Mode.JSON_SCHEMA,
)
MESSAGES: Any = [{"role": "user", "content": trial.QUESTION}]
WEATHER: Any = [{"role": "user", "content": trial.WEATHER_QUESTION}]
TOOLS: Any = [trial.WEATHER_TOOL]


def chat(model: str) -> str:
    return _plain(model, MESSAGES).choices[0].message.content or ""


def stream(model: str) -> list[str]:
    chunks = _plain(model, MESSAGES, stream=True)
    return [chunk.choices[0].delta.content or "" for chunk in chunks]


def tools(model: str) -> str:
    message = _plain(model, WEATHER, tools=TOOLS).choices[0].message
    fields = message.model_dump(include={"role", "content", "tool_calls"})
    answer = _plain(model, [*WEATHER, fields, *trial.tool_results(message)], tools=TOOLS)
    return answer.choices[0].message.content or ""


def structured(model: str) -> list[Any]:
    request: Any = [{"role": "user", "content": trial.PERSON_REQUEST}]
    persons: list[Any] = []
    for mode in TYPED_MODES:
        client = _client(mode).chat.completions
        options: Any = {"model": model, "messages": request, "response_model": trial.Person}
        persons.append(client.create(max_retries=0, **options))
        *_, last = client.create_partial(max_retries=0, **options)
        persons.append(trial.Person(**last.model_dump()))
    return persons


def _client(mode: instructor.Mode = instructor.Mode.TOOLS) -> instructor.Instructor:
    plain = OpenAI(base_url=trial.BASE_URL, api_key=trial.API_KEY, max_retries=0)
    return instructor.from_openai(plain, mode=mode)


def _plain(model: str, messages: Any, **options: Any) -> Any:
    return _client().chat.completions.create(
        model=model, messages=messages, response_model=None, **options
    )


trial.run(
    "instructor",
    "openai",
    chat=chat,
    stream=stream,
    tools=tools,
    structured=structured,
)
