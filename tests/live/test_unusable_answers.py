"""Answers that nobody can use: some an hour for nothing, whoever serves them; the rest is charged."""

import json
from typing import Any

import pytest

from tests.live.service import Service

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["city", "people"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY}}


def _body(**more: Any) -> dict[str, Any]:
    text = "Казань, 1300000 жителей sandbox:unruly=missing!"
    messages = [{"role": "user", "content": text}]
    return {"model": "gigachat-pro", "messages": messages, "response_format": FORMAT, **more}


def _usage(service: Service, key: str) -> float:
    with service.http(key) as http:
        return float(http.get("/v1/credits").json()["data"]["total_usage"])


def _answers(service: Service, key: str, count: int) -> list[Any]:
    with service.http(key) as http:
        return [http.post("/v1/chat/completions", json=_body()) for _ in range(count)]


def test_five_an_hour_are_free_and_the_sixth_says_that_it_is_not(service: Service) -> None:
    key = service.fresh_key()
    free = _answers(service, key, 5)

    for answer in free:
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (502, "provider_error")
        assert answer.headers["x-should-retry"] == "false"
        assert "required" in error["message"]
        assert "Казань" not in answer.text
        assert error["metadata"]["raw"] is None
        assert "charged" not in error["message"]
    assert _usage(service, key) == 0

    (sixth,) = _answers(service, key, 1)
    assert sixth.status_code == 502
    assert "charged" in sixth.json()["error"]["message"]
    assert "Казань" not in sixth.text
    charged = _usage(service, key)
    assert charged > 0
    with service.http(key) as http:
        found = http.get("/v1/generation", params={"id": sixth.headers["X-Generation-Id"]})
        generation = found.json()["data"]
    assert generation["total_cost"] == charged
    assert generation["tokens_prompt"] > 0
    assert generation["tokens_completion"] > 0
    service.audit()


def test_a_streamed_one_counts_as_well(service: Service) -> None:
    key = service.fresh_key()
    _answers(service, key, 5)
    with service.http(key) as http:
        answer = http.post("/v1/chat/completions", json=_body(stream=True))
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line[:6] == "data: "]
    error = answer.json()["error"] if answer.status_code == 502 else events[-1]["error"]
    assert "charged" in error["message"]
    assert _usage(service, key) > 0


@pytest.mark.postgres
def test_the_count_is_one_over_all_processes(pair: Service) -> None:
    key = pair.fresh_key()
    told = [answer.json()["error"]["message"] for answer in _answers(pair, key, 8)]
    assert ["charged" in message for message in told] == [False] * 5 + [True] * 3


def test_an_account_without_credits_is_never_charged(service: Service) -> None:
    key = service.fresh_key(balance="0")
    with service.http(key) as http:
        told = [
            http.post("/v1/chat/completions", json=_body(model="gigachat-basic")).text
            for _ in range(6)
        ]
    assert not any("charged" in text for text in told)


def test_a_schema_that_nothing_satisfies_is_refused_for_its_field(service: Service) -> None:
    impossible = {"type": "object", "properties": {"n": {"not": {}}}, "required": ["n"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": impossible}}
    with service.http() as http:
        answer = http.post("/v1/chat/completions", json=_body(response_format=wanted))
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, "response_format.json_schema.schema")
