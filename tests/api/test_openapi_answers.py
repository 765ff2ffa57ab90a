"""What the code answers fits the schemas of the document, and has nothing that they do not name."""

import uuid
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client, RequestFactory
from django.utils import timezone
from rest_framework.exceptions import MethodNotAllowed

from accounts import errors as accounts
from accounts.keys.freezing import slow
from accounts.principal import KeyRate
from billing import errors as billing
from billing.ledger import ledger
from billing.limits.request_limits import LimitExceeded, LimitStoreUnavailable
from billing.models import Generation
from gateway.api.body import read_object
from gateway.api.dialects.openai_chat import DONE, ChatWriter, error_body
from gateway.api.dialects.openai_completions import TextWriter
from gateway.api.endpoints.model_cards import model_card, parameters_card
from gateway.api.errors import BadRequest, IdempotencyMismatch, Overloaded, failure_of
from gateway.api.schema.openapi.failures import CODES
from gateway.catalog.snapshot import CatalogueUnavailable, LiveCatalogue
from gateway.pipeline import errors as pipeline
from gateway.pipeline.execution.attempts import LEFT, outcome_of
from gateway.pipeline.execution.stream import Completion, CompletionOutcome, CompletionStream
from gateway.pipeline.routing.router import EMULATED_PARAMETERS
from gateway.providers import errors as providers
from gateway.providers.chat_types import ChatChunk, ToolCall, ToolCallDelta, Usage
from gateway.providers.tick import TICK
from tests.accounts.people import new_key
from tests.api.documented import DOCUMENT, check
from tests.billing.payers import CREDIT

CALL = ToolCall("call_1", "weather", '{"city":"Ереван"}')
TEXT = Completion("Ереван.", "", ())
THOUGHT = Completion("Ереван.", "Армения…", ())
CALLS = Completion("", "", (CALL,))
REFUSAL = Completion("", "", (), refusal="Не могу.")
WRITERS = [ChatWriter, TextWriter]


class Ended:
    """A completion that has ended: what a writer reads of a CompletionStream."""

    id = f"gen-{uuid.UUID(int=7).hex}"
    created_s = 1_790_000_000
    choices = 2
    candidate = SimpleNamespace(
        model=SimpleNamespace(id="gigachat-2"), route=SimpleNamespace(provider="gigachat")
    )

    def __init__(self, outcome: CompletionOutcome, chunks: Sequence[ChatChunk] = ()) -> None:
        self.outcome = outcome
        self.chunks = chunks

    def __iter__(self) -> Iterator[ChatChunk]:
        yield from self.chunks


def ended(finish_reason: str = "stop", **fields: Any) -> CompletionStream:
    outcome = CompletionOutcome(cast("Any", finish_reason), None, Usage(14, 6, 2, 1), 1_300_000)
    return cast("CompletionStream", Ended(outcome, **fields))


def wire(document: object) -> Any:
    return orjson.loads(orjson.dumps(document))


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("has_function_call", [False, True])
@pytest.mark.parametrize(
    ("answer", "finish_reason"),
    [
        (TEXT, "stop"),
        (REFUSAL, "stop"),
        (THOUGHT, "length"),
        (CALLS, "tool_calls"),
        (TEXT, "content_filter"),
        (TEXT._replace(others=(CALLS,)), "stop"),
    ],
)
def test_a_completion_is_as_documented(
    answer: Completion, finish_reason: str, has_function_call: bool, writer: type[ChatWriter]
) -> None:
    body = writer(has_function_call=has_function_call).answer(answer, ended(finish_reason))

    check(wire(body), "Completion" if writer is TextWriter else "ChatCompletion")


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("has_function_call", [False, True])
@pytest.mark.parametrize("has_usage_chunk", [False, True])
def test_every_event_of_a_stream_is_as_documented(
    has_usage_chunk: bool, has_function_call: bool, writer: type[ChatWriter]
) -> None:
    chunks = [
        TICK,
        ChatChunk(reasoning="Армения…"),
        ChatChunk(text="Сей"),
        ChatChunk(refusal="Нет."),
        ChatChunk(tool_calls=(ToolCallDelta(0, "call_1", "weather"),)),
        ChatChunk(tool_calls=(ToolCallDelta(0, arguments="{}"),), finish_reason="tool_calls"),
        ChatChunk(text="Ереван.", choice=1),
    ]
    stream = ended("length", chunks=chunks)

    frames = writer(has_usage_chunk, has_function_call).events(stream)
    *events, done = (frame for frame in frames if not frame.startswith(b":"))

    assert done == DONE
    assert len(events) == 10 + has_usage_chunk
    for event in events:
        name = "CompletionChunk" if writer is TextWriter else "ChatCompletionChunk"
        check(orjson.loads(event.removeprefix(b"data: ")), name)


def test_a_refusal_stands_where_openai_has_it() -> None:
    message = ChatWriter().answer(REFUSAL, ended())["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == (None, "Не могу.")
    assert TextWriter().answer(REFUSAL, ended())["choices"][0]["text"] == "Не могу."

    stream = ended(chunks=[ChatChunk(refusal="Не "), ChatChunk(refusal="могу.")])
    *frames, _ = ChatWriter().events(stream)
    deltas = [orjson.loads(frame[6:])["choices"][0]["delta"] for frame in frames]
    assert [delta["refusal"] for delta in deltas if "refusal" in delta] == ["Не ", "могу."]


def test_the_event_of_a_broken_stream_is_as_documented() -> None:
    failure = providers.ProviderProtocolError("cut", provider="gigachat")
    last = ChatWriter().failure_event(failure_of(failure))

    check(orjson.loads(last.removeprefix(b"data: ")), "Error")


def refused(body: bytes, media_type: str = "application/json", **meta: Any) -> BadRequest:
    """Return the refusal of a body."""
    request = RequestFactory().generic("POST", "/v1/chat/completions", body, media_type, **meta)
    with pytest.raises(BadRequest) as refusal:
        read_object(request)
    return refusal.value


def limit(source: Any) -> LimitExceeded:
    return LimitExceeded(source, limit=20, retry_after_s=7, reset_s=60, is_hopeless=False)


def failures() -> list[Exception]:
    """Return one of every failure there is."""
    text: dict[str, Any] = {"provider": "yandexgpt", "raw": "{}"}
    return [
        refused(b"[]"),
        refused(b"{"),
        refused(b"a=b", "text/plain"),
        refused(b"{}", CONTENT_LENGTH=str(2**40)),
        pipeline.InvalidRequest("?"),
        pipeline.InvalidParameter("?", param="n"),
        pipeline.UnsupportedContent("?", param="messages"),
        pipeline.ContextLengthExceeded("?", param="messages"),
        pipeline.ModelNotFound("?", param="model"),
        pipeline.ModelNotAllowed("?", param="model"),
        pipeline.PaidModelOnFreeTier("?", param="model"),
        pipeline.NoProviderAvailable("?"),
        pipeline.ModerationRefused(["test"], "?"),
        accounts.InvalidCredential(),
        accounts.AccountSuspended(),
        accounts.KeyFrozen(),
        accounts.KeyEnded(),
        accounts.IPNotAllowed(),
        accounts.InsufficientScope("usage"),
        accounts.CredentialStoreUnavailable(),
        billing.InsufficientCredits(needed_nano=2, available_nano=1),
        billing.KeyLimitReached(needed_nano=2, left_nano=1),
        billing.MoneyStoreUnavailable(),
        billing.MoneyStoreBusy(),
        limit("account_minute"),
        limit("key"),
        limit("concurrency"),
        limit("leaked"),
        accounts.TooManyRefusedCredentials(9),
        LimitStoreUnavailable(),
        CatalogueUnavailable(),
        Overloaded(),
        IdempotencyMismatch(),
        BadRequest("?", status=408, code="request_timeout"),
        MethodNotAllowed("PUT"),
        Http404(),
        PermissionDenied(),
        ZeroDivisionError(),
        providers.UnsupportedInput("?", param="messages"),
        providers.ProviderUnavailable("?", **text),
        providers.ProviderProtocolError("?", **text),
        providers.ProviderAuthError("?", **text),
        providers.ProviderTimeout("?", **text),
        providers.ProviderRateLimited("?", **text),
        providers.ProviderRejected("?", **text),
        providers.ProviderRejected("?", context_length_exceeded=True, **text),
    ]


def test_the_table_of_errors_is_that_of_the_code() -> None:
    shown = [failure_of(error) for error in failures()]

    assert {failure.code: failure.status for failure in shown} == CODES
    for failure in shown:
        check(wire(error_body(failure)), "Error")


def test_a_retry_header_is_documented_where_it_is_sent() -> None:
    responses = DOCUMENT["paths"]["/v1/chat/completions"]["post"]["responses"]

    for error in failures():
        failure = failure_of(error)
        documented = responses.get(str(failure.status), {}).get("headers", {})
        if failure.status != 405:
            assert set(failure.headers) <= set(documented), failure.code


def test_the_outcomes_of_attempts_are_documented() -> None:
    outcomes = DOCUMENT["components"]["schemas"]["Attempt"]["properties"]["outcome"]["enum"]

    of_the_caller = {LEFT, outcome_of(accounts.CredentialEnded())}
    of_providers = {outcome_of(error) for error in failures()}
    assert {"answered"} | of_providers | of_the_caller == set(outcomes)


@pytest.mark.django_db
def test_every_model_of_the_catalogue_is_as_documented() -> None:
    catalogue = LiveCatalogue().current()
    cards = []
    for model in catalogue.models():
        choices = catalogue.choices(model)
        cards.append(model_card(model, choices, EMULATED_PARAMETERS))
        parameters = parameters_card(model, choices, EMULATED_PARAMETERS)
        check(wire({"data": parameters}), "ModelParameters")

    assert len(cards) > 5
    check(wire({"object": "list", "data": cards}), "ModelList")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "options", [{}, {"limit_nano": 100, "limit_reset": "monthly"}, {"is_test": True}]
)
def test_key_and_credits_are_as_documented(client: Client, options: dict[str, Any]) -> None:
    raw = new_key(**options)[1]
    headers = {"Authorization": f"Bearer {raw}"}

    check(client.get("/v1/key", headers=headers).json(), "Key")
    check(client.get("/v1/auth/key", headers=headers).json(), "Key")
    check(client.get("/v1/credits", headers=headers).json(), "Credits")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("own", "balance", "told"),
    [
        (None, 0, (20, "1m")),
        (KeyRate(100, 60), 0, (20, "1m")),
        (KeyRate(10, 60), 0, (10, "1m")),
        (KeyRate(1_000, 86_400), 0, (1_000, "1d")),
        (KeyRate(600, 60), 5, (5, "1s")),
        (KeyRate(60, 60), 5, (60, "1m")),
    ],
)
def test_a_key_tells_the_tightest_of_its_rates(
    client: Client, own: KeyRate | None, balance: int, told: tuple[int, str]
) -> None:
    key, raw = new_key(rate=own)
    if balance:
        ledger.top_up(key.account_id, balance * CREDIT, payment_id="payment")

    shown = client.get("/v1/key", headers={"Authorization": f"Bearer {raw}"}).json()["data"]

    assert tuple(shown["rate_limit"].values()) == told


@pytest.mark.django_db
def test_a_slowed_key_tells_what_it_is_slowed_to(client: Client) -> None:
    key, raw = new_key()
    ledger.top_up(key.account_id, 5 * CREDIT, payment_id="payment")
    slow([key.pk], 60)

    shown = client.get("/v1/key", headers={"Authorization": f"Bearer {raw}"}).json()["data"]

    assert shown["rate_limit"] == {"requests": 60, "interval": "1m"}


@pytest.mark.django_db
@pytest.mark.parametrize("is_whole", [True, False])
def test_a_generation_is_as_documented(client: Client, is_whole: bool) -> None:
    key, raw = new_key()
    row = Generation.objects.create(
        id=uuid.UUID(int=8),
        account=key.account,
        user_id=key.user_id,
        credential_kind="key",
        credential_id=key.pk,
        is_test=False,
        requested_model="gigachat",
        model_id="gigachat-2",
        provider="gigachat" if is_whole else "",
        is_streamed=True,
        is_cancelled=not is_whole,
        day=timezone.localdate(),
        created_at=timezone.now(),
        tokens_prompt=14,
        tokens_completion=6,
        tokens_cached=0,
        tokens_source="provider" if is_whole else "estimated",
        cost_nano=1_300_000,
        write_off_nano=0,
        latency_ms=1830 if is_whole else None,
        time_to_first_token_ms=412 if is_whole else None,
        finish_reason="stop" if is_whole else "",
        native_finish_reason="stop" if is_whole else "",
        error_code="" if is_whole else "timeout",
        attempts=[{"provider": "gigachat", "model": "gigachat-2", "outcome": "busy", "ms": 7}],
        adapted=["temperature=clamped"] if is_whole else [],
    )

    response = client.get(
        f"/v1/generation?id=gen-{row.id.hex}", headers={"Authorization": f"Bearer {raw}"}
    )

    check(response.json(), "Generation")
