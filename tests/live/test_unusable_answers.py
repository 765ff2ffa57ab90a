"""Answers that nobody can use: some an hour for nothing, whoever serves them; the rest is charged."""

import json
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from sandbox.core.exchange import Piece, SandboxResponse
from sandbox.core.faults import Fault
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


CODES = {
    "type": "object",
    "properties": {"code": {"type": "string", "pattern": "^[А-Я]{2}[0-9]{4}$"}},
    "patternProperties": {"^x_": {"type": "integer"}},
    "additionalProperties": False,
}


def _say(service: Service, *texts: str) -> None:
    """Have the sandbox answer the next requests with these texts."""
    for text in texts:
        answer = {
            "model": "GigaChat-2-Pro:2",
            "created_at": 1,
            "messages": [{"role": "assistant", "content": [{"text": text}]}],
            "finish_reason": "stop",
            "usage": {"input_tokens": 5, "output_tokens": 5, "total_tokens": 10},
        }
        pieces = [Piece(json.dumps(answer).encode())]
        fault = Fault("scripted", partial(_instead, pieces))
        service.sandbox.faults.push("gigachat", fault, path="completion")


def _instead(pieces: list[Piece], answer: SandboxResponse, _: object) -> SandboxResponse:
    return replace(answer, pieces=pieces)


def _coded(service: Service) -> Any:
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": CODES}}
    with service.http(service.fresh_key()) as http:
        return http.post("/v1/chat/completions", json=_body(response_format=wanted))


@pytest.mark.parametrize("wrong", ['{"code": "abcd"}', '{"zzz": 1}', '{"x_a": "b"}'])
def test_an_answer_that_does_not_match_a_pattern_is_repaired(service: Service, wrong: str) -> None:
    right = '{"code": "АБ1234", "x_a": 1}'
    _say(service, wrong, right)
    answer = _coded(service)
    assert answer.json()["choices"][0]["message"]["content"] == right
    assert "response_format" not in answer.headers.get("X-XRouter-Adapted", "")


def test_one_that_never_matches_is_refused_by_the_pattern_s_place(service: Service) -> None:
    _say(service, '{"code": "abcd"}', '{"code": "efgh"}')
    error = _coded(service).json()["error"]
    assert error["code"] == "provider_error"
    assert "properties/code/pattern" in error["message"]
    assert "efgh" not in error["message"]
