"""The vendor's own SDK, both of its chat clients, takes the emulated GigaChat without a word of complaint."""

import json
import logging
import warnings
from collections.abc import Iterator

import pytest
from gigachat import GigaChat
from gigachat.exceptions import GigaChatException
from gigachat.models.chat_completions import ChatCompletionResponse
from pydantic import BaseModel

from sandbox.core.credentials import GIGACHAT_CREDENTIALS
from sandbox.server import Sandbox

MODEL = "GigaChat-2-Max"
TOOLS = [
    {
        "functions": {
            "specifications": [
                {
                    "name": "get_weather",
                    "description": "Погода в городе",
                    "parameters": {
                        "type": "object",
                        "properties": {"city": {"type": "string"}},
                        "required": ["city"],
                    },
                }
            ]
        }
    }
]


class Person(BaseModel):
    """Карточка человека."""

    name: str
    age: int


@pytest.fixture
def sdk(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> Iterator[GigaChat]:
    origin = sandbox.gigachat_origin
    with (
        warnings.catch_warnings(),
        GigaChat(
            credentials=GIGACHAT_CREDENTIALS,
            base_url=f"{origin}/api/v1",
            auth_url=f"{origin}/api/v2/oauth",
            model=MODEL,
        ) as client,
    ):
        warnings.simplefilter("error")
        yield client
    assert [entry for entry in caplog.records if entry.levelno >= logging.WARNING] == []


def test_the_first_form_answers_streams_and_calls(sdk: GigaChat) -> None:
    answer = sdk.chat("Столица России?")
    assert answer.choices[0].message.content == "Столица России — Москва."
    pieces = [chunk.choices[0].delta.content for chunk in sdk.stream("Столица России?")]
    assert "".join(piece or "" for piece in pieces) == "Столица России — Москва."
    [functions] = [tool["functions"]["specifications"] for tool in TOOLS]
    asked = {
        "messages": [{"role": "user", "content": "Погода в Казани?"}],
        "functions": functions,
        "function_call": "auto",
    }
    call = sdk.chat(asked).choices[0].message.function_call
    assert call is not None
    assert (call.name, call.arguments) == ("get_weather", {"city": "Казань"})


def test_the_second_form_answers_streams_and_keeps_to_a_schema(sdk: GigaChat) -> None:
    assert _text(sdk.chat.create("Столица России?")) == "Столица России — Москва."
    chunks = list(sdk.chat.stream("Столица России?"))
    parts = [
        part.text
        for chunk in chunks
        for message in chunk.messages or []
        for part in message.content or []
    ]
    assert "".join(part or "" for part in parts) == "Столица России — Москва."
    assert chunks[-1].event == "response.message.done"
    assert chunks[-1].usage is not None
    _, person = sdk.chat.parse("Заполни карточку: имя «Анна», возраст 31", response_format=Person)
    assert person == Person(name="Анна", age=31)


def test_several_calls_of_the_second_form_take_their_results(sdk: GigaChat) -> None:
    question = {"role": "user", "content": "Погода в Казани, Москве и Томске?"}
    options = {"tools": TOOLS, "model_options": {"parallel_tool_calls": True}}
    turn = sdk.chat.create({"messages": [question], **options}).messages[0]
    calls = [part.function_call for part in turn.content or [] if part.function_call is not None]
    assert [call.arguments["city"] for call in calls] == ["Казань", "Москва", "Томск"]
    results = {
        "role": "tool",
        "tools_state_id": turn.tools_state_id,
        "content": [
            {
                "function_result": {
                    "id": call.id_,
                    "name": call.name,
                    "result": {"weather": f"снег, {call.arguments['city']}"},
                }
            }
            for call in reversed(calls)
        ],
    }
    said = turn.model_dump(exclude_none=True, by_alias=True)
    answer = sdk.chat.create({"messages": [question, said, results], **options})
    assert all(city in _text(answer) for city in ("Казань", "Москва", "Томск"))


def test_what_is_refused_is_an_exception_of_the_sdk(sdk: GigaChat) -> None:
    with pytest.raises(GigaChatException) as refused:
        sdk.chat.create({"messages": [{"role": "developer", "content": "x"}]})
    assert "invalid JSON syntax" in str(refused.value)


def test_models_files_and_counts_are_read(sdk: GigaChat) -> None:
    assert MODEL in {model.id_ for model in sdk.get_models().data}
    stored = sdk.upload_file(("cat.png", b"\x89PNG", "image/png"))
    assert sdk.delete_file(stored.id_).deleted
    [count] = sdk.tokens_count(["раз два"], model="GigaChat-2")
    assert count.tokens > 0
    assert (
        len(json.loads(sdk.embeddings(["раз"]).model_dump_json())["data"][0]["embedding"]) == 1024
    )


def _text(answer: ChatCompletionResponse) -> str:
    return "".join(part.text or "" for message in answer.messages for part in message.content or [])
