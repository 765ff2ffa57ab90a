"""The numbered traps of Yandex's API, each walked into on purpose."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest

from gateway.providers._shared.tool_names import tool_names
from gateway.providers.chat_types import (
    ChatRequest,
    Message,
    NamedTool,
    ResponseFormat,
    Tool,
    ToolCall,
    Usage,
)
from gateway.providers.errors import (
    ProviderAuthError,
    ProviderProtocolError,
    ProviderRateLimited,
    ProviderRejected,
    UnsupportedInput,
)
from gateway.providers.yandexgpt.adapter import YandexGPT
from gateway.providers.yandexgpt.auth import iam_token
from gateway.providers.yandexgpt.failures import read_body
from gateway.providers.yandexgpt.payload import completion_payload
from tests.providers.yandexgpt.canned_server import Canned, CannedYandexServer
from tests.providers.yandexgpt.conftest import Connect
from tests.providers.yandexgpt.wire import (
    API_KEY,
    FOLDER,
    answer_of,
    asking,
    chunks_of,
    line,
    result,
    stream_of,
    text_of,
)

Serve = Callable[..., CannedYandexServer]
AUDIENCE = "https://iam.api.cloud.yandex.net/iam/v1/tokens"
NOW_S = 1_800_000_000
HOUR_S = 3600


def payload_of(request: ChatRequest, upstream_id: str = "yandexgpt/latest") -> Any:
    return completion_payload(
        request, folder_id=FOLDER, upstream_id=upstream_id, names=tool_names(request)
    )


def issued(expires_at: str, token: str = "t1.token") -> Canned:
    return Canned.json({"iamToken": token, "expiresAt": expires_at})


def twelve_hours_from(now_s: float, token: str) -> Canned:
    stamp = datetime.fromtimestamp(now_s + 12 * HOUR_S, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return issued(f"{stamp}.123456789Z", token)


def test_trap_1_a_message_has_text_and_empty_ones_are_dropped() -> None:
    messages = (
        Message("system", ""),
        Message("user", "Раз"),
        Message("assistant", " \n"),
        Message("user", "Два"),
    )
    assert payload_of(asking(messages=messages))["messages"] == [
        {"role": "user", "text": "Раз"},
        {"role": "user", "text": "Два"},
    ]


def test_trap_2_the_result_envelope_may_be_missing() -> None:
    wrapped = result("Казань")
    bare = json.dumps(wrapped["result"]).encode()
    assert chunks_of(bare) == chunks_of(json.dumps(wrapped).encode())


def test_trap_3_counters_are_strings() -> None:
    (chunk,) = chunks_of(line("Казань"))
    assert chunk.usage == Usage(27, 2)


def test_trap_4_max_tokens_is_a_positive_string_or_left_out() -> None:
    assert payload_of(asking(max_tokens=500))["completionOptions"]["maxTokens"] == "500"
    assert "maxTokens" not in payload_of(asking())["completionOptions"]
    for none in (0, -1):
        with pytest.raises(UnsupportedInput):
            payload_of(asking(max_tokens=none))


def test_trap_5_a_temperature_above_1_is_not_sent() -> None:
    assert payload_of(asking(temperature=1.0))["completionOptions"]["temperature"] == 1.0
    with pytest.raises(UnsupportedInput):
        payload_of(asking(temperature=1.01))


def test_trap_6_streaming_text_is_cumulative() -> None:
    texts = ["Ка", "Казань", "Казань — столица", "Казань — столица Татарстана"]
    chunks = chunks_of(*stream_of(*texts).splitlines())
    assert text_of(chunks) == texts[-1]
    assert not any(chunk.rewritten for chunk in chunks)


def test_trap_6_streaming_text_may_be_rewritten() -> None:
    texts = ["Столица — Уфа, а", "Столица — Казань, а", "Столица — Казань, а не Уфа"]
    chunks = chunks_of(*stream_of(*texts).splitlines())
    assert text_of(chunks) == "Столица — Уфа, Казань, а не Уфа"
    assert [chunk.rewritten for chunk in chunks] == [False, True, False]


def test_trap_7_a_stream_is_lines_of_json_and_no_events(connect: Connect) -> None:
    provider, server = connect(Canned(pieces=[stream_of("Ка", "Казань")]))
    chunks = answer_of(provider, asking(stream=True))
    assert chunks[-1].finish_reason == "stop"
    server.give(Canned(pieces=[b"data: " + stream_of("Казань") + b"\ndata: [DONE]\n\n"]))
    with pytest.raises(ProviderProtocolError):
        answer_of(provider, asking(stream=True))


def test_trap_8_an_api_key_is_no_bearer(connect: Connect) -> None:
    provider, server = connect(Canned.json(result("Казань")))
    answer_of(provider, asking())
    (asked,) = server.asked
    assert asked.headers["authorization"] == f"Api-Key {API_KEY}"
    assert "x-folder-id" not in asked.headers
    assert asked.body["modelUri"].startswith(f"gpt://{FOLDER}/")


def test_trap_9_the_assertion_is_exactly_as_yandex_wants_it(
    serve: Serve, service_account_key: dict[str, str]
) -> None:
    server = serve(issued("2099-01-01T00:00:00Z"))
    iam_token(service_account_key, iam_url=server.origin, now_s=lambda: NOW_S).authorization()
    assertion = server.asked[0].body["jwt"]
    assert jwt.get_unverified_header(assertion) == {"typ": "JWT", "alg": "PS256", "kid": "aje0key"}
    unexpired = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(
        assertion,
        service_account_key["public_key"],
        algorithms=["PS256"],
        audience=AUDIENCE,
        options=unexpired,  # type: ignore[arg-type]
    )
    assert claims == {
        "iss": "aje0account",
        "aud": AUDIENCE,
        "iat": NOW_S,
        "exp": NOW_S + HOUR_S,
    }


@pytest.mark.parametrize("zone", ["Z", "+00:00", ""])
def test_trap_10_expires_at_has_nine_decimals(
    serve: Serve, service_account_key: dict[str, str], zone: str
) -> None:
    now_s = datetime(2026, 11, 22, 23, 0, 11, tzinfo=UTC).timestamp()
    server = serve(issued(f"2026-11-22T23:10:11.123456789{zone}"))
    credential = iam_token(service_account_key, iam_url=server.origin, now_s=lambda: now_s)
    credential.authorization()
    now_s += 299
    credential.authorization()
    assert len(server.asked) == 1
    now_s += 3
    credential.authorization()
    assert len(server.asked) == 2


def test_trap_11_a_token_of_twelve_hours_is_renewed_hourly(
    serve: Serve, service_account_key: dict[str, str]
) -> None:
    server = serve(twelve_hours_from(NOW_S, "t1.one"), twelve_hours_from(NOW_S, "t1.two"))
    now_s = float(NOW_S)
    credential = iam_token(service_account_key, iam_url=server.origin, now_s=lambda: now_s)
    assert credential.authorization() == "Bearer t1.one"
    now_s = NOW_S + HOUR_S - 1
    assert credential.authorization() == "Bearer t1.one"
    now_s = NOW_S + HOUR_S
    assert credential.authorization() == "Bearer t1.two"


def test_trap_12_tools_choice_and_arguments_are_objects_without_type() -> None:
    messages = (
        Message("user", "Когда?"),
        Message("assistant", tool_calls=(ToolCall("call", "tram_times", '{"stop": "Вокзал"}'),)),
        Message("tool", "12:05", tool_call_id="call"),
    )
    tools = (Tool("tram_times"),)
    payload = payload_of(asking(messages=messages, tools=tools, tool_choice="auto"))
    assert set(payload["tools"][0]) == {"function"}
    assert payload["toolChoice"] == {"mode": "AUTO"}
    (call,) = payload["messages"][1]["toolCallList"]["toolCalls"]
    assert call["functionCall"]["arguments"] == {"stop": "Вокзал"}
    named = payload_of(asking(tools=tools, tool_choice=NamedTool("tram_times")))
    assert named["toolChoice"] == {"functionName": "tram_times"}


def test_trap_13_all_results_of_a_turn_go_into_one_user_message() -> None:
    calls = tuple(ToolCall(f"call-{place}", "tram_times", "{}") for place in range(3))
    messages = (
        Message("user", "Когда?"),
        Message("assistant", tool_calls=calls),
        *(Message("tool", f"12:0{place}", tool_call_id=f"call-{place}") for place in (2, 0, 1)),
    )
    assert payload_of(asking(messages=messages))["messages"][2:] == [
        {
            "role": "user",
            "toolResultList": {
                "toolResults": [
                    {"functionResult": {"name": "tram_times", "content": f"12:0{place}"}}
                    for place in range(3)
                ]
            },
        }
    ]


def test_trap_14_the_content_filter_answers_200(connect: Connect) -> None:
    provider, _ = connect(Canned.json(result("Об этом — не здесь.", "CONTENT_FILTER")))
    (chunk,) = answer_of(provider, asking())
    assert chunk.finish_reason == "content_filter"
    assert chunk.native_finish_reason == "ALTERNATIVE_STATUS_CONTENT_FILTER"


def test_trap_15_a_schema_has_a_level_more_and_the_prompt_speaks_of_json() -> None:
    schema = {"type": "object"}
    wanted = ResponseFormat("json_schema", schema=schema, name="answer", strict=True)
    payload = payload_of(asking("Когда?", response_format=wanted))
    assert payload["jsonSchema"] == {"schema": schema}
    assert "JSON" in payload["messages"][0]["text"]
    assert payload["messages"][0]["role"] == "system"
    spoken = payload_of(asking("Ответь как json", response_format=wanted))
    assert [message["role"] for message in spoken["messages"]] == ["user"]


def test_trap_16_errors_of_the_model_host_and_of_iam_differ_in_shape() -> None:
    host = {"error": {"grpcCode": 8, "httpCode": 429, "message": "quota", "details": []}}
    iam = {"code": 8, "message": "quota", "details": []}
    understood = [read_body(json.dumps(body).encode()) for body in (host, iam)]
    assert understood[0] == understood[1]
    assert (understood[0].text, understood[0].status) == ("quota", 429)


def test_trap_17_a_gauge_limit_is_told_at_once_and_not_slept_out(connect: Connect) -> None:
    text = "ai.textGenerationCompletionSessionsCount.count gauge quota limit exceed: allowed 10"
    provider, server = connect(Canned.json({"error": {"httpCode": 429, "message": text}}, 429))
    with pytest.raises(ProviderRateLimited) as raised:
        answer_of(provider, asking(stream=True))
    assert raised.value.retry_after_s is None
    assert len(server.asked) == 1


def test_trap_18_embeddings_are_asked_for_one_by_one_within_the_rate(connect: Connect) -> None:
    vectors = [Canned.json({"embedding": [float(place)], "numTokens": "5"}) for place in range(3)]
    provider, server = connect(vectors[0], Canned(429), *vectors[1:])
    texts = ["раз", "два", "три"]
    embedding = provider.embed(texts, upstream_id="text-search-doc/latest", timeout_s=20)
    assert embedding.vectors == ((0.0,), (1.0,), (2.0,))
    assert embedding.prompt_tokens == 15
    assert [asked.body["text"] for asked in server.asked] == ["раз", "два", "два", "три"]
    assert server.asked[0].body["modelUri"] == f"emb://{FOLDER}/text-search-doc/latest"


@pytest.mark.parametrize("data_collection", ["deny", "allow"])
def test_trap_19_no_prompt_is_logged(connect: Connect, data_collection: Any) -> None:
    provider, server = connect(Canned.json(result("Казань")))
    answer_of(provider, asking(data_collection=data_collection))
    assert server.asked[0].headers["x-data-logging-enabled"] == "false"


def test_trap_19_texts_to_embed_or_count_are_never_logged(connect: Connect) -> None:
    provider, server = connect(Canned.json({"tokens": [], "embedding": [1.0], "numTokens": "1"}))
    provider.embed(["раз"], upstream_id="text-search-doc/latest", timeout_s=20)
    provider.count_tokens(["раз"], upstream_id="yandexgpt", timeout_s=20)
    assert [asked.headers["x-data-logging-enabled"] for asked in server.asked] == ["false"] * 2


@pytest.mark.parametrize("upstream_id", ["yandexgpt/rc", "yandexgpt-lite", "yandexgpt/latest@me"])
def test_trap_20_the_model_is_what_the_catalogue_says_and_nothing_is_added(
    upstream_id: str,
) -> None:
    assert payload_of(asking(), upstream_id)["modelUri"] == f"gpt://{FOLDER}/{upstream_id}"


@pytest.mark.parametrize(("status", "kind"), [(400, ProviderRejected), (403, ProviderAuthError)])
def test_trap_21_the_folder_id_is_never_shown(
    connect: Connect, status: int, kind: type[Exception]
) -> None:
    other = "b1gotherfolder000000"
    text = (
        f"Specified folder ID '{FOLDER}' does not match with service account folder ID '{other}'"
        f" for gpt://{other}/yandexgpt, key {API_KEY}"
    )
    provider, _ = connect(Canned.json({"error": {"httpCode": status, "message": text}}, status))
    with pytest.raises(kind) as raised:
        answer_of(provider, asking())
    shown = f"{raised.value} {vars(raised.value)}"
    assert "Specified folder ID '***'" in shown
    for secret in (FOLDER, other, API_KEY):
        assert secret not in shown


def test_trap_21_a_token_in_use_is_never_shown(
    serve: Serve, service_account_key: dict[str, str]
) -> None:
    secret = "a-token-of-no-known-look"
    message = {"error": {"message": f"no {secret}"}}
    upstream = serve(Canned.json(message, 403))
    iam = serve(issued("2099-01-01T00:00:00Z", secret))
    provider = YandexGPT(
        base_url=upstream.origin,
        iam_url=iam.origin,
        folder_id=FOLDER,
        service_account_key=service_account_key,
    )
    with pytest.raises(ProviderAuthError) as raised:
        answer_of(provider, asking())
    provider.close()
    assert raised.value.raw == "no ***"
