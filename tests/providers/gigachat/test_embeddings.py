"""Vectors and token counts."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.chat_types import Embedding
from gateway.providers.errors import ProviderProtocolError, ProviderRejected, ProviderTimeout
from gateway.providers.gigachat.adapter import GigaChat
from gateway.providers.gigachat.embeddings import (
    BATCH_CHARS_MAX,
    BATCH_TEXTS_MAX,
    batches,
    read_counts,
    read_embedding,
)
from tests.providers.canned import CannedRequest, reply
from tests.providers.gigachat.upstream import HANG_S, KEY, GigaChatUpstream


def vectors(request: CannedRequest) -> list[bytes]:
    """Answer with a vector per text, its length and 1, last one first."""
    texts = orjson.loads(request.body)["input"]
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": [len(text), 1.5],
            "usage": {"prompt_tokens": len(text)},
        }
        for index, text in enumerate(texts)
    ]
    return [reply(orjson.dumps({"object": "list", "model": "Embeddings", "data": data[::-1]}))]


def counts(request: CannedRequest) -> list[bytes]:
    texts = orjson.loads(request.body)["input"]
    return [reply(orjson.dumps([{"object": "tokens", "tokens": len(text)} for text in texts]))]


def test_texts_become_vectors_in_their_order(gigachat: GigaChat, upstream: GigaChatUpstream):
    upstream.answers.append(vectors)
    embedding = gigachat.embed(["a", "bcd"], upstream_id="Embeddings", timeout_s=HANG_S)
    assert embedding.vectors == ((1.0, 1.5), (3.0, 1.5))
    assert embedding.prompt_tokens == 4
    assert upstream.requests[0].target == "/v1/embeddings"
    assert upstream.bodies == [{"model": "Embeddings", "input": ["a", "bcd"]}]


def test_many_texts_take_several_requests_and_one_sum(
    gigachat: GigaChat, upstream: GigaChatUpstream
):
    texts = ["a" * (1 + index % 3) for index in range(BATCH_TEXTS_MAX * 2 + 5)]
    upstream.answers += [vectors] * 3
    embedding = gigachat.embed(texts, upstream_id="Embeddings", timeout_s=HANG_S)
    assert [vector[0] for vector in embedding.vectors] == [float(len(text)) for text in texts]
    assert embedding.prompt_tokens == sum(map(len, texts))


def test_tokens_are_counted_by_the_vendor(gigachat: GigaChat, upstream: GigaChatUpstream):
    upstream.answers += [counts] * 2
    texts = ["", "два", *["x"] * BATCH_TEXTS_MAX]
    found = gigachat.count_tokens(texts, upstream_id="GigaChat-2", timeout_s=HANG_S)
    assert found == [len(text) for text in texts]
    assert {request.target for request in upstream.requests} == {"/v1/tokens/count"}


def test_an_expired_token_is_renewed_here_too(gigachat: GigaChat, upstream: GigaChatUpstream):
    upstream.answers += [[reply("{}", status=401)], counts]
    assert gigachat.count_tokens(["x"], upstream_id="GigaChat-2", timeout_s=HANG_S) == [1]
    assert len(upstream.token_requests) == 2


def test_a_text_too_long_is_known_for_what_it_is(gigachat: GigaChat, upstream: GigaChatUpstream):
    upstream.answers.append([reply('{"status":413,"message":"Payload too large"}', status=413)])
    with pytest.raises(ProviderRejected) as caught:
        gigachat.embed(["x"], upstream_id="Embeddings", timeout_s=HANG_S)
    assert caught.value.context_length_exceeded


def test_the_time_for_all_of_it_holds(gigachat: GigaChat, upstream: GigaChatUpstream):
    upstream.answers.append(["hold"])
    with pytest.raises(ProviderTimeout):
        gigachat.embed(["x"], upstream_id="Embeddings", timeout_s=0.2)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"{}",
        b"[]",
        b"[1]",
        b"[{}]",
        b'[{"tokens": "2"}]',
        b'[{"tokens": true}]',
        b'[{"tokens": -1}]',
        b'[{"tokens": 1}, {"tokens": 1}]',
    ],
)
def test_a_count_that_is_none_is_a_protocol_error(body: bytes):
    with pytest.raises(ProviderProtocolError):
        read_counts(body, 1)


GOOD = '{"index": 0, "embedding": [1, 2.5], "usage": {"prompt_tokens": 3}}'


@pytest.mark.parametrize(
    "item",
    [
        "5",
        GOOD.replace("0,", "1,"),
        GOOD.replace("0,", '"0",'),
        GOOD.replace("[1, 2.5]", "[]"),
        GOOD.replace("[1, 2.5]", '["1"]'),
        GOOD.replace("[1, 2.5]", "null"),
        GOOD.replace("3", "-3"),
        GOOD.replace('{"prompt_tokens": 3}', "null"),
        f"{GOOD}, {GOOD}",
    ],
)
def test_a_vector_that_is_none_is_a_protocol_error(item: str):
    assert read_embedding(f'{{"data": [{GOOD}]}}'.encode(), 1) == Embedding(((1.0, 2.5),), 3)
    with pytest.raises(ProviderProtocolError):
        read_embedding(f'{{"data": [{item}]}}'.encode(), 1)


@pytest.mark.parametrize("body", [b"[]", b"null", b'{"data": null}', b"{"])
def test_vectors_that_are_missing_are_a_protocol_error(body: bytes):
    with pytest.raises(ProviderProtocolError):
        read_embedding(body, 1)


class EmbeddingText(str):
    """A text that says how long it is, without the letters."""

    length: int

    def __new__(cls, length: int) -> "EmbeddingText":
        text = super().__new__(cls, "x")
        text.length = length
        return text

    def __len__(self) -> int:
        return self.length


@given(st.lists(st.integers(0, BATCH_CHARS_MAX), max_size=200))
def test_batches_lose_nothing_and_keep_to_the_limits(lengths: list[int]):
    texts = [EmbeddingText(length) for length in lengths]
    split = list(batches(texts))
    assert [text for batch in split for text in batch] == texts
    assert all(0 < len(batch) <= BATCH_TEXTS_MAX for batch in split)
    assert all(sum(map(len, batch)) <= BATCH_CHARS_MAX or len(batch) == 1 for batch in split)


def test_the_key_is_in_no_request_of_the_api(gigachat: GigaChat, upstream: GigaChatUpstream):
    upstream.answers.append(counts)
    gigachat.count_tokens(["x"], upstream_id="GigaChat-2", timeout_s=HANG_S)
    assert KEY not in str(upstream.requests)
