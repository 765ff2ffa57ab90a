"""What real clients send reaches each wire, plain and streamed, and no strict provider refuses it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
import orjson
import pytest

from tests.api.corpus import corpus
from tests.live.callers import CHAT, events_in
from tests.live.service import Service, serve

HELLO = [{"role": "user", "content": "Столица России?"}]
LS = [{"type": "function", "function": {"name": "ls", "description": "д"}}]
WIRES = {
    "GigaChat's first form": ("gigachat-pro",),
    "GigaChat's second form": ("gigachat-pro",),
    "YandexGPT": ("yandexgpt",),
    "OpenAI's wire": ("qwen3-235b-a22b-fp8",),
    "OpenAI's wire, tools in words": ("aliceai-llm-flash",),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """A client of a service, and the model behind one wire."""

    service: Service
    http: httpx2.Client
    model: str

    def post(self, body: dict[str, Any], *, is_streamed: bool = False) -> httpx2.Response:
        return self.http.post(CHAT, json={"model": self.model, "stream": is_streamed} | body)

    def is_taken(self, body: dict[str, Any], *, name: str, sent: Sequence[str] = ()) -> None:
        """Look that the model answers, plain and streamed, and that its provider took what was `sent`."""
        for is_streamed in (False, True):
            self.service.sandbox.requests.clear()
            answer = self.post(body, is_streamed=is_streamed)
            asked = [r for r in self.service.sandbox.requests if "completion" in r.path.lower()]
            where = (name, self.model, is_streamed, answer.text)
            assert answer.status_code == 200, where
            assert {request.status for request in asked} == {200}, where
            assert all(word in orjson.dumps(asked[0].body).decode() for word in sent), where
            if is_streamed:
                assert answer.content.endswith(b"data: [DONE]\n\n"), where
                assert not [event for event in events_in(answer.content) if "error" in event], where


@pytest.fixture(scope="module")
def first_form(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Yield a service whose account of GigaChat has the first chat form alone."""
    store = request.config.option.store
    with serve(store, tmp_path_factory.mktemp("first"), GIGACHAT_CHAT_FORM="V1") as service:
        yield service


@pytest.fixture(scope="module", params=WIRES)
def caller(request: pytest.FixtureRequest, running_service: Service) -> Iterator[Caller]:
    is_first = request.param == "GigaChat's first form"
    service = request.getfixturevalue("first_form") if is_first else running_service
    service.make_well()
    service.sandbox.settings.interval_s = 0
    with service.http(service.fresh_key(balance="500")) as http:
        [model] = WIRES[request.param]
        yield Caller(service, http, model)
    service.make_well()


def test_tools_of_any_schema_are_offered(caller: Caller) -> None:
    entries = corpus("tool_schemas")
    functions: list[dict[str, Any]] = [
        {"name": f"tool_{index}", "description": entry["name"], "parameters": entry["parameters"]}
        for index, entry in enumerate(entries)
    ]

    for start in range(0, len(functions), 16):
        offered = functions[start : start + 16]
        tools = [{"type": "function", "function": function} for function in offered]
        names = [function["name"] for function in offered]
        caller.is_taken({"messages": HELLO, "tools": tools}, name=names[0], sent=names)


def test_any_list_of_tools_is_offered(caller: Caller) -> None:
    for entry in corpus("tool_lists"):
        caller.is_taken({"messages": HELLO, "tools": entry["tools"]}, name=entry["name"])


def test_a_history_is_carried(caller: Caller) -> None:
    for entry in corpus("histories"):
        caller.is_taken({"messages": entry["messages"], "tools": LS}, name=entry["name"])


def test_a_history_is_carried_where_no_tool_is_offered(caller: Caller) -> None:
    for entry in corpus("histories"):
        answer = caller.post({"messages": entry["messages"]})
        assert answer.status_code == 200, (entry["name"], answer.text)


def test_a_picture_is_shown(caller: Caller) -> None:
    for entry in corpus("data_urls"):
        parts = [
            {"type": "text", "text": "Что на снимке?"},
            {"type": "image_url", "image_url": {"url": entry["url"]}},
        ]
        body = {"messages": [{"role": "user", "content": parts}]}
        if caller.model == "gigachat-pro":
            caller.is_taken(body, name=entry["name"])
        else:
            answer = caller.post(body)
            assert answer.status_code == 400, (entry["name"], answer.text)
            assert "takes no" in answer.json()["error"]["message"]


def test_a_refusal_names_the_field_and_the_remedy(caller: Caller) -> None:
    for entry in corpus("refused"):
        answer = caller.post({"messages": HELLO} | entry["body"])
        error = answer.json()["error"]
        assert (answer.status_code, error["param"]) == (400, entry["param"]), (entry["name"], error)
        assert entry["says"] in error["message"], (entry["name"], error)


def test_calls_at_once_that_an_account_lacks_are_named_and_not_promised(
    first_form: Service,
) -> None:
    body = {"messages": HELLO, "tools": LS, "parallel_tool_calls": True, "model": "gigachat-pro"}
    demanding = body | {"provider": {"require_parameters": True}}
    with first_form.http(first_form.fresh_key()) as http:
        answer = http.post(CHAT, json=body)
        strict = http.post(CHAT, json=body, headers={"X-XRouter-Strict": "true"})
        demanded = http.post(CHAT, json=demanding)
        plan = http.post("/v1/plan", json=demanding).json()["data"]
        [card] = [m for m in http.get("/v1/models").json()["data"] if m["id"] == "gigachat-pro"]

    assert answer.headers["X-XRouter-Adapted"] == "parallel_tool_calls=ignored"
    assert (strict.status_code, strict.json()["error"]["param"]) == (400, "parallel_tool_calls")
    assert (demanded.status_code, plan["admitted"]) == (503, False)
    assert "parallel_tool_calls" not in card["supported_parameters"]
    assert "tools" in card["supported_parameters"]


def test_a_test_key_is_promised_calls_at_once_whatever_the_account(first_form: Service) -> None:
    body = {"messages": HELLO, "tools": LS, "parallel_tool_calls": True, "model": "gigachat-pro"}
    with first_form.http(first_form.fresh_key(test=True)) as http:
        assert "X-XRouter-Adapted" not in http.post(CHAT, json=body).headers
