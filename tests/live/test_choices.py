"""`n` answers to one prompt, through the official client: choices of one generation, paid for together."""

import json
from decimal import Decimal
from typing import Any

import pydantic
import pytest

from sandbox.core.faults import endless, http_error
from tests.api.test_openrouter import fits
from tests.live.callers import LiveCall, events_in, wait_until
from tests.live.service import Service

MODELS = [("gigachat-pro", "gigachat"), ("yandexgpt", "yandexgpt")]
HELLO: Any = [{"role": "user", "content": "Столица России?"}]
QUESTION: Any = [{"role": "user", "content": "Какая погода в городе Томск?"}]
FUNCTION: Any = {
    "name": "get-weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
WEATHER: Any = {"type": "function", "function": FUNCTION}
both_providers = pytest.mark.parametrize(("model", "provider"), MODELS)


class ChosenPerson(pydantic.BaseModel):
    """What each choice has to fill."""

    name: str
    age: int


def _asked(service: Service, provider: Any) -> int:
    return len(service.sandbox.requests.of(provider, "ompletion"))


def _in_order(chunks: list[Any]) -> dict[int, list[Any]]:
    """Return the choices of chunks by their index; each ends before the next begins."""
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert [choice.index for choice in choices] == sorted(choice.index for choice in choices)
    return {
        index: [choice for choice in choices if choice.index == index]
        for index in {choice.index for choice in choices}
    }


@both_providers
def test_n_answers_are_choices_of_one_generation(
    service: Service, model: str, provider: str
) -> None:
    client = service.openai()
    alone = client.chat.completions.create(model=model, messages=HELLO)
    before = _asked(service, provider)

    raw = client.chat.completions.with_raw_response.create(model=model, messages=HELLO, n=3)

    answer = raw.parse()
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert {choice.finish_reason for choice in answer.choices} == {"stop"}
    assert all("Москва" in (choice.message.content or "") for choice in answer.choices)
    assert _asked(service, provider) - before == 3
    assert "x-xrouter-adapted" not in raw.headers
    assert answer.usage is not None
    assert alone.usage is not None
    assert answer.usage.completion_tokens == 3 * alone.usage.completion_tokens
    assert answer.usage.prompt_tokens == 3 * alone.usage.prompt_tokens
    with service.http() as http:
        told = http.get("/v1/generation", params={"id": answer.id}).json()["data"]
    assert told["tokens_prompt"] == answer.usage.prompt_tokens
    assert Decimal(str(told["total_cost"])) == Decimal(str(answer.usage.to_dict()["cost"]))


@both_providers
def test_streamed_choices_each_have_a_role_and_an_end(
    service: Service, model: str, provider: str
) -> None:
    *chunks, last = service.openai().chat.completions.create(
        model=model, messages=HELLO, n=3, stream=True, stream_options={"include_usage": True}
    )

    assert last.choices == []
    assert last.usage is not None
    for choices in _in_order(chunks).values():
        assert choices[0].delta.role == "assistant"
        assert [choice.delta.role for choice in choices].count("assistant") == 1
        assert [c.finish_reason for c in choices if c.finish_reason] == ["stop"]
        assert choices[-1].finish_reason == "stop"
        assert "Москва" in "".join(choice.delta.content or "" for choice in choices)
    assert len(_in_order(chunks)) == 3


@both_providers
@pytest.mark.parametrize("is_streamed", [False, True])
def test_texts_have_n_choices_for_each_prompt(
    service: Service, model: str, provider: str, is_streamed: bool
) -> None:
    answer: Any = service.openai().completions.create(
        model=model, prompt=["Столица России?", "Столица Франции?"], n=2, stream=is_streamed
    )

    chunks = list(answer) if is_streamed else [answer]
    texts = ["".join(c.text for c in choices) for choices in _in_order(chunks).values()]
    assert texts[0] == texts[1]
    assert texts[2] == texts[3]
    assert "Москва" in texts[0]
    assert "Франции" in texts[2]


@both_providers
def test_each_choice_calls_tools_with_ids_of_its_own(
    service: Service, model: str, provider: str
) -> None:
    client = service.openai().chat.completions
    plain = client.create(model=model, messages=QUESTION, tools=[WEATHER], n=2)
    chunks = list(client.create(model=model, messages=QUESTION, tools=[WEATHER], n=2, stream=True))

    calls: list[Any] = [(choice.message.tool_calls or [])[0] for choice in plain.choices]
    pieces_of_calls = []
    for choices in _in_order(chunks).values():
        pieces = [piece for choice in choices for piece in choice.delta.tool_calls or []]
        assert {piece.index for piece in pieces} == {0}
        assert json.loads("".join(piece.function.arguments or "" for piece in pieces))
        assert choices[-1].finish_reason == "tool_calls"
        pieces_of_calls.append(pieces[0])
    assert {choice.finish_reason for choice in plain.choices} == {"tool_calls"}
    for called in (calls, pieces_of_calls):
        assert len({call.id for call in called}) == 2
        assert {call.function.name for call in called} == {"get-weather"}


@pytest.mark.parametrize("is_streamed", [False, True])
def test_each_choice_has_a_deprecated_call(service: Service, is_streamed: bool) -> None:
    answer: Any = service.openai().chat.completions.create(
        model="gigachat-pro", messages=QUESTION, functions=[FUNCTION], n=2, stream=is_streamed
    )

    by_index = _in_order(list(answer) if is_streamed else [answer])
    assert len(by_index) == 2
    for choices in by_index.values():
        said = [choice.delta if is_streamed else choice.message for choice in choices]
        assert [s.function_call.name for s in said if s.function_call] == ["get-weather"]
        assert choices[-1].finish_reason == "function_call"


@both_providers
@pytest.mark.parametrize("marker", ["", "sandbox:unruly=fences "])
def test_each_choice_fits_the_schema(
    service: Service, model: str, provider: str, marker: str
) -> None:
    messages: Any = [{"role": "user", "content": f"{marker}Опиши человека"}]
    plain = service.openai().chat.completions.parse(
        model=model, messages=messages, response_format=ChosenPerson, n=2
    )
    with service.openai().chat.completions.stream(
        model=model, messages=messages, response_format=ChosenPerson, n=2
    ) as stream:
        streamed = stream.get_final_completion()

    for answer in (plain, streamed):
        assert [choice.index for choice in answer.choices] == [0, 1]
        assert all(isinstance(c.message.parsed, ChosenPerson) for c in answer.choices)


def test_stop_ends_each_choice(service: Service) -> None:
    answer = service.openai().chat.completions.create(
        model="yandexgpt", messages=HELLO, n=2, stop=[" — "]
    )

    assert [choice.message.content for choice in answer.choices] == ["Столица России"] * 2


@pytest.mark.parametrize("is_streamed", [False, True])
def test_strict_and_required_parameters_let_n_pass(service: Service, is_streamed: bool) -> None:
    answer: Any = service.openai().chat.completions.create(
        model="yandexgpt",
        messages=HELLO,
        n=2,
        stream=is_streamed,
        extra_headers={"X-XRouter-Strict": "true"},
        extra_body={"provider": {"require_parameters": True}},
    )

    assert len(_in_order(list(answer) if is_streamed else [answer])) == 2


def test_another_model_answers_every_choice(service: Service) -> None:
    before = _asked(service, "gigachat")
    question = [{"role": "user", "content": "sandbox:slow=0.5 Столица России?"}]
    body = {"model": "gigachat-pro", "messages": question, "n": 2, "models": ["yandexgpt"]}
    call = LiveCall(service.port, service.key()).send(body)
    wait_until(lambda: _asked(service, "gigachat") > before, "the first choice is asked for")
    service.sandbox.faults.push("gigachat", http_error(500), times=None)

    answer = call.answer()

    assert answer.json["provider"] == "yandexgpt"
    assert [choice["index"] for choice in answer.json["choices"]] == [0, 1]


def test_the_failure_of_a_later_choice_is_that_of_all_and_free(service: Service) -> None:
    key = service.fresh_key()
    messages = [{"role": "user", "content": "sandbox:interval=0.2 Столица России?"}]
    body = {"model": "gigachat-pro", "messages": messages, "n": 2, "stream": True}
    call = LiveCall(service.port, key).send(body)
    call.read_until(b"\xd0")
    service.sandbox.faults.push("gigachat", http_error(500), times=None)

    answer = call.answer()

    assert answer.code == "provider_error"
    with service.http(key) as http:
        assert http.get("/v1/credits").json()["data"]["total_usage"] == 0


@both_providers
def test_who_leaves_pays_for_the_choices_that_had_begun(
    service: Service, model: str, provider: str
) -> None:
    key = service.fresh_key()
    messages = [{"role": "user", "content": "sandbox:interval=0.05 sandbox:long=60 О Байкале"}]
    body = {"model": model, "messages": messages, "stream": True, "max_tokens": 50}
    prompts_tokens = []
    for index in range(2):
        before = _asked(service, provider)
        call = LiveCall(service.port, key).send(body | {"n": 4})
        call.read_until(b'"index":%d,"delta":{"content"' % index)
        call.leave()
        told: dict[str, Any] = {}

        def is_settled(call: LiveCall = call, told: dict[str, Any] = told) -> bool:
            with service.http(key) as http:
                answer = http.get("/v1/generation", params={"id": call.generation_id})
            told.update(answer.json().get("data", {}))
            return bool(told)

        wait_until(is_settled, "the generation is settled")
        assert told["cancelled"]
        assert _asked(service, provider) - before == index + 1
        prompts_tokens.append(told["tokens_prompt"])

    assert prompts_tokens[1] == 2 * prompts_tokens[0]


def test_a_stream_that_is_cut_has_an_end_for_each_choice(service: Service) -> None:
    service.sandbox.faults.push("gigachat", endless())

    stream = service.openai().chat.completions.create(
        model="gigachat-pro", messages=HELLO, n=3, max_tokens=5, stream=True
    )

    by_index = _in_order(list(stream))
    assert all(choices[0].delta.role == "assistant" for choices in by_index.values())
    assert {index: c[-1].finish_reason for index, c in by_index.items()} == dict.fromkeys(
        range(3), "length"
    )


def test_choices_of_a_long_prompt_are_paid_for_by_the_providers_count(service: Service) -> None:
    """Together they are longer than any one answer could be."""
    messages: Any = [{"role": "user", "content": "слово " * 15_000}]

    answer = service.openai().chat.completions.create(
        model="yandexgpt-lite", messages=messages, n=3, max_tokens=5
    )

    assert answer.usage is not None
    assert answer.usage.prompt_tokens > 2 * 32_768
    with service.http() as http:
        told = http.get("/v1/generation", params={"id": answer.id}).json()["data"]
    assert told["tokens_source"] == "provider"


def test_each_choice_of_a_model_that_thinks_is_thought_about(service: Service) -> None:
    client = service.openai().chat.completions
    alone, both = (
        client.create(model="yandexgpt", messages=HELLO, n=n, reasoning_effort="low").usage
        for n in (1, 2)
    )

    assert alone is not None
    assert both is not None
    thoughts = [usage.completion_tokens_details.reasoning_tokens for usage in (alone, both)]  # type: ignore[union-attr]  # ours has details
    assert thoughts[0]
    assert thoughts[1] == 2 * thoughts[0]


@both_providers
def test_filtered_choices_are_free(service: Service, model: str, provider: str) -> None:
    key = service.fresh_key()
    question: Any = [{"role": "user", "content": "sandbox:filter Столица России?"}]

    for is_streamed in (False, True):
        answer: Any = service.openai(key).chat.completions.create(
            model=model, messages=question, n=3, stream=is_streamed
        )
        by_index = _in_order(list(answer) if is_streamed else [answer])
        assert [c[-1].finish_reason for c in by_index.values()] == ["content_filter"] * 3

    with service.http(key) as http:
        assert http.get("/v1/credits").json()["data"]["total_usage"] == 0


def test_one_request_is_counted_and_joined_by_its_retry(service: Service) -> None:
    key = service.fresh_key()
    headers = {"Idempotency-Key": "choices"}
    body = {"model": "gigachat-pro", "messages": HELLO, "n": 3}
    before = _asked(service, "gigachat")

    with service.http(key) as http:
        first = http.post("/v1/chat/completions", json=body, headers=headers)
        again = http.post("/v1/chat/completions", json=body, headers=headers)

    assert first.json() == again.json()
    assert _asked(service, "gigachat") - before == 3
    limit, left = (
        int(first.headers[f"x-ratelimit-{name}-requests"]) for name in ("limit", "remaining")
    )
    assert limit - left == 1


def test_openrouters_dialect_has_choices_too(service: Service) -> None:
    body = {"model": "gigachat-pro", "messages": HELLO, "n": 2}

    with service.http() as http:
        plain = http.post("/api/v1/chat/completions", json=body).json()
        streamed = events_in(
            http.post("/api/v1/chat/completions", json=body | {"stream": True}).content
        )

    fits(plain, "chat")
    assert [choice["index"] for choice in plain["choices"]] == [0, 1]
    ends = [c["index"] for chunk in streamed for c in chunk["choices"] if c["finish_reason"]]
    assert ends == [0, 1]
    assert streamed[-1]["usage"]["completion_tokens"] == plain["usage"]["completion_tokens"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 0}, "n"),
        ({"n": -1}, "n"),
        ({"n": 21}, "n"),
        ({"n": 11, "prompt": ["раз", "два"]}, "n"),
    ],
)
def test_no_choice_and_more_than_twenty_are_refused(
    service: Service, fields: dict[str, Any], param: str
) -> None:
    body = {"model": "gigachat-pro"} | ({} if "prompt" in fields else {"messages": HELLO})

    with service.http() as http:
        answer = http.post("/v1/chat/completions", json=body | fields)

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
