"""Vectors: split, put back in order, checked."""

from typing import Any

import orjson
import pytest

from gateway.providers.errors import ProviderProtocolError, ProviderRejected
from gateway.providers.openai_compatible.adapter import OpenAICompatible
from gateway.providers.openai_compatible.embeddings import (
    BATCH_CHARS_MAX,
    BATCH_TEXTS_MAX,
    batches,
    read_embedding,
)
from tests.providers.openai_compatible.upstream import HANG_S, NAME, OpenAIUpstream, answered


def item(index: int | None, *vector: Any) -> dict[str, Any]:
    listed = {"object": "embedding", "embedding": list(vector)}
    return listed if index is None else {**listed, "index": index}


def answer(*items: Any, tokens: Any = 6) -> dict[str, Any]:
    return {"object": "list", "data": list(items), "usage": {"prompt_tokens": tokens}}


def test_texts_are_split_by_number_and_by_length() -> None:
    many = [str(number) for number in range(BATCH_TEXTS_MAX + 1)]
    assert list(batches(many)) == [many[:-1], many[-1:]]
    long = "а" * (BATCH_CHARS_MAX - 1)
    assert list(batches([long, "б", "в"])) == [[long, "б"], ["в"]]
    assert list(batches([long * 2, "б"])) == [[long * 2], ["б"]]
    assert list(batches([])) == []


def test_vectors_are_put_in_the_order_of_the_texts() -> None:
    read = read_embedding(orjson.dumps(answer(item(1, 2, 0.5), item(0, 1, 0))), 2, provider=NAME)
    assert read.vectors == ((1.0, 0.0), (2.0, 0.5))
    assert read.prompt_tokens == 6


def test_vectors_without_an_index_stand_in_order() -> None:
    read = read_embedding(orjson.dumps(answer(item(None, 1), item(None, 2))), 2, provider=NAME)
    assert read.vectors == ((1.0,), (2.0,))


@pytest.mark.parametrize("usage", [{}, {"usage": None}, {"usage": {}}])
def test_a_server_may_tell_no_count_of_tokens(usage: dict[str, Any]) -> None:
    told = {"data": [item(0, 1), item(1, 2)], **usage}
    read = read_embedding(orjson.dumps(told), 2, provider=NAME)
    assert (read.vectors, read.prompt_tokens) == (((1.0,), (2.0,)), None)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"null",
        b"{}",
        answer(),
        answer(item(0, 1)),
        answer(item(0, 1), item(0, 1)),
        answer(item(0, 1), item(2, 1)),
        answer(item(0, 1), item(1)),
        answer(item(0, 1), item(1, "a")),
        answer(item(0, 1), item(1, True)),
        answer(item(0, 1), item(1, None)),
        answer(item(0, 1), "nonsense"),
        answer(item(0, 1), {"index": 1, "embedding": "AACAPw=="}),
        {**answer(item(0, 1), item(1, 1)), "data": None},
        {**answer(item(0, 1), item(1, 1)), "usage": 6},
        answer(item(0, 1), item(1, 1), tokens=-1),
        answer(item(0, 1), item(1, 1), tokens=10**12),
        answer(item(0, 1), item(1, 1), tokens="six"),
    ],
)
def test_what_are_no_vectors_is_a_protocol_error(body: Any) -> None:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    with pytest.raises(ProviderProtocolError) as caught:
        read_embedding(raw, 2, provider=NAME)
    assert caught.value.provider == NAME


def test_one_text_is_asked_for_as_a_text_and_more_as_a_list(
    provider: OpenAICompatible, upstream: OpenAIUpstream
) -> None:
    upstream.answers += [answered(answer(item(0, 1))), answered(answer(item(0, 1), item(1, 2)))]
    provider.embed(["раз"], upstream_id="bge-m3", timeout_s=HANG_S)
    provider.embed(["раз", "два"], upstream_id="bge-m3", timeout_s=HANG_S)
    assert [body["input"] for body in upstream.bodies] == ["раз", ["раз", "два"]]
    assert upstream.requests[0].target == "/v1/embeddings"
    assert upstream.bodies[0]["encoding_format"] == "float"


def test_tokens_of_all_batches_are_summed(
    provider: OpenAICompatible, upstream: OpenAIUpstream
) -> None:
    first = answer(*[item(index, index) for index in range(BATCH_TEXTS_MAX)], tokens=60)
    upstream.answers += [answered(first), answered(answer(item(0, 99), tokens=1))]
    texts = ["а"] * (BATCH_TEXTS_MAX + 1)
    embedding = provider.embed(texts, upstream_id="bge-m3", timeout_s=HANG_S)
    assert embedding.prompt_tokens == 61
    assert embedding.vectors[0] == (0.0,)
    assert embedding.vectors[-1] == (99.0,)


def test_where_one_batch_has_no_count_all_have_none(
    provider: OpenAICompatible, upstream: OpenAIUpstream
) -> None:
    first = answer(*[item(index, index) for index in range(BATCH_TEXTS_MAX)], tokens=60)
    upstream.answers += [answered(first), answered({"data": [item(0, 99)]})]
    texts = ["а"] * (BATCH_TEXTS_MAX + 1)
    embedding = provider.embed(texts, upstream_id="bge-m3", timeout_s=HANG_S)
    assert (len(embedding.vectors), embedding.prompt_tokens) == (len(texts), None)


def test_a_refusal_is_of_its_kind(provider: OpenAICompatible, upstream: OpenAIUpstream) -> None:
    upstream.answers.append(answered({"error": {"message": "too long"}}, 400))
    with pytest.raises(ProviderRejected):
        provider.embed(["раз"], upstream_id="bge-m3", timeout_s=HANG_S)
