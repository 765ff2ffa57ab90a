"""Tools, structured answers, embeddings and the rest of what agents need, through the official client."""

import base64
import json
import struct
from typing import Any

import openai
import pydantic
import pytest

from tests.live.service import Service

MODELS = ["gigachat-pro", "yandexgpt"]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get-weather",
        "description": "Погода в городе",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"anyOf": [{"type": "string", "enum": ["C", "F"]}, {"type": "null"}]},
            },
            "required": ["city"],
        },
    },
}
QUESTION: Any = [{"role": "user", "content": "Какая погода в городе Томск?"}]


@pytest.mark.parametrize("model", MODELS)
def test_a_tool_round_trip(service: Service, model: str) -> None:
    client = service.openai()

    first = client.chat.completions.create(model=model, messages=QUESTION, tools=[WEATHER])
    message = first.choices[0].message
    assert first.choices[0].finish_reason == "tool_calls"
    assert message.tool_calls
    call: Any = message.tool_calls[0]
    assert call.function.name == "get-weather"
    assert isinstance(call.function.arguments, str)
    assert json.loads(call.function.arguments)["city"] == "Томск"

    result = {"role": "tool", "tool_call_id": call.id, "content": "минус 20"}
    history: Any = [*QUESTION, message, result]
    second = client.chat.completions.create(model=model, messages=history, tools=[WEATHER])
    assert second.choices[0].finish_reason == "stop"
    assert "минус 20" in (second.choices[0].message.content or "")


@pytest.mark.parametrize("model", MODELS)
def test_a_streamed_call_bears_index_id_and_name(service: Service, model: str) -> None:
    stream = service.openai().chat.completions.create(
        model=model, messages=QUESTION, tools=[WEATHER], stream=True
    )

    chunks = list(stream)

    pieces = [piece for c in chunks for piece in c.choices[0].delta.tool_calls or []]
    assert {piece.index for piece in pieces} == {0}
    assert pieces[0].id
    assert pieces[0].function is not None
    assert pieces[0].function.name == "get-weather"
    arguments = "".join(p.function.arguments or "" for p in pieces if p.function)
    assert json.loads(arguments)["city"] == "Томск"
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "get-weather"}}]
)
def test_a_forced_tool_is_called(service: Service, model: str, choice: Any) -> None:
    answer = service.openai().chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": "Привет"}],
        tools=[WEATHER],
        tool_choice=choice,
    )

    assert answer.choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize("model", MODELS)
def test_tool_choice_none_means_words(service: Service, model: str) -> None:
    answer = service.openai().chat.completions.create(
        model=model, messages=QUESTION, tools=[WEATHER], tool_choice="none"
    )

    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.tool_calls is None


def test_the_deprecated_functions_travel_both_ways(service: Service) -> None:
    client = service.openai()
    first = client.chat.completions.create(
        model="gigachat-pro", messages=QUESTION, functions=[WEATHER["function"]]
    )

    message = first.choices[0].message
    assert first.choices[0].finish_reason == "function_call"
    assert message.function_call is not None
    result = {"role": "function", "name": "get-weather", "content": "минус 20"}
    history: Any = [*QUESTION, message, result]
    second = client.chat.completions.create(
        model="gigachat-pro", messages=history, functions=[WEATHER["function"]]
    )
    assert "минус 20" in (second.choices[0].message.content or "")


@pytest.mark.parametrize("stream", [False, True])
def test_the_deprecated_functions_are_called_one_at_a_time(service: Service, stream: bool) -> None:
    """There is one place for a call, and `tools: null` is what many clients send for no tools."""
    question: Any = [{"role": "user", "content": "Какая погода в Москве, Казани и Томске?"}]

    answer: Any = service.openai().chat.completions.create(
        model="gigachat-2-max",
        messages=question,
        functions=[WEATHER["function"]],
        stream=stream,
        extra_body={"tools": None},
    )

    if stream:
        calls = [c.choices[0].delta.function_call for c in answer if c.choices]
    else:
        calls = [answer.choices[0].message.function_call]
    assert [call.name for call in calls if call is not None] == ["get-weather"]
    sent = service.sandbox.requests.of("gigachat", "completions")[-1]
    assert sent.body["model_options"]["parallel_tool_calls"] is False


class LivePerson(pydantic.BaseModel):
    """What a structured answer has to fill."""

    name: str
    age: int


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("marker", ["", "sandbox:unruly=fences ", "sandbox:unruly=missing "])
def test_a_structured_answer_parses(service: Service, model: str, marker: str) -> None:
    answer = service.openai().chat.completions.parse(
        model=model,
        messages=[{"role": "user", "content": f"{marker}Опиши человека"}],
        response_format=LivePerson,
    )

    assert answer.choices[0].finish_reason == "stop"
    assert isinstance(answer.choices[0].message.parsed, LivePerson)


@pytest.mark.parametrize("model", MODELS)
def test_a_document_that_cannot_be_mended_is_a_502_free_of_charge(
    service: Service, model: str
) -> None:
    key = service.fresh_key()

    with pytest.raises(openai.APIStatusError) as failure:
        service.openai(key).chat.completions.parse(
            model=model,
            messages=[{"role": "user", "content": "sandbox:unruly=missing! Опиши человека"}],
            response_format=LivePerson,
        )

    assert failure.value.status_code == 502
    assert failure.value.code == "provider_error"
    with service.http(key) as http:
        assert http.get("/v1/credits").json()["data"]["total_usage"] == 0


@pytest.mark.parametrize("model", MODELS)
def test_a_json_object_is_one(service: Service, model: str) -> None:
    answer = service.openai().chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": "Ответь в JSON: столица России"}],
        response_format={"type": "json_object"},
    )

    assert isinstance(json.loads(answer.choices[0].message.content or ""), dict)


def test_a_schema_that_is_none_is_refused_by_name(service: Service) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        service.openai().chat.completions.create(
            model="yandexgpt",
            messages=QUESTION,
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "x", "schema": {"type": "objekt"}},
            },
        )

    assert refusal.value.param is not None
    assert refusal.value.param.startswith("response_format.json_schema.schema")


def test_a_picture_is_seen_by_a_model_with_eyes_and_removed_afterwards(service: Service) -> None:
    pixel = base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
    url = "data:image/png;base64," + base64.b64encode(pixel).decode()

    answer = service.openai().chat.completions.create(
        model="gigachat-2-max",
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Что на картинке?"},
                    {"type": "image_url", "image_url": {"url": url}},
                ],
            }
        ],
    )

    assert answer.choices[0].message.content
    files = [record for record in service.sandbox.requests if "/files" in record.path]
    assert files[0].path.endswith("/files")
    assert files[-1].path.endswith("/delete")


@pytest.mark.parametrize("model", ["embeddings", "text-search-doc"])
def test_embeddings_keep_their_order_and_their_numbers(service: Service, model: str) -> None:
    texts = [f"текст {number}" for number in range(7)]
    client = service.openai()

    packed = client.embeddings.create(model=model, input=texts)
    plain = client.embeddings.create(model=model, input=texts[3], encoding_format="float")

    assert [item.index for item in packed.data] == list(range(7))
    assert len(plain.data) == 1
    assert packed.data[3].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)
    assert packed.usage.prompt_tokens > plain.usage.prompt_tokens > 0


def test_embeddings_are_packed_as_little_endian_floats(service: Service) -> None:
    with service.http() as http:
        request = {"model": "text-search-doc", "input": "текст"}
        floats = http.post("/v1/embeddings", json=request).json()
        packed = http.post("/v1/embeddings", json=request | {"encoding_format": "base64"}).json()

    raw = base64.b64decode(packed["data"][0]["embedding"])
    assert struct.unpack("<256f", raw) == pytest.approx(floats["data"][0]["embedding"], abs=1e-6)
    assert floats["usage"]["cost"] > 0


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": "x"}, "model"),
        ({"model": "embeddings"}, "input"),
        ({"model": "embeddings", "input": [1, 2, 3]}, "input"),
        ({"model": "embeddings", "input": [[1, 2]]}, "input"),
        ({"model": "embeddings", "input": ""}, "input"),
        ({"model": "embeddings", "input": "x", "dimensions": 5}, "dimensions"),
        ({"model": "embeddings", "input": "x", "encoding_format": "hex"}, "encoding_format"),
        ({"model": "gigachat-pro", "input": "x"}, "model"),
    ],
)
def test_wrong_embeddings_requests_are_refused_by_name(
    service: Service, body: Any, param: str
) -> None:
    with service.http() as http:
        response = http.post("/v1/embeddings", json=body)

    assert response.status_code == 400
    assert response.json()["error"]["param"] == param


def test_the_older_completions_answer_with_text(service: Service) -> None:
    client = service.openai()

    plain = client.completions.create(model="yandexgpt-lite", prompt="Столица России?")
    stream = client.completions.create(
        model="yandexgpt-lite", prompt="Столица России?", stream=True
    )
    chunks = list(stream)

    assert plain.object == "text_completion"
    assert plain.choices[0].text == "Столица России — Москва."
    assert "".join(chunk.choices[0].text for chunk in chunks) == plain.choices[0].text
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("model", MODELS)
def test_tokens_are_counted_by_the_provider(service: Service, model: str) -> None:
    with service.http() as http:
        short = http.post("/v1/tokens/count", json={"model": model, "messages": QUESTION})
        long = http.post(
            "/v1/tokens/count", json={"model": model, "messages": QUESTION * 3, "stream": True}
        )
        charged = http.get("/v1/credits").json()

    assert 0 < short.json()["data"]["tokens"] < long.json()["data"]["tokens"]
    assert charged
