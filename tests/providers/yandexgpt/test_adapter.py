"""The adapter over real sockets: what it sends, what it yields, and how it fails."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.providers._shared.http_client import Deadline
from gateway.providers._shared.tool_calls import mint_call_id
from gateway.providers.chat_types import Usage
from gateway.providers.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderProtocolError,
    ProviderRateLimited,
    ProviderTimeout,
    ProviderUnavailable,
    UnsupportedInput,
)
from gateway.providers.yandexgpt import adapter
from gateway.providers.yandexgpt.adapter import YandexGPT
from tests.providers.yandexgpt.canned_server import Canned, CannedYandexServer
from tests.providers.yandexgpt.conftest import Connect
from tests.providers.yandexgpt.wire import (
    API_KEY,
    FOLDER,
    answer_of,
    asking,
    line,
    result,
    stream_of,
    text_of,
)

TOKEN = Canned.json({"iamToken": "t1.first", "expiresAt": "2099-01-01T00:00:00.123456789Z"})
TOKEN_2 = Canned.json({"iamToken": "t1.second", "expiresAt": "2099-01-01T00:00:00.123456789Z"})
REFUSED = Canned.json({"error": {"grpcCode": 16, "httpCode": 401, "message": "bad token"}}, 401)
ANSWER = Canned.json(result("Казань"))
TEXTS = ("Ка", "Казань 👍", "Казань 👍 стоит на", "Казань 👍 стоит на Волге\n")


def test_a_plain_request_is_one_chunk(connect: Connect) -> None:
    provider, server = connect(ANSWER)
    (chunk,) = answer_of(provider, asking())
    assert (chunk.text, chunk.finish_reason, chunk.usage) == ("Казань", "stop", Usage(27, 2))
    (asked,) = server.asked
    assert asked.path == "/foundationModels/v1/completion"
    assert asked.body["modelUri"] == f"gpt://{FOLDER}/yandexgpt/latest"
    assert asked.body["completionOptions"]["stream"] is False
    assert uuid.UUID(asked.headers["x-client-request-id"]).version == 4


def test_a_stream_is_yielded_as_it_grows(connect: Connect) -> None:
    lines = stream_of(*TEXTS).splitlines(keepends=True)
    provider, server = connect(Canned(pieces=lines, pause_s=0.01))
    chunks = answer_of(provider, asking(stream=True))
    assert len(chunks) == len(TEXTS)
    assert text_of(chunks) == TEXTS[-1]
    assert all(chunk.usage == Usage(27, 2) for chunk in chunks)
    assert server.asked[0].body["completionOptions"]["stream"] is True


def test_nothing_is_sent_before_the_first_step(connect: Connect) -> None:
    provider, server = connect(ANSWER)
    provider.stream(asking(), upstream_id="yandexgpt/latest", cancel_token=Deadline(5)).close()
    assert server.asked == []


def test_what_cannot_be_said_is_not_sent(connect: Connect) -> None:
    provider, server = connect(ANSWER)
    with pytest.raises(UnsupportedInput):
        answer_of(provider, asking(top_p=0.5))
    assert server.asked == []


def test_a_connection_serves_the_next_request(connect: Connect) -> None:
    provider, server = connect(Canned(pieces=[stream_of(*TEXTS)]))
    for _ in range(3):
        answer_of(provider, asking(stream=True))
    assert server.connections == 1


@pytest.mark.parametrize("stream", [True, False])
def test_a_cut_answer_is_an_error(connect: Connect, stream: bool) -> None:
    provider, _ = connect(Canned(pieces=[line("Казань стоит", "PARTIAL") + b"\n"]))
    with pytest.raises(ProviderProtocolError):
        answer_of(provider, asking(stream=stream))


def test_a_connection_lost_in_mid_stream_is_an_error(connect: Connect) -> None:
    provider, _ = connect(Canned(pieces=[line("Казань стоит", "PARTIAL") + b"\n"], cut=True))
    steps = provider.stream(asking(stream=True), upstream_id="y", cancel_token=Deadline(10))
    assert text_of([next(steps)]) == "Казань "
    with pytest.raises(ProviderError) as raised:
        next(steps)
    assert raised.value.retryable


def test_what_follows_the_finish_mark_changes_nothing(connect: Connect) -> None:
    pieces = [stream_of("Казань"), b'{"error": {"httpCode": 500}}\n', b"<html>"]
    provider, _ = connect(Canned(pieces=pieces, cut=True))
    assert text_of(answer_of(provider, asking(stream=True))) == "Казань"


def test_an_error_line_ends_the_stream(connect: Connect) -> None:
    error = b'{"error": {"grpcCode": 8, "httpCode": 429, "message": "quota"}}\n'
    provider, _ = connect(Canned(pieces=[line("Казань стоит", "PARTIAL") + b"\n", error]))
    with pytest.raises(ProviderRateLimited):
        answer_of(provider, asking(stream=True))


def test_the_total_time_ends_a_request(connect: Connect) -> None:
    provider, _ = connect(Canned(pieces=[b" "] * 100, pause_s=0.1))
    with pytest.raises(ProviderTimeout):
        answer_of(provider, asking(stream=True), cancel_token=Deadline(0.5))


def test_a_refused_api_key_is_not_tried_again(connect: Connect) -> None:
    provider, server = connect(REFUSED)
    with pytest.raises(ProviderAuthError):
        answer_of(provider, asking())
    assert len(server.asked) == 1


class YandexServiceAccount:
    """An adapter with a service account, its upstream and its IAM."""

    def __init__(
        self, key: dict[str, str], upstream: CannedYandexServer, iam: CannedYandexServer
    ) -> None:
        self.upstream = upstream
        self.iam = iam
        self.provider = YandexGPT(
            base_url=upstream.origin,
            iam_url=f"{iam.origin}/iam/v1/tokens",
            folder_id=FOLDER,
            service_account_key=key,
        )

    @property
    def shown(self) -> list[str]:
        return [asked.headers["authorization"] for asked in self.upstream.asked]


Open = Callable[..., YandexServiceAccount]


@pytest.fixture
def account(
    serve: Callable[..., CannedYandexServer], service_account_key: dict[str, str]
) -> Iterator[Open]:
    stack = ExitStack()

    def opened(*answers: Canned) -> YandexServiceAccount:
        own = YandexServiceAccount(service_account_key, serve(*answers), serve(TOKEN, TOKEN_2))
        stack.callback(own.provider.close)
        return own

    with stack:
        yield opened


def test_a_refused_token_is_renewed_and_the_request_repeated(account: Open) -> None:
    own = account(REFUSED, ANSWER)
    assert text_of(answer_of(own.provider, asking())) == "Казань"
    assert own.shown == ["Bearer t1.first", "Bearer t1.second"]
    assert own.upstream.asked[0].body == own.upstream.asked[1].body


def test_the_read_timeout_holds_for_the_token_too(
    serve: Callable[..., CannedYandexServer], service_account_key: dict[str, str]
) -> None:
    upstream, iam = serve(ANSWER), serve(replace(TOKEN, pause_s=1.0))
    provider = YandexGPT(
        base_url=upstream.origin,
        iam_url=iam.origin,
        folder_id=FOLDER,
        service_account_key=service_account_key,
        read_timeout_s=0.2,
    )
    with closing(provider), pytest.raises(ProviderTimeout):
        answer_of(provider, asking())
    assert upstream.asked == []


def test_a_token_refused_again_is_an_auth_error(account: Open) -> None:
    own = account(REFUSED)
    with pytest.raises(ProviderAuthError):
        answer_of(own.provider, asking())
    assert len(own.upstream.asked) == 2
    assert len(own.iam.asked) == 2


def test_an_exchange_that_fails_is_the_failure_of_the_request(account: Open) -> None:
    own = account(ANSWER)
    own.iam.give(Canned(503))
    with pytest.raises(ProviderUnavailable):
        answer_of(own.provider, asking())
    assert own.upstream.asked == []


def test_there_is_no_adapter_without_a_credential() -> None:
    with pytest.raises(ValueError, match="API key"):
        YandexGPT(folder_id=FOLDER)


def test_a_refusal_that_breaks_off_is_still_what_its_status_says(connect: Connect) -> None:
    provider, _ = connect(Canned(429, [b'{"error'], {"Retry-After": "7"}, cut=True))
    with pytest.raises(ProviderRateLimited) as raised:
        answer_of(provider, asking())
    assert raised.value.retry_after_s == 7


def test_token_counts_come_one_text_at_a_time(connect: Connect) -> None:
    tokens = [Canned.json({"tokens": [{"id": "1", "text": "а"}] * count}) for count in (3, 1)]
    provider, server = connect(*tokens)
    counted = provider.count_tokens(["раз", "", "два"], upstream_id="yandexgpt-lite", timeout_s=10)
    assert counted == [3, 0, 1]
    assert [asked.body for asked in server.asked] == [
        {"modelUri": f"gpt://{FOLDER}/yandexgpt-lite", "text": text} for text in ("раз", "два")
    ]
    assert {asked.path for asked in server.asked} == {"/foundationModels/v1/tokenize"}


def test_chat_tokens_are_counted_with_the_template(connect: Connect) -> None:
    provider, server = connect(Canned.json({"tokens": [{}] * 9}))
    request = asking(stream=True)
    assert provider.count_chat_tokens(request, upstream_id="yandexgpt", timeout_s=10) == 9
    assert server.asked[0].path == "/foundationModels/v1/tokenizeCompletion"
    assert server.asked[0].body["messages"] == [{"role": "user", "text": "Столица Татарстана?"}]


def test_a_limited_call_is_repeated_within_its_time(connect: Connect) -> None:
    vector = Canned.json({"embedding": [1, 0.5], "numTokens": "5"})
    provider, server = connect(Canned(429), Canned(429), vector)
    embedding = provider.embed(["раз"], upstream_id="text-search-doc/latest", timeout_s=20)
    assert embedding.vectors == ((1.0, 0.5),)
    assert len(server.asked) == 3


@pytest.mark.parametrize(("retry_after", "timeout_s"), [("3600", 20.0), ("6", 60.0), ("2", 1.0)])
def test_a_limit_that_outlasts_patience_or_time_is_told_at_once(
    connect: Connect, retry_after: str, timeout_s: float
) -> None:
    provider, server = connect(Canned(429, headers={"Retry-After": retry_after}))
    with pytest.raises(ProviderRateLimited):
        provider.embed(["раз"], upstream_id="text-search-doc/latest", timeout_s=timeout_s)
    assert len(server.asked) == 1


def test_a_limit_that_does_not_end_is_told(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "PATIENCE_S", 0.3)
    provider, _ = connect(*[Canned(429)] * 3)
    with pytest.raises(ProviderRateLimited):
        provider.count_tokens(["раз"], upstream_id="yandexgpt", timeout_s=20)


def test_a_token_count_of_the_wrong_form_is_a_protocol_error(connect: Connect) -> None:
    provider, _ = connect(Canned.json({"tokens": 3}))
    with pytest.raises(ProviderProtocolError):
        provider.count_tokens(["раз"], upstream_id="yandexgpt", timeout_s=20)


@pytest.mark.parametrize(
    "answer",
    [
        {"embedding": [0.5]},
        {"embedding": [0.5], "numTokens": "-1"},
        {"embedding": [], "numTokens": "5"},
        {"embedding": ["0.5"], "numTokens": "5"},
        {"embedding": [True], "numTokens": "5"},
        {"embedding": None, "numTokens": "5"},
    ],
)
def test_a_vector_of_the_wrong_form_is_a_protocol_error(connect: Connect, answer: object) -> None:
    provider, _ = connect(Canned.json(answer))
    with pytest.raises(ProviderProtocolError):
        provider.embed(["раз"], upstream_id="text-search-doc/latest", timeout_s=20)


def test_no_texts_need_no_call(connect: Connect) -> None:
    provider, server = connect(ANSWER)
    assert provider.embed([], upstream_id="text-search-doc", timeout_s=5).vectors == ()
    assert provider.count_tokens([], upstream_id="yandexgpt", timeout_s=5) == []
    assert server.asked == []


def test_minted_ids_differ() -> None:
    assert len({mint_call_id() for _ in range(1000)}) == 1000


@pytest.fixture(scope="module")
def splitting() -> Iterator[tuple[YandexGPT, CannedYandexServer]]:
    with (
        CannedYandexServer(ANSWER) as server,
        closing(YandexGPT(base_url=server.origin, folder_id=FOLDER, api_key=API_KEY)) as provider,
    ):
        yield provider, server


@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(1, len(stream_of(*TEXTS)) - 1), max_size=12))
def test_every_split_of_the_bytes_gives_the_same_text(
    splitting: tuple[YandexGPT, CannedYandexServer], cuts: list[int]
) -> None:
    provider, server = splitting
    data = stream_of(*TEXTS)
    edges = [0, *sorted(set(cuts)), len(data)]
    pieces = [data[start:end] for start, end in pairwise(edges)]
    server.give(Canned(pieces=pieces))
    chunks = answer_of(provider, asking(stream=True))
    assert text_of(chunks) == TEXTS[-1]
    assert len(chunks) == len(TEXTS)
