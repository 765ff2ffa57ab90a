"""Both APIs of Yandex behind one credential, and Cloud.ru, as the registry builds them."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

import pytest

from gateway.providers._shared.http_client import Deadline
from gateway.providers.base import Adapter
from gateway.providers.chat_types import (
    ChatChunk,
    ChatRequest,
    Image,
    Message,
    NamedTool,
    Tool,
    ToolCall,
)
from gateway.providers.errors import ProviderRateLimited, ProviderUnavailable, UnsupportedInput
from gateway.providers.registry import BUILT_IN
from sandbox.core.credentials import OPENAI_COMPATIBLE_API_KEY, YANDEX_FOLDER_ID
from sandbox.server import Sandbox
from tests.providers.asking import HANG_S, chunks_in

WEATHER = Tool(
    "get_weather", "Погода в городе", {"type": "object", "properties": {"city": {"type": "string"}}}
)
ASKED = Message("user", "Какая погода в Казани?")


@pytest.fixture
def yandex(sandbox: Sandbox) -> Iterator[Callable[..., Adapter]]:
    """Build the provider that the sandbox's own environment describes."""
    made: list[Adapter] = []
    environment: Mapping[str, str] = sandbox.environment()

    def build(secret: str = "") -> Adapter:
        provider = BUILT_IN["yandexgpt"]
        settings = provider.complete({}, lambda name: environment.get(name, ""))
        secret = secret or environment[provider.secret]
        made.append(provider.build(secret, settings, {"connect_timeout_s": 5, "read_timeout_s": 5}))
        return made[-1]

    yield build
    for adapter in made:
        adapter.close()


def run(
    provider: Adapter, request: ChatRequest, model: str = "deepseek-v4-flash/latest"
) -> list[ChatChunk]:
    return chunks_in(
        provider.stream(request, upstream_id=model, cancel_token=Deadline(HANG_S), wire="openai")
    )


def paths(sandbox: Sandbox) -> list[str]:
    return [request.path for request in sandbox.requests.of("yandexgpt", "")]


@pytest.mark.parametrize("stream", [True, False])
def test_a_route_of_the_compatible_wire_is_asked_by_the_whole_address_of_its_model(
    yandex: Callable[..., Adapter], sandbox: Sandbox, stream: bool
) -> None:
    request = ChatRequest((Message("user", "Столица России?"),), stream=stream)
    said = run(yandex(), request)
    assert "".join(chunk.text for chunk in said) == "Столица России — Москва."
    [asked] = sandbox.requests.of("yandexgpt", "completions")
    assert asked.path == "/v1/chat/completions"
    assert asked.body["model"] == f"gpt://{YANDEX_FOLDER_ID}/deepseek-v4-flash/latest"
    assert asked.headers["authorization"].startswith("Bearer AQVN")


def test_the_key_of_a_service_account_opens_both(
    yandex: Callable[..., Adapter], sandbox: Sandbox
) -> None:
    provider = yandex(json.dumps(sandbox.service_account_key()))
    request = ChatRequest((Message("user", "Столица России?"),))
    run(provider, request)
    native = provider.stream(request, upstream_id="yandexgpt/latest", cancel_token=Deadline(HANG_S))
    assert chunks_in(native)[-1].finish_reason == "stop"
    assert paths(sandbox) == [
        "/iam/v1/tokens",
        "/v1/chat/completions",
        "/foundationModels/v1/completion",
    ]


@pytest.mark.parametrize("stream", [True, False])
def test_a_model_that_names_its_calls_after_their_tools_is_answered_in_turns(
    yandex: Callable[..., Adapter], stream: bool
) -> None:
    provider, model = yandex(), "aliceai-llm-flash/latest"
    request = ChatRequest((ASKED,), tools=(WEATHER,), stream=stream)
    chunks = run(provider, request, model)
    [call] = [
        ToolCall(delta.id or "", delta.name or "", "")
        for chunk in chunks
        for delta in chunk.tool_calls
        if delta.id
    ]
    assert call.id not in ("", call.name)
    assert chunks[-1].finish_reason == "tool_calls" or chunks[-2].finish_reason == "tool_calls"
    turns = (
        ASKED,
        Message("assistant", tool_calls=(ToolCall(call.id, call.name, '{"city": "Казань"}'),)),
        Message("tool", "снег", tool_call_id=call.id),
    )
    answer = run(provider, ChatRequest(turns, tools=(WEATHER,), stream=stream), model)
    assert "снег" in "".join(chunk.text for chunk in answer)


@pytest.mark.parametrize("stream", [True, False])
def test_a_named_tool_is_the_only_one_offered_and_required(
    yandex: Callable[..., Adapter], sandbox: Sandbox, stream: bool
) -> None:
    tools = (Tool("current_time", "Время"), WEATHER)
    request = ChatRequest(
        (ASKED,), tools=tools, tool_choice=NamedTool("get_weather"), stream=stream
    )

    chunks = run(yandex(), request)

    called = [delta.name for chunk in chunks for delta in chunk.tool_calls if delta.name]
    assert called == ["get_weather"]
    [asked] = sandbox.requests.of("yandexgpt", "completions")
    assert asked.body["tool_choice"] == "required"
    assert [tool["function"]["name"] for tool in asked.body["tools"]] == ["get_weather"]


def test_blank_messages_are_left_out(yandex: Callable[..., Adapter], sandbox: Sandbox) -> None:
    turns = (
        Message("system", " "),
        Message("user", "Столица России?"),
        Message("assistant", ""),
        Message("user", "\n"),
    )

    said = run(yandex(), ChatRequest(turns))

    assert "Москва" in "".join(chunk.text for chunk in said)
    [asked] = sandbox.requests.of("yandexgpt", "completions")
    assert asked.body["messages"] == [{"role": "user", "content": "Столица России?"}]


def test_a_dialogue_of_blanks_is_refused_before_anybody_is_asked(
    yandex: Callable[..., Adapter], sandbox: Sandbox
) -> None:
    with pytest.raises(UnsupportedInput):
        run(yandex(), ChatRequest((Message("user", " "),)))
    assert paths(sandbox) == []


@pytest.mark.parametrize(("effort", "thinks"), [("none", False), ("high", True)])
def test_thoughts_are_told_apart_and_switched_off(
    yandex: Callable[..., Adapter], effort: Any, thinks: bool
) -> None:
    request = ChatRequest((Message("user", "Столица России?"),), reasoning_effort=effort)
    chunks = run(yandex(), request)
    assert bool("".join(chunk.reasoning for chunk in chunks)) is thinks
    assert chunks[-1].usage is not None
    assert bool(chunks[-1].usage.reasoning_tokens) is thinks


def test_a_picture_is_shown(yandex: Callable[..., Adapter]) -> None:
    shown = Message("user", "Что это?", images=(Image(b"\x89PNG", "image/png"),))
    chunks = run(yandex(), ChatRequest((shown,)), "qwen3.6-35b-a3b/latest")
    assert "image/png" in "".join(chunk.text for chunk in chunks)


@pytest.mark.parametrize("wish", ["deny", "allow"])
def test_no_prompt_is_to_be_kept_whatever_the_caller_allows(
    yandex: Callable[..., Adapter], sandbox: Sandbox, wish: Any
) -> None:
    provider = yandex()
    run(provider, ChatRequest((Message("user", "Привет"),), data_collection=wish))
    provider.embed(["раз"], upstream_id="text-search-doc/latest", timeout_s=HANG_S, wire="openai")
    headers = [asked.headers for asked in sandbox.requests.of("yandexgpt", "")]
    assert [sent.get("x-data-logging-enabled") for sent in headers] == ["false", "false"]


def test_both_apis_share_the_gauge(yandex: Callable[..., Adapter], sandbox: Sandbox) -> None:
    sandbox.settings.yandex_parallel = 1
    provider = yandex()
    held = provider.stream(
        ChatRequest((Message("user", "sandbox:long=500"),), stream=True),
        upstream_id="yandexgpt/latest",
        cancel_token=Deadline(HANG_S),
    )
    with closing(held):
        next(held)
        with pytest.raises(ProviderRateLimited):
            run(provider, ChatRequest((Message("user", "Привет"),)))


def test_an_unknown_model_is_unavailable_and_the_folder_is_masked(
    yandex: Callable[..., Adapter],
) -> None:
    with pytest.raises(ProviderUnavailable) as gone:
        run(yandex(), ChatRequest((Message("user", "Привет"),)), "gpt-oss-120b/latest")
    assert YANDEX_FOLDER_ID not in str(gone.value.raw)


def test_tokens_of_the_compatible_wire_have_no_counter(yandex: Callable[..., Adapter]) -> None:
    with pytest.raises(ProviderUnavailable):
        yandex().count_tokens(["раз"], upstream_id="x", timeout_s=HANG_S, wire="openai")
    assert yandex().count_tokens(["раз"], upstream_id="yandexgpt/latest", timeout_s=HANG_S) == [1]


@pytest.mark.parametrize("wire", ["", "openai"])
@pytest.mark.parametrize(("size", "length"), [(None, 256), (128, 128), (768, 768)])
def test_vectors_have_the_length_that_is_asked_for(
    yandex: Callable[..., Adapter], wire: str, size: int | None, length: int
) -> None:
    embedding = yandex().embed(
        ["раз", "два"],
        upstream_id="text-embeddings-v2-doc/latest",
        timeout_s=HANG_S,
        dimensions=size,
        wire=wire,
    )
    assert [len(vector) for vector in embedding.vectors] == [length, length]


def test_a_vendor_of_one_length_refuses_another(sandbox: Sandbox) -> None:
    provider = BUILT_IN["gigachat"]
    environment = sandbox.environment()
    adapter = provider.build(
        environment[provider.secret],
        provider.complete({}, lambda name: environment.get(name, "")),
        {},
    )
    with closing(adapter), pytest.raises(UnsupportedInput):
        adapter.embed(["раз"], upstream_id="Embeddings", timeout_s=HANG_S, dimensions=256)


def test_cloudru_is_a_server_of_openais_protocol(sandbox: Sandbox) -> None:
    adapter = BUILT_IN["cloudru"].build(
        OPENAI_COMPATIBLE_API_KEY, {"base_url": f"{sandbox.openai_origin}/v1"}, {}
    )
    with closing(adapter):
        chunks = chunks_in(
            adapter.stream(
                ChatRequest((Message("user", "Столица России?"),)),
                upstream_id="qwen3-8b",
                cancel_token=Deadline(HANG_S),
            )
        )
    assert (adapter.name, chunks[-1].finish_reason) == ("cloudru", "stop")
