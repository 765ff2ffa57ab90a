"""What YandexGPT refuses: one failing request per rule of the reference."""

from typing import Any

import pytest

from sandbox.core.credentials import YANDEX_API_KEY, YANDEX_FOLDER_ID
from sandbox.server import Sandbox
from tests.sandbox.callers import YandexCaller, model_uri, question

USER = {"role": "user", "text": "Столица Татарстана?"}
FUNCTION = {"name": "tram", "description": "Когда трамвай", "parameters": {"type": "object"}}
CALL = {"functionCall": {"name": "tram", "arguments": {"stop": "Вокзал"}}}
CALLS = {"role": "assistant", "toolCallList": {"toolCalls": [CALL]}}
RESULT = {"functionResult": {"name": "tram", "content": "12:05"}}
RESULTS = {"role": "user", "toolResultList": {"toolResults": [RESULT]}}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}


def options(**fields: Any) -> dict[str, Any]:
    return {"completionOptions": fields}


def messages(*turns: Any) -> dict[str, Any]:
    return {"messages": list(turns)}


def tools(choice: Any = None, **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {"tools": [{"function": {**FUNCTION, **changes}}]}
    return fields if choice is None else {**fields, "toolChoice": choice}


def calls(**changes: Any) -> dict[str, Any]:
    call = {"functionCall": {**CALL["functionCall"], **changes}}
    return {"role": "assistant", "toolCallList": {"toolCalls": [call]}}


def results(**changes: Any) -> dict[str, Any]:
    result = {"functionResult": {**RESULT["functionResult"], **changes}}
    return {"role": "user", "toolResultList": {"toolResults": [result]}}


BAD_REQUESTS: dict[str, dict[str, Any]] = {
    "modelUri missing": {"modelUri": ...},
    "modelUri a plain name": {"modelUri": "yandexgpt"},
    "modelUri without a folder": {"modelUri": "gpt:///yandexgpt"},
    "modelUri of embeddings": {"modelUri": model_uri("text-search-doc", "emb")},
    "modelUri with too many parts": {"modelUri": model_uri("yandexgpt/latest/x")},
    "model as elsewhere": {"model": "yandexgpt"},
    "temperature below 0": options(temperature=-0.1),
    "temperature above 1": options(temperature=1.1),
    "temperature as text": options(temperature="0.3"),
    "temperature true": options(temperature=True),
    "maxTokens zero": options(maxTokens=0),
    "maxTokens zero as text": options(maxTokens="0"),
    "maxTokens minus one": options(maxTokens="-1"),
    "maxTokens a fraction": options(maxTokens=1.5),
    "maxTokens not a number": options(maxTokens="many"),
    "maxTokens true": options(maxTokens=True),
    "maxTokens past int64": options(maxTokens=str(2**63)),
    "stream as text": options(stream="true"),
    "stream null": options(stream=None),
    "unknown option": options(topP=0.5),
    "option under two names": options(maxTokens=5, max_tokens=5),
    "options not an object": {"completionOptions": []},
    "reasoning unknown": options(reasoningOptions={"mode": "ENABLED"}),
    "reasoning as text": options(reasoningOptions="ENABLED_HIDDEN"),
    "reasoning of a model without it": {
        **options(reasoningOptions={"mode": "ENABLED_HIDDEN"}),
        "modelUri": model_uri("yandexgpt/rc"),
    },
    "unknown field": {"temperature": 0.3},
    "messages missing": {"messages": ...},
    "messages empty": messages(),
    "messages not a list": {"messages": "Привет"},
    "a message that is text": messages("Привет"),
    "role missing": messages({"text": "Привет"}),
    "role tool": messages(USER, CALLS, {"role": "tool", "text": "12:05"}),
    "role function": messages({"role": "function", "text": "12:05"}),
    "role developer": messages({"role": "developer", "text": "Кратко"}, USER),
    "text with content": messages({**USER, "content": "?"}),
    "text of parts": messages({"role": "user", "text": [{"type": "text", "text": "?"}]}),
    "text and calls": messages(USER, {**CALLS, "text": "Сейчас"}, RESULTS),
    "calls of a user": messages({**CALLS, "role": "user"}),
    "calls empty": messages(USER, {"role": "assistant", "toolCallList": {"toolCalls": []}}),
    "calls not wrapped": messages(USER, {"role": "assistant", "toolCallList": [CALL]}),
    "call with an id": messages(USER, {
        "role": "assistant", "toolCallList": {"toolCalls": [{**CALL, "id": "call_1"}]},
    }),
    "call arguments as text": messages(USER, calls(arguments="{}"), RESULTS),
    "call without a name": messages(USER, calls(name=""), RESULTS),
    "results of an assistant": messages(USER, CALLS, {**RESULTS, "role": "assistant"}),
    "results without calls": messages(USER, RESULTS),
    "results of another function": messages(USER, CALLS, results(name="bus")),
    "results split over messages": messages(
        USER,
        {"role": "assistant", "toolCallList": {"toolCalls": [CALL, CALL]}},
        RESULTS, RESULTS,
    ),
    "result not text": messages(USER, CALLS, results(content={"at": "12:05"})),
    "tools not a list": {"tools": {"function": FUNCTION}},
    "tool with a type": {"tools": [{"type": "function", "function": FUNCTION}]},
    "tool without a function": {"tools": [FUNCTION]},
    "function without a name": tools(name=""),
    "function parameters as text": tools(parameters="{}"),
    "function strict as text": tools(strict="yes"),
    "function with an unknown field": tools(returns={}),
    "two functions of one name": {"tools": [{"function": FUNCTION}] * 2},
    "toolChoice as text": tools("auto"),
    "toolChoice in lower case": tools({"mode": "auto"}),
    "toolChoice of the other form": tools({"type": "function", "function": {"name": "tram"}}),
    "toolChoice of both": tools({"mode": "AUTO", "functionName": "tram"}),
    "toolChoice of none": tools({}),
    "toolChoice of an unknown function": tools({"functionName": "bus"}),
    "parallelToolCalls as text": {**tools(), "parallelToolCalls": "true"},
    "jsonObject and jsonSchema": {"jsonObject": True, "jsonSchema": {"schema": SCHEMA}},
    "jsonObject as text": {"jsonObject": "true"},
    "jsonSchema without the inner schema": {"jsonSchema": SCHEMA},
    "jsonSchema with a name": {"jsonSchema": {"schema": SCHEMA, "name": "n"}},
    "jsonSchema not an object": {"jsonSchema": {"schema": "{}"}},
}  # fmt: skip

NO_TEXT: dict[str, dict[str, Any]] = {
    "content instead of text": {"role": "user", "content": "Привет"},
    "no text": {"role": "user"},
    "empty text": {"role": "user", "text": ""},
}


def assert_refused(
    yandex: YandexCaller, body: dict[str, Any], status: int = 400, code: int = 3, text: str = ""
) -> None:
    response = yandex.complete({k: v for k, v in body.items() if v is not ...})
    assert response.status_code == status, response.text
    refusal = response.json()
    assert set(refusal) == {"error"}
    error = refusal["error"]
    assert set(error) == {"grpcCode", "httpCode", "message", "httpStatus", "details"}
    assert (error["httpCode"], error["grpcCode"]) == (status, code)
    assert text in error["message"]


def test_the_body_that_the_refused_ones_spoil_is_good(yandex: YandexCaller) -> None:
    assert yandex.complete(question("Привет")).status_code == 200
    assert yandex.complete(question("Привет", **tools({"mode": "AUTO"}))).status_code == 200
    assert yandex.complete({**question(""), **messages(USER, CALLS, RESULTS)}).status_code == 200


@pytest.mark.parametrize("change", BAD_REQUESTS.values(), ids=BAD_REQUESTS.keys())
def test_a_wrong_request_is_refused(yandex: YandexCaller, change: dict[str, Any]) -> None:
    assert_refused(yandex, {**question("Столица Татарстана?"), **change})


@pytest.mark.parametrize("message", NO_TEXT.values(), ids=NO_TEXT.keys())
def test_a_message_without_text_is_empty(yandex: YandexCaller, message: dict[str, Any]) -> None:
    assert_refused(yandex, {**question(""), **messages(message)}, text="empty message text")


@pytest.mark.parametrize("name", ["top_p", "stop", "n", "seed", "stream", "tool_calls"])
def test_an_unknown_field_is_refused_by_name(yandex: YandexCaller, name: str) -> None:
    assert_refused(yandex, {**question("Привет"), name: 1}, text=name)


@pytest.mark.parametrize(
    "model",
    ["yandexgpt-32k", "yandexgpt-32k/latest", "llama", "llama-lite/latest", "summarization",
     "yandexgpt-9", "yandexgpt/newest", "yandexgpt/latest@tuned", "gpt-oss-120b/latest",
     "qwen3-235b-a22b-fp8/latest", "gemma-3-27b-it/latest"],
)  # fmt: skip
def test_a_model_that_is_gone_is_not_found(yandex: YandexCaller, model: str) -> None:
    assert_refused(yandex, question("Привет", modelUri=model_uri(model)), 404, 5)


@pytest.mark.parametrize("where", ["uri", "header"])
def test_the_folder_of_another_is_refused(yandex: YandexCaller, where: str) -> None:
    text = (
        "Specified folder ID 'b1gother' does not match with service account folder ID "
        f"'{YANDEX_FOLDER_ID}'"
    )
    if where == "uri":
        body = question("Привет", modelUri="gpt://b1gother/yandexgpt")
        return assert_refused(yandex, body, text=text)
    response = yandex.complete(question("Привет"), headers={"x-folder-id": "b1gother"})
    assert response.status_code == 400
    assert response.json()["error"]["message"] == text


def test_a_prompt_over_the_context_is_refused_with_both_numbers(yandex: YandexCaller) -> None:
    body = question("да " * 40_000)
    assert_refused(yandex, body, text="Number of input tokens must be no more than 32768, got 4")


def test_a_request_without_a_credential_is_told_so(yandex: YandexCaller) -> None:
    response = yandex.complete(question("Привет"), headers={"Authorization": None})
    assert response.status_code == 401
    error = response.json()["error"]
    assert error["grpcCode"] == 16
    assert error["message"] == "IAM token or API key has to be passed in request"


@pytest.mark.parametrize(
    "value",
    ["Api-Key AQVNwrong", f"Bearer {YANDEX_API_KEY}", "Bearer t1.nonsense", YANDEX_API_KEY,
     "Api-Key t1.nonsense", f"api-key{YANDEX_API_KEY}", "Basic x"],
)  # fmt: skip
def test_a_wrong_credential_is_unauthorized(yandex: YandexCaller, value: str) -> None:
    response = yandex.complete(question("Привет"), headers={"Authorization": value})
    assert response.status_code == 401


def test_an_iam_token_is_no_api_key(sandbox: Sandbox, yandex: YandexCaller) -> None:
    token = yandex.exchange(sandbox.service_account_key()).json()["iamToken"]
    good = {"Authorization": f"Bearer {token}"}
    assert yandex.complete(question("Привет"), headers=good).status_code == 200
    wrong = {"Authorization": f"Api-Key {token}"}
    assert yandex.complete(question("Привет"), headers=wrong).status_code == 401


def test_an_old_iam_token_is_unauthorized(sandbox: Sandbox, yandex: YandexCaller) -> None:
    sandbox.settings.iam_token_lifetime_s = -1
    token = yandex.exchange(sandbox.service_account_key()).json()["iamToken"]
    response = yandex.complete(question("Привет"), headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 401


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b"\xff", b'{"modelUri": NaN}'])
def test_a_body_that_is_not_a_json_object_is_refused(yandex: YandexCaller, body: bytes) -> None:
    response = yandex.call(
        "/foundationModels/v1/completion", None, data=body,
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    assert response.status_code == 400
    assert response.json()["error"]["grpcCode"] == 3


def test_one_generation_too_many_at_once_is_refused(sandbox: Sandbox, yandex: YandexCaller) -> None:
    sandbox.settings.yandex_parallel = 1
    with yandex.complete(question("sandbox:pause=5", {"stream": True}), stream=True):
        assert_refused(yandex, question("Привет"), 429, 8, "gauge quota limit exceed: allowed 1")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("tokenize", {"modelUri": model_uri("yandexgpt")}),
        ("tokenize", {"modelUri": model_uri("yandexgpt"), "text": ["Привет"]}),
        ("tokenize", {"modelUri": model_uri("yandexgpt"), "messages": []}),
        ("tokenizeCompletion", {"modelUri": model_uri("yandexgpt"), "text": "Привет"}),
        ("textEmbedding", {"modelUri": model_uri("text-search-doc", "emb")}),
        ("textEmbedding", {"modelUri": model_uri("text-search-doc", "emb"), "text": ["а", "б"]}),
        ("textEmbedding", {"modelUri": model_uri("text-search-doc", "emb"), "text": ""}),
        ("textEmbedding", {"modelUri": model_uri("text-search-doc", "emb"), "text": "а", "dim": 8}),
        ("textEmbedding", {"modelUri": model_uri("yandexgpt"), "text": "а"}),
        ("textEmbedding", {"modelUri": model_uri("text-search-doc", "emb"), "text": "да " * 2001}),
    ],
)
def test_a_wrong_count_or_embedding_is_refused(
    yandex: YandexCaller, path: str, body: dict[str, Any]
) -> None:
    response = yandex.call(f"/foundationModels/v1/{path}", body)
    assert response.status_code == 400, response.text
    assert response.json()["error"]["grpcCode"] == 3


def test_an_unknown_embedding_model_is_not_found(yandex: YandexCaller) -> None:
    body = {"modelUri": model_uri("text-search", "emb"), "text": "а"}
    assert yandex.call("/foundationModels/v1/textEmbedding", body).status_code == 404


@pytest.mark.parametrize("path", ["/v2/chat/completions", "/foundationModels/v1/models"])
def test_a_wrong_path_is_not_found(yandex: YandexCaller, path: str) -> None:
    assert yandex.call(path, {}).status_code == 404
