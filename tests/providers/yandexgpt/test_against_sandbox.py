"""The adapter and the sandbox's YandexGPT, which share no code, understand each other."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from gateway.providers.chat_types import (
    Message,
    NamedTool,
    ResponseFormat,
    Tool,
    ToolCall,
)
from gateway.providers.errors import (
    ProviderAuthError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from gateway.providers.yandexgpt.adapter import YandexGPT
from sandbox.core.credentials import YANDEX_API_KEY, YANDEX_FOLDER_ID
from sandbox.core.faults import (
    expired_token,
)
from sandbox.server import Sandbox
from tests.providers.yandexgpt.wire import answer_of, asking, text_of

Connect = Callable[..., YandexGPT]
COUNT = "Посчитай от 1 до 9"
WEATHER = Tool(
    "get_weather",
    "Погода в городе",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["city", "people"],
    "additionalProperties": False,
}


@pytest.fixture
def connect(sandbox: Sandbox) -> Iterator[Connect]:
    """Make adapters for the sandbox, by default with its API key."""
    stack = ExitStack()

    def connected(**options: Any) -> YandexGPT:
        if "service_account_key" not in options:
            options.setdefault("api_key", YANDEX_API_KEY)
        options.setdefault("folder_id", YANDEX_FOLDER_ID)
        provider = YandexGPT(
            base_url=sandbox.yandex_origin,
            iam_url=f"{sandbox.yandex_origin}/iam/v1/tokens",
            **options,
        )
        stack.callback(provider.close)
        return provider

    with stack:
        yield connected


@pytest.fixture
def provider(connect: Connect) -> YandexGPT:
    return connect()


def test_a_plain_answer_comes_with_exact_usage(provider: YandexGPT, sandbox: Sandbox) -> None:
    (chunk,) = answer_of(provider, asking("Столица России?", temperature=0.2, max_tokens=100))
    assert "Москва" in chunk.text
    assert chunk.finish_reason == "stop"
    reported = sandbox.requests[-1].usage
    assert chunk.usage is not None
    assert reported is not None
    assert chunk.usage.prompt_tokens == reported.prompt_tokens
    assert chunk.usage.completion_tokens == reported.completion_tokens


def test_a_stream_says_the_same_in_many_chunks(provider: YandexGPT) -> None:
    (plain,) = answer_of(provider, asking(COUNT))
    chunks = answer_of(provider, asking(COUNT, stream=True))
    assert len(chunks) > 3
    assert text_of(chunks) == plain.text
    assert chunks[-1].usage == plain.usage
    assert all(chunk.usage is not None for chunk in chunks)


@pytest.mark.parametrize("split", [1, 7])
def test_letters_split_over_writes_are_put_together(
    provider: YandexGPT, sandbox: Sandbox, split: int
) -> None:
    (plain,) = answer_of(provider, asking(COUNT))
    sandbox.settings.split = split
    assert text_of(answer_of(provider, asking(COUNT, stream=True))) == plain.text


def test_an_early_revision_is_named_and_repeats_nothing(provider: YandexGPT) -> None:
    (plain,) = answer_of(provider, asking(COUNT))
    chunks = answer_of(provider, asking(f"{COUNT} sandbox:revise", stream=True))
    assert any(chunk.rewritten for chunk in chunks)
    result, final = text_of(chunks).split(), plain.text.split()
    differing = [
        index for index, pair in enumerate(zip(result, final, strict=True)) if len(set(pair)) > 1
    ]
    assert differing == [1]


def test_revisions_of_the_last_word_are_never_seen(provider: YandexGPT) -> None:
    (plain,) = answer_of(provider, asking(COUNT))
    chunks = answer_of(provider, asking(f"{COUNT} sandbox:revise=last", stream=True))
    assert text_of(chunks) == plain.text
    assert not any(chunk.rewritten for chunk in chunks)


@pytest.mark.parametrize("stream", [True, False])
def test_a_limit_of_tokens_ends_with_length(provider: YandexGPT, stream: bool) -> None:
    chunks = answer_of(provider, asking("sandbox:long=40", max_tokens=5, stream=stream))
    assert chunks[-1].finish_reason == "length"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 5


@pytest.mark.parametrize("stream", [True, False])
def test_the_content_filter_is_an_answer(provider: YandexGPT, stream: bool) -> None:
    chunks = answer_of(provider, asking("sandbox:filter", stream=stream))
    assert chunks[-1].finish_reason == "content_filter"


def test_reasoning_is_counted(provider: YandexGPT) -> None:
    (chunk,) = answer_of(provider, asking("Столица России?", reasoning_effort="high"))
    assert chunk.usage is not None
    assert chunk.usage.reasoning_tokens > 0


@pytest.mark.parametrize("stream", [True, False])
def test_a_tool_is_called_and_its_results_are_answered(provider: YandexGPT, stream: bool) -> None:
    asked = asking("Какая погода в Казани и Москве?", tools=(WEATHER,), stream=stream)
    last = answer_of(provider, asked)[-1]
    assert last.finish_reason == "tool_calls"
    assert [call.index for call in last.tool_calls] == [0, 1]
    calls = tuple(
        ToolCall(call.id or "", call.name or "", call.arguments) for call in last.tool_calls
    )
    assert {call.name for call in calls} == {"get_weather"}
    assert len({call.id for call in calls}) == 2
    cities = [json.loads(call.arguments)["city"] for call in calls]
    assert len(set(cities)) == 2
    results = (
        Message("tool", "минус 5", tool_call_id=calls[1].id),
        Message("tool", "плюс 3", tool_call_id=calls[0].id),
    )
    turns = (*asked.messages, Message("assistant", "Смотрю.", tool_calls=calls), *results)
    chunks = answer_of(provider, asked._replace(messages=turns))
    assert chunks[-1].finish_reason == "stop"
    assert "плюс 3" in text_of(chunks)
    assert "минус 5" in text_of(chunks)


def test_a_tool_with_an_odd_name_is_called_by_it(provider: YandexGPT) -> None:
    odd = replace(WEATHER, name="погода.сейчас/город")
    (chunk,) = answer_of(provider, asking("Ну?", tools=(odd,), tool_choice=NamedTool(odd.name)))
    assert [call.name for call in chunk.tool_calls] == [odd.name]


@pytest.mark.parametrize("choice", ["required", "none"])
def test_a_tool_choice_is_obeyed(provider: YandexGPT, choice: Any) -> None:
    request = asking("Какая погода в Казани?", tools=(WEATHER,), tool_choice=choice)
    (chunk,) = answer_of(provider, request)
    assert bool(chunk.tool_calls) is (choice == "required")


@pytest.mark.parametrize("stream", [True, False])
def test_a_schema_is_kept_even_if_the_prompt_says_nothing_of_json(
    provider: YandexGPT, stream: bool
) -> None:
    wanted = ResponseFormat("json_schema", schema=SCHEMA, name="city", strict=True)
    request = asking("Назови город", response_format=wanted, stream=stream)
    jsonschema.validate(json.loads(text_of(answer_of(provider, request))), SCHEMA)


def test_a_json_object_is_given(provider: YandexGPT) -> None:
    request = asking("Назови город", response_format=ResponseFormat("json_object"))
    assert isinstance(json.loads(text_of(answer_of(provider, request))), dict)


def test_a_conversation_of_all_kinds_of_turns_is_taken(provider: YandexGPT) -> None:
    messages = (
        Message("user", "Привет"),
        Message("system", "Кратко."),
        Message("assistant", ""),
        Message("assistant", "Здравствуйте"),
        Message("assistant", "Слушаю"),
        Message("system", "По-русски."),
        Message("user", "Столица Франции?"),
        Message("user", "Одним словом."),
    )
    assert answer_of(provider, asking(messages=messages))[-1].finish_reason == "stop"


def test_vectors_come_in_the_order_of_the_texts(provider: YandexGPT) -> None:
    embedding = provider.embed(["раз", "два"], upstream_id="text-search-doc/latest", timeout_s=20)
    swapped = provider.embed(["два", "раз"], upstream_id="text-search-doc/latest", timeout_s=20)
    assert [len(vector) for vector in embedding.vectors] == [256, 256]
    assert embedding.vectors == swapped.vectors[::-1]
    assert embedding.vectors[0] != embedding.vectors[1]
    assert embedding.prompt_tokens == swapped.prompt_tokens
    assert embedding.prompt_tokens


def test_a_text_is_counted_shorter_than_a_chat_of_it(provider: YandexGPT) -> None:
    text = "Столица России?"
    bare, none = provider.count_tokens([text, ""], upstream_id="yandexgpt/latest", timeout_s=20)
    chat = provider.count_chat_tokens(asking(text), upstream_id="yandexgpt/latest", timeout_s=20)
    (chunk,) = answer_of(provider, asking(text))
    assert (none, bare < chat) == (0, True)
    assert chunk.usage is not None
    assert chat == chunk.usage.prompt_tokens


def test_a_service_account_is_let_in_by_one_exchange(connect: Connect, sandbox: Sandbox) -> None:
    provider = connect(service_account_key=sandbox.service_account_key())
    for _ in range(3):
        assert answer_of(provider, asking())[-1].finish_reason == "stop"
    assert len(sandbox.requests.of("yandexgpt", "/iam/v1/tokens")) == 1


def test_an_expired_token_is_renewed_unseen(connect: Connect, sandbox: Sandbox) -> None:
    provider = connect(service_account_key=sandbox.service_account_key())
    answer_of(provider, asking())
    sandbox.faults.push("yandexgpt", expired_token())
    assert answer_of(provider, asking(stream=True))[-1].finish_reason == "stop"
    assert len(sandbox.requests.of("yandexgpt", "/iam/v1/tokens")) == 2


def test_a_token_that_is_refused_again_is_an_auth_error(connect: Connect, sandbox: Sandbox) -> None:
    provider = connect(service_account_key=sandbox.service_account_key())
    sandbox.faults.push("yandexgpt", expired_token(), times=2)
    with pytest.raises(ProviderAuthError):
        answer_of(provider, asking())


def test_a_wrong_key_is_an_auth_error(connect: Connect) -> None:
    with pytest.raises(ProviderAuthError):
        answer_of(connect(api_key="AQVNwrong"), asking())


def test_a_wrong_folder_is_refused_without_naming_any(connect: Connect) -> None:
    with pytest.raises(ProviderRejected) as raised:
        answer_of(connect(folder_id="b1gwrongfolder000000"), asking())
    assert "b1g" not in f"{raised.value} {raised.value.raw}"


def test_too_long_a_prompt_is_a_context_overflow(provider: YandexGPT) -> None:
    with pytest.raises(ProviderRejected) as raised:
        answer_of(provider, asking("слово " * 40_000))
    assert raised.value.context_length_exceeded


def test_too_many_at_once_is_told_at_once(provider: YandexGPT, sandbox: Sandbox) -> None:
    sandbox.settings.yandex_parallel = 0
    with pytest.raises(ProviderRateLimited):
        answer_of(provider, asking())
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("upstream_id", ["yandexgpt-32k/latest", "no-such-model"])
def test_a_model_that_is_gone_is_unavailable(provider: YandexGPT, upstream_id: str) -> None:
    with pytest.raises(ProviderUnavailable):
        provider.count_tokens(["раз"], upstream_id=upstream_id, timeout_s=20)
