"""The official client, unmodified but for base URL and key: plain, streamed, refused."""

import json
from decimal import Decimal
from typing import Any

import openai
import pytest

from tests.live.service import Service

HELLO: Any = [{"role": "user", "content": "Привет, какая столица России?"}]
MODELS = [
    "gigachat-pro",
    "gigachat-plus",
    "gigachat-basic",
    *(
        f"{name}{branch}"
        for name in ("yandexgpt", "yandexgpt-lite", "yandexgpt-32k")
        for branch in ("", ":latest", ":rc", ":deprecated")
    ),
    "gigachat-2",
    "gigachat-2-pro",
    "gigachat-2-max",
    "gigachat/pro",
    "yandexgpt/latest",
    "GigaChat-Pro",
    "xrouter/auto",
]


def _expect_the_providers_count(usage: Any, service: Service, model: str) -> None:
    """Compare with what the provider counted for the latest completion."""
    counted = [request for request in service.sandbox.requests if "ompletion" in request.path][
        -1
    ].usage
    assert counted is not None
    tokens = usage.prompt_tokens, usage.completion_tokens
    assert tokens == (counted.prompt_tokens, counted.completion_tokens), model


def test_every_model_answers_plain(service: Service) -> None:
    client = service.openai()
    for model in MODELS:
        answer = client.chat.completions.create(model=model, messages=HELLO)

        choice = answer.choices[0]
        assert "Москва" in (choice.message.content or ""), model
        assert choice.finish_reason == "stop", model
        assert answer.id.startswith("gen-"), model
        _expect_the_providers_count(answer.usage, service, model)


def test_every_model_answers_streamed(service: Service) -> None:
    service.sandbox.settings.split = 3  # letters are cut between segments
    client = service.openai()
    for model in MODELS:
        stream = client.chat.completions.create(
            model=model, messages=HELLO, stream=True, stream_options={"include_usage": True}
        )

        chunks = list(stream)

        assert chunks[0].choices[0].delta.role == "assistant", model
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])
        assert text == "Столица России — Москва.", model
        assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]].count("stop") == 1, model
        assert chunks[-1].choices == [], model
        assert len({chunk.id for chunk in chunks}) == 1, model
        _expect_the_providers_count(chunks[-1].usage, service, model)


@pytest.mark.parametrize("model", ["gigachat-pro", "yandexgpt"])
def test_a_long_answer_streams_in_many_chunks_that_make_the_plain_one(
    service: Service, model: str
) -> None:
    question: Any = [{"role": "user", "content": "sandbox:long=120 Расскажи о Байкале"}]
    client = service.openai()

    plain = client.chat.completions.create(model=model, messages=question)
    stream = client.chat.completions.create(model=model, messages=question, stream=True)
    texts = [chunk.choices[0].delta.content or "" for chunk in stream]

    assert len(list(filter(None, texts))) > 20
    assert "".join(texts) == plain.choices[0].message.content


def test_usage_that_nobody_asked_for_is_in_no_chunk(service: Service) -> None:
    stream = service.openai().chat.completions.create(
        model="yandexgpt-lite", messages=HELLO, stream=True
    )

    chunks = list(stream)

    assert all(chunk.choices for chunk in chunks)
    assert not any({"usage", "system_fingerprint"} & chunk.model_fields_set for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("asks", [{"stream_options": {"include_usage": True}}, {"extra": True}])
def test_texts_bear_nothing_of_a_chat(service: Service, asks: dict[str, Any]) -> None:
    extra = {"usage": {"include": True}} if asks.pop("extra", False) else {}
    texts = service.openai().completions

    plain = texts.create(model="gigachat-pro", prompt="Какая столица России?")
    *chunks, last = texts.create(
        model="gigachat-pro",
        prompt="Какая столица России?",
        stream=True,
        extra_body=extra,
        **asks,
    )

    choices = [plain.choices[0], *(chunk.choices[0] for chunk in chunks)]
    assert not any({"message", "delta"} & set(choice.model_extra or {}) for choice in choices)
    assert "".join(choice.text for choice in choices[1:]) == plain.choices[0].text
    assert "Москва" in plain.choices[0].text
    assert last.choices == []
    assert last.usage is not None


def test_cost_is_tokens_times_price_and_the_generation_says_the_same(service: Service) -> None:
    client = service.openai()
    raw = client.chat.completions.with_raw_response.create(model="gigachat-pro", messages=HELLO)
    body = json.loads(raw.text, parse_float=Decimal)
    usage = body["usage"]

    with service.http() as http:
        answer = http.get("/v1/generation", params={"id": body["id"]})
        card = http.get("/v1/models/gigachat-pro").json()
    generation = json.loads(answer.text, parse_float=Decimal)["data"]

    price = {kind: Decimal(card["pricing"][kind]) for kind in ("prompt", "completion")}
    expected = (
        usage["prompt_tokens"] * price["prompt"] + usage["completion_tokens"] * price["completion"]
    )
    assert Decimal(usage["cost"]) == expected == generation["total_cost"]
    assert raw.headers["x-generation-id"] == body["id"] == generation["id"]
    assert generation["tokens_prompt"] == usage["prompt_tokens"]
    assert generation["tokens_completion"] == usage["completion_tokens"]
    assert generation["finish_reason"] == "stop"
    assert generation["provider_name"] == "gigachat"
    assert [attempt["outcome"] for attempt in generation["attempts"]] == ["answered"]


@pytest.mark.both_stores
def test_credits_fall_by_what_the_answers_cost(service: Service) -> None:
    key = service.fresh_key(balance="5")
    client = service.openai(key)
    costs = []
    for model in ("gigachat-pro", "yandexgpt-lite", "gigachat-basic"):
        raw = client.chat.completions.with_raw_response.create(model=model, messages=HELLO)
        costs.append(json.loads(raw.text, parse_float=Decimal)["usage"]["cost"])

    with service.http(key) as http:
        credit = json.loads(http.get("/v1/credits").text, parse_float=Decimal)["data"]

    assert credit == {"total_credits": 5, "total_usage": sum(map(Decimal, costs))}


def test_a_doubled_bearer_works(service: Service) -> None:
    client = service.openai(f"Bearer {service.key()}")

    assert client.chat.completions.create(model="yandexgpt-lite", messages=HELLO).choices


def test_a_test_key_is_answered_by_the_sandbox_and_costs_nothing(service: Service) -> None:
    key = service.fresh_key(balance="0", test=True)

    raw = service.openai(key).chat.completions.with_raw_response.create(
        model="gigachat-2-max", messages=HELLO
    )

    assert json.loads(raw.text)["usage"]["cost"] == 0
    assert not list(service.sandbox.requests)  # the process has a sandbox of its own


def test_the_free_tier_has_free_models_for_nothing_and_no_others(service: Service) -> None:
    client = service.openai(service.fresh_key(balance="0"))

    raw = client.chat.completions.with_raw_response.create(model="gigachat-basic", messages=HELLO)
    with pytest.raises(openai.APIStatusError) as refusal:
        client.chat.completions.create(model="gigachat-pro", messages=HELLO)

    assert json.loads(raw.text)["usage"]["cost"] == 0
    assert refusal.value.status_code == 402
    assert refusal.value.code == "insufficient_credits"
    assert refusal.value.response.headers["x-should-retry"] == "false"


def test_max_tokens_cuts_the_answer(service: Service) -> None:
    for model in ("gigachat-pro", "yandexgpt"):
        answer = service.openai().chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": "sandbox:long=500 Расскажи о Волге"}],
            max_tokens=20,
        )

        assert answer.choices[0].finish_reason == "length"
        assert answer.usage is not None
        assert answer.usage.completion_tokens <= 20


def test_stop_cuts_the_text_plain_and_streamed(service: Service) -> None:
    client = service.openai()
    for model in ("gigachat-pro", "yandexgpt"):
        plain = client.chat.completions.create(model=model, messages=HELLO, stop="Моск")
        stream = client.chat.completions.create(
            model=model, messages=HELLO, stop="Моск", stream=True
        )
        chunks = list(stream)

        assert plain.choices[0].message.content == "Столица России — "
        assert "".join(c.choices[0].delta.content or "" for c in chunks) == "Столица России — "
        assert chunks[-1].choices[0].finish_reason == "stop"


def test_a_filtered_answer_is_a_200_that_costs_nothing(service: Service) -> None:
    for model in ("gigachat-pro", "yandexgpt"):
        raw = service.openai().chat.completions.with_raw_response.create(
            model=model, messages=[{"role": "user", "content": "sandbox:filter привет"}]
        )
        body = json.loads(raw.text)

        assert body["choices"][0]["finish_reason"] == "content_filter"
        assert body["usage"]["cost"] == 0

        stream = service.openai().chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": "sandbox:filter привет"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        *_, last = stream
        assert last.usage is not None
        assert (last.usage.model_extra or {})["cost"] == 0


def test_an_answer_from_the_cache_charges_the_cached_tokens_at_their_price(
    service: Service,
) -> None:
    question: Any = [
        {"role": "system", "content": "Отвечай коротко и по делу. " * 20},
        {"role": "user", "content": "Привет"},
    ]
    client = service.openai()
    first = client.chat.completions.create(model="gigachat-pro", messages=question)

    again = client.chat.completions.with_raw_response.create(
        model="gigachat-pro", messages=question
    )

    usage = json.loads(again.text, parse_float=Decimal)["usage"]
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    assert first.usage is not None
    assert usage["prompt_tokens"] == first.usage.prompt_tokens
    assert usage["prompt_tokens"] - cached < cached
    paid = usage["prompt_tokens"] - cached + usage["completion_tokens"]
    assert Decimal(usage["cost"]) == paid * Decimal("0.0005")


def test_models_are_listed_and_found(service: Service) -> None:
    client = service.openai()

    listed = {model.id for model in client.models.list()}

    assert {"gigachat-pro", "gigachat-basic", "yandexgpt:latest", "yandexgpt-32k:rc"} <= listed
    assert client.models.retrieve("gigachat-pro").id == "gigachat-pro"
    with pytest.raises(openai.NotFoundError) as refusal:
        client.models.retrieve("gpt-9")
    assert refusal.value.code == "model_not_found"
