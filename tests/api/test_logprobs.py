"""Probabilities of tokens, of a model whose operator says that it tells them."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.test import Client

from billing.ledger.process_heartbeat import heartbeat
from gateway import upstreams
from gateway.catalog import snapshot
from gateway.models import Route
from tests.accounts.people import new_key

pytestmark = pytest.mark.django_db(transaction=True)

MODEL = "gigachat-2-max"


@pytest.fixture(autouse=True)
def _telling_model() -> Iterator[None]:
    route = Route.objects.get(model__public_id=MODEL)
    told = {"logprobs": {}, "top_logprobs": {"minimum": 0, "maximum": 5}}
    route.profile = route.profile | {"wire": "v2"}
    route.profile["parameters"] = route.profile["parameters"] | told
    route.save()
    snapshot.reset()
    yield
    heartbeat.stop()  # its thread would go to the database of other tests
    snapshot.reset()


def ask(path: str, *, strict: str = "false", **fields: object) -> Any:
    _, raw = new_key(is_test=True)
    return Client().post(
        f"/v1/{path}",
        orjson.dumps({"model": MODEL} | fields),
        "application/json",
        headers={"Authorization": f"Bearer {raw}", "X-XRouter-Strict": strict},
    )


def chat(**fields: Any) -> Any:
    messages = [{"role": "user", "content": "Столица России?"}]
    return ask("chat/completions", messages=messages, **fields)


def test_a_plain_answer_bears_them_where_they_are_asked_for() -> None:
    response = chat(logprobs=True, top_logprobs=2)
    assert "X-XRouter-Adapted" not in response.headers
    [choice] = response.json()["choices"]
    tokens = choice["logprobs"]["content"]
    assert "".join(token["token"] for token in tokens) == choice["message"]["content"]
    assert {"token", "logprob", "bytes", "top_logprobs"} == set(tokens[0])
    assert chat().json()["choices"][0]["logprobs"] is None


def test_each_chunk_of_a_stream_bears_those_of_its_words() -> None:
    frames = chat(logprobs=True, stream=True).getvalue().decode().split("\n\n")
    chunks = [orjson.loads(frame[6:]) for frame in frames if frame.startswith("data: {")]
    for chunk in chunks:
        for choice in chunk["choices"]:
            words = choice["delta"].get("content")
            told = choice["logprobs"]
            assert (told is not None) is bool(words)
            assert not words or "".join(token["token"] for token in told["content"]) == words


def test_completions_have_them_in_their_own_form() -> None:
    response = ask("completions", prompt="Столица России?", logprobs=2)
    [choice] = response.json()["choices"]
    assert "".join(choice["logprobs"]["tokens"]) == choice["text"]
    assert set(choice["logprobs"]) == {"tokens", "token_logprobs", "top_logprobs"}
    [*_, sent] = upstreams.sandbox().requests.of("gigachat", "completions")
    assert sent.body["model_options"]["top_logprobs"] == 2


@pytest.mark.parametrize("strict", ["true", "false"])
def test_a_count_of_completions_is_named_by_the_callers_own_word(strict: str) -> None:
    asked = {"prompt": "Столица России?", "strict": strict}
    clamped = ask("completions", logprobs=9, **asked)
    ignored = ask("completions", model="gigachat-2", logprobs=9, **asked)
    wrong = ask("completions", logprobs=21, **asked)

    if strict == "true":
        told = [answer.json()["error"]["param"] for answer in (clamped, ignored)]
        assert told == ["logprobs"] * 2
    else:
        told = [answer.headers["X-XRouter-Adapted"] for answer in (clamped, ignored)]
        assert told == ["logprobs=clamped", "logprobs=ignored"]
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "logprobs")


def test_a_model_that_tells_none_is_asked_for_none_and_says_so() -> None:
    response = ask(
        "chat/completions",
        model="gigachat-2",
        messages=[{"role": "user", "content": "Привет"}],
        logprobs=True,
    )
    assert "logprobs=ignored" in response.headers["X-XRouter-Adapted"]


@pytest.mark.parametrize("is_streamed", [False, True])
def test_an_answer_in_json_bears_them_too(*, is_streamed: bool) -> None:
    wanted = {"type": "json_object"}
    response = chat(logprobs=True, response_format=wanted, stream=is_streamed)
    assert "X-XRouter-Adapted" not in response.headers
    if is_streamed:
        frames = response.getvalue().decode().split("\n\n")
        chunks = [orjson.loads(frame[6:]) for frame in frames if frame.startswith("data: {")]
        [choice] = [c for chunk in chunks for c in chunk["choices"] if c["delta"].get("content")]
        content = choice["delta"]["content"]
    else:
        [choice] = response.json()["choices"]
        content = choice["message"]["content"]
    assert "".join(token["token"] for token in choice["logprobs"]["content"]) == content
