"""The shape of what the emulated YandexGPT answers, held against the reference."""

from itertools import pairwise
from typing import Any

import pytest

from sandbox.core.credentials import YANDEX_FOLDER_ID
from sandbox.server import Sandbox
from tests.sandbox.callers import YandexCaller, model_uri, question

FINAL = "ALTERNATIVE_STATUS_FINAL"
PARTIAL = "ALTERNATIVE_STATUS_PARTIAL"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"function": {"name": "weather", "description": "Погода", "parameters": CITY}}
TIME = {"function": {"name": "local_time", "description": "Время", "parameters": CITY}}


def said(result: dict[str, Any]) -> str:
    return str(result["alternatives"][0]["message"]["text"])


def status(result: dict[str, Any]) -> str:
    return str(result["alternatives"][0]["status"])


def calls(result: dict[str, Any]) -> list[dict[str, Any]]:
    assert status(result) == "ALTERNATIVE_STATUS_TOOL_CALLS"
    message = result["alternatives"][0]["message"]
    assert set(message) == {"role", "toolCallList"}
    return [call["functionCall"] for call in message["toolCallList"]["toolCalls"]]


def test_an_answer_is_wrapped_and_counts_in_strings(yandex: YandexCaller) -> None:
    response = yandex.complete(question("Столица России?"))
    assert set(response.json()) == {"result"}
    result = response.json()["result"]
    assert set(result) == {"alternatives", "usage", "modelVersion"}
    assert result["alternatives"] == [
        {"message": {"role": "assistant", "text": "Столица России — Москва."}, "status": FINAL}
    ]
    usage = result["usage"]
    details = usage.pop("completionTokensDetails")
    assert details == {"reasoningTokens": "0"}
    assert all(isinstance(count, str) for count in usage.values())
    assert int(usage["totalTokens"]) == int(usage["inputTextTokens"]) + int(
        usage["completionTokens"]
    )
    assert response.headers["x-request-id"]
    assert response.headers["x-server-trace-id"]
    assert response.headers["Content-Type"].startswith("application/json")


def test_a_stream_is_lines_of_growing_text(yandex: YandexCaller) -> None:
    lines = yandex.stream("Расскажи о Волге")
    assert len(lines) > 5
    assert {status(line) for line in lines[:-1]} == {PARTIAL}
    assert status(lines[-1]) == FINAL
    texts = [said(line) for line in lines]
    assert all(later.startswith(text) for text, later in pairwise(texts))
    assert len(set(texts)) == len(texts)
    tokens = [int(line["usage"]["completionTokens"]) for line in lines]
    assert tokens == sorted(tokens)
    assert texts[-1] == said(yandex.ask("Расскажи о Волге"))


def test_a_long_stream_stays_small(yandex: YandexCaller) -> None:
    assert len(yandex.stream("sandbox:long=3000")) < 60


@pytest.mark.parametrize(
    "model",
    ["yandexgpt", "yandexgpt/latest", "yandexgpt/rc", "yandexgpt/deprecated", "yandexgpt-lite",
     "yandexgpt-lite/rc", "aliceai-llm", "aliceai-llm/latest", "yandexgpt-5-pro", "yandexgpt-5.1",
     "yandexgpt-5-lite/latest"],
)  # fmt: skip
def test_every_present_model_answers(yandex: YandexCaller, model: str) -> None:
    assert yandex.ask("Привет", modelUri=model_uri(model))["modelVersion"]


@pytest.mark.parametrize("tokens", [5, "5"])
def test_the_limit_is_a_number_or_a_string(yandex: YandexCaller, tokens: int | str) -> None:
    result = yandex.ask("sandbox:long=50", {"maxTokens": tokens})
    assert status(result) == "ALTERNATIVE_STATUS_TRUNCATED_FINAL"
    assert result["usage"]["completionTokens"] == "5"


def test_snake_case_is_another_spelling(yandex: YandexCaller) -> None:
    body = {
        "model_uri": model_uri("yandexgpt"),
        "completion_options": {"max_tokens": "3"},
        "messages": [{"role": "user", "text": "sandbox:long=50"}],
    }
    assert yandex.complete(body).json()["result"]["usage"]["completionTokens"] == "3"


def test_calls_have_objects_and_no_text(yandex: YandexCaller) -> None:
    (call,) = calls(yandex.ask("Какая погода в Казани?", tools=[WEATHER]))
    assert call == {"name": "weather", "arguments": {"city": "Казань"}}


def test_a_streamed_call_comes_whole(yandex: YandexCaller) -> None:
    (line,) = yandex.stream("Какая погода в Казани?", tools=[WEATHER])
    assert calls(line)[0]["name"] == "weather"


def test_calls_are_parallel_unless_that_is_off(yandex: YandexCaller) -> None:
    asked, tools = "Какая погода и сколько времени в Омске?", [WEATHER, TIME]
    assert [call["name"] for call in calls(yandex.ask(asked, tools=tools))] == [
        "weather", "local_time",
    ]  # fmt: skip
    assert len(calls(yandex.ask(asked, tools=tools, parallelToolCalls=False))) == 1
    two_cities = calls(yandex.ask("Погода в Москве и Париже", tools=[WEATHER]))
    assert [call["arguments"]["city"] for call in two_cities] == ["Москва", "Париж"]


@pytest.mark.parametrize(
    ("choice", "names"),
    [({"mode": "REQUIRED"}, ["weather"]), ({"functionName": "local_time"}, ["local_time"])],
)
def test_a_demanded_call_is_made(
    yandex: YandexCaller, choice: dict[str, str], names: list[str]
) -> None:
    result = yandex.ask("Привет", tools=[WEATHER, TIME], toolChoice=choice)
    assert [call["name"] for call in calls(result)] == names


def test_no_call_is_made_where_none_is_wanted(yandex: YandexCaller) -> None:
    assert said(yandex.ask("Погода?", tools=[WEATHER], toolChoice={"mode": "NONE"}))


def test_results_are_passed_on(yandex: YandexCaller) -> None:
    call = {"functionCall": {"name": "weather", "arguments": {"city": "Казань"}}}
    result = {"functionResult": {"name": "weather", "content": "минус пять"}}
    turns: list[dict[str, Any]] = [
        {"role": "user", "text": "Какая погода в Казани?"},
        {"role": "assistant", "toolCallList": {"toolCalls": [call]}},
        {"role": "user", "toolResultList": {"toolResults": [result]}},
    ]
    assert "минус пять" in said(yandex.ask("", messages=turns, tools=[WEATHER]))


def test_a_schema_is_kept_to(yandex: YandexCaller) -> None:
    schema = {"schema": {**CITY, "additionalProperties": False}}
    assert said(yandex.ask("Где Кремль: в Казани? Дай JSON", jsonSchema=schema)) == (
        '{\n    "city": "Казань"\n}'
    )


def test_any_json_must_be_asked_for_in_words_too(yandex: YandexCaller) -> None:
    assert said(yandex.ask("Дай столицу России в JSON", jsonObject=True)).startswith("{")
    blank = yandex.ask("Столица России?", {"maxTokens": "20"}, jsonObject=True)
    assert said(blank).isspace()
    assert status(blank) == "ALTERNATIVE_STATUS_TRUNCATED_FINAL"


def test_the_filter_is_a_status_not_an_error(yandex: YandexCaller) -> None:
    result = yandex.ask("sandbox:filter")
    assert status(result) == "ALTERNATIVE_STATUS_CONTENT_FILTER"
    assert said(result)


def test_hidden_reasoning_is_counted(yandex: YandexCaller) -> None:
    options = {"reasoningOptions": {"mode": "ENABLED_HIDDEN"}}
    usage = yandex.ask("Привет", options)["usage"]
    assert int(usage["completionTokensDetails"]["reasoningTokens"]) > 0
    silent = yandex.ask("Привет", {"reasoningOptions": {"mode": "DISABLED"}})["usage"]
    assert int(usage["completionTokens"]) > int(silent["completionTokens"])
    limited = yandex.ask("sandbox:long=90", {**options, "maxTokens": 40})
    assert limited["usage"]["completionTokens"] == "40"


@pytest.mark.parametrize("how", ["revise", "revise=last"])
def test_a_stream_may_revise_what_it_said(yandex: YandexCaller, how: str) -> None:
    texts = [said(line) for line in yandex.stream(f"Расскажи о Волге sandbox:{how}")]
    pairs = list(pairwise(texts))
    assert not all(later.startswith(text) for text, later in pairs)
    assert texts[-1] == said(yandex.ask("Расскажи о Волге"))


def test_the_count_of_a_completion_is_that_of_its_usage(yandex: YandexCaller) -> None:
    body = question("Какая погода в Казани?", tools=[WEATHER])
    answer = yandex.call("/foundationModels/v1/tokenizeCompletion", body).json()
    usage = yandex.complete(body).json()["result"]["usage"]
    assert str(len(answer["tokens"])) == usage["inputTextTokens"]
    assert any(token["special"] for token in answer["tokens"])
    assert answer["modelVersion"]


def test_the_tokens_of_a_text_join_to_it(yandex: YandexCaller) -> None:
    body = {"modelUri": model_uri("yandexgpt"), "text": "Кто там?  Это\nпочтальон!"}
    tokens = yandex.call("/foundationModels/v1/tokenize", body).json()["tokens"]
    assert "".join(token["text"] for token in tokens) == body["text"]
    assert all(set(token) == {"id", "text", "special"} for token in tokens)
    assert all(token["id"].isdecimal() for token in tokens)


@pytest.mark.parametrize("model", ["text-search-doc", "text-search-query/latest"])
def test_an_embedding_is_of_one_text(yandex: YandexCaller, model: str) -> None:
    body = {"modelUri": model_uri(model, "emb"), "text": "Привет, мир"}
    answer = yandex.call("/foundationModels/v1/textEmbedding", body).json()
    assert set(answer) == {"embedding", "numTokens", "modelVersion"}
    assert len(answer["embedding"]) == 256
    assert int(answer["numTokens"]) > 0


def test_documented_headers_are_taken(sandbox: Sandbox, yandex: YandexCaller) -> None:
    headers: dict[str, str | None] = {
        "x-folder-id": YANDEX_FOLDER_ID,
        "x-client-request-id": "0199e210-2f13-444c-8fe5-000000000000",
        "x-data-logging-enabled": "false",
    }
    assert yandex.complete(question("Привет"), headers=headers).status_code == 200
    assert sandbox.requests[-1].headers["x-data-logging-enabled"] == "false"
