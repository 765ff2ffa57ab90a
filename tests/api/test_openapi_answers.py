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
from billing import errors as billing
from billing.limits import LimitExceeded, LimitStoreUnavailable
from billing.models import Generation
from gateway.api import envelopes
from gateway.api.body import read_object
from gateway.api.envelopes import Form
from gateway.api.errors import BadRequest, Overloaded, failure_of
from gateway.api.model_cards import model_card, parameters_card
from gateway.api.openapi.failures import CODES
from gateway.api.sse import DONE, EventStream
from gateway.catalog import CatalogueUnavailable, LiveCatalogue
from gateway.pipeline import errors as pipeline
from gateway.pipeline.attempts import outcome_of
from gateway.pipeline.collect import Completion
from gateway.pipeline.router import EMULATED_PARAMETERS
from gateway.pipeline.stream import CompletionStream, Outcome
from gateway.providers import errors as providers
from gateway.providers.chat_types import TICK, ChatChunk, ToolCall, ToolCallDelta, Usage
from gateway.seed import seed_catalogue
from tests.accounts.people import new_key
from tests.api.documented import DOCUMENT, check

CALL = ToolCall("call_1", "weather", '{"city":"Ереван"}')
TEXT = Completion("Ереван.", "", ())
THOUGHT = Completion("Ереван.", "Армения…", ())
CALLS = Completion("", "", (CALL,))
FORMS = [Form(), Form(is_deprecated_call=True), Form(is_text=True)]


class Ended:
    """A completion that has ended: what the envelopes read of a CompletionStream."""

    id = f"gen-{uuid.UUID(int=7).hex}"
    created_s = 1_790_000_000
    candidate = SimpleNamespace(
        model=SimpleNamespace(id="gigachat-2"), route=SimpleNamespace(provider="gigachat")
    )

    def __init__(
        self,
        outcome: Outcome,
        chunks: Sequence[ChatChunk] = (),
        failure: Exception | None = None,
    ) -> None:
        self.outcome = outcome
        self.chunks = chunks
        self.failure = failure

    def __iter__(self) -> Iterator[ChatChunk]:
        yield from self.chunks
        if self.failure is not None:
            raise self.failure


def ended(finish_reason: str = "stop", **fields: Any) -> CompletionStream:
    outcome = Outcome(cast("Any", finish_reason), None, Usage(14, 6, 2, 1), 1_300_000)
    return cast("CompletionStream", Ended(outcome, **fields))


def nothing() -> None:
    """Close what holds nothing."""


def wire(document: object) -> Any:
    return orjson.loads(orjson.dumps(document))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("answer", "finish_reason"),
    [(TEXT, "stop"), (THOUGHT, "length"), (CALLS, "tool_calls"), (TEXT, "content_filter")],
)
def test_a_completion_is_as_documented(answer: Completion, finish_reason: str, form: Form) -> None:
    body = envelopes.completion(answer, ended(finish_reason), form)

    check(wire(body), "Completion" if form.is_text else "ChatCompletion")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("has_usage_chunk", [False, True])
def test_every_event_of_a_stream_is_as_documented(has_usage_chunk: bool, form: Form) -> None:
    chunks = [
        TICK,
        ChatChunk(reasoning="Армения…"),
        ChatChunk(text="Сей"),
        ChatChunk(tool_calls=(ToolCallDelta(0, "call_1", "weather"),)),
        ChatChunk(tool_calls=(ToolCallDelta(0, arguments="{}"),)),
    ]
    stream = ended("tool_calls", chunks=chunks)

    frames = EventStream(stream, has_usage_chunk=has_usage_chunk, form=form, on_close=nothing)
    *events, done = (frame for frame in frames if not frame.startswith(b":"))

    assert done == DONE
    assert len(events) == 6 + has_usage_chunk
    for event in events:
        name = "CompletionChunk" if form.is_text else "ChatCompletionChunk"
        check(orjson.loads(event.removeprefix(b"data: ")), name)


def test_the_event_of_a_broken_stream_is_as_documented() -> None:
    failure = providers.ProviderProtocolError("cut", provider="gigachat")
    stream = ended(chunks=[ChatChunk(text="Ере")], failure=failure)

    *_, last = EventStream(stream, has_usage_chunk=False, form=Form(), on_close=nothing)

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
    said: dict[str, Any] = {"provider": "yandexgpt", "raw": "{}"}
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
        accounts.IPNotAllowed(),
        accounts.InsufficientScope("usage"),
        accounts.CredentialStoreUnavailable(),
        billing.InsufficientCredits(needed_nano=2, available_nano=1),
        billing.KeyLimitReached(needed_nano=2, left_nano=1),
        billing.MoneyStoreUnavailable(),
        limit("account_minute"),
        limit("key"),
        limit("concurrency"),
        LimitStoreUnavailable(),
        CatalogueUnavailable(),
        Overloaded(),
        MethodNotAllowed("PUT"),
        Http404(),
        PermissionDenied(),
        ZeroDivisionError(),
        providers.UnsupportedInput("?", param="messages"),
        providers.ProviderUnavailable("?", **said),
        providers.ProviderProtocolError("?", **said),
        providers.ProviderAuthError("?", **said),
        providers.ProviderTimeout("?", **said),
        providers.ProviderRateLimited("?", **said),
        providers.ProviderRejected("?", **said),
        providers.ProviderRejected("?", context_length_exceeded=True, **said),
    ]


def test_the_table_of_errors_is_that_of_the_code() -> None:
    shown = [failure_of(error) for error in failures()]

    assert {failure.code: failure.status for failure in shown} == {
        name: code.status for name, code in CODES.items()
    }
    for failure in shown:
        check(wire(failure.body()), "Error")


def test_a_retry_header_is_documented_where_it_is_sent() -> None:
    responses = DOCUMENT["paths"]["/v1/chat/completions"]["post"]["responses"]

    for error in failures():
        failure = failure_of(error)
        documented = responses.get(str(failure.status), {}).get("headers", {})
        if failure.status != 405:
            assert set(failure.headers) <= set(documented), failure.code


def test_the_outcomes_of_attempts_are_documented() -> None:
    outcomes = DOCUMENT["components"]["schemas"]["Attempt"]["properties"]["outcome"]["enum"]

    assert {outcome_of(error) for error in failures()} | {"answered"} == set(outcomes)


@pytest.mark.django_db
def test_every_model_of_the_catalogue_is_as_documented() -> None:
    seed_catalogue()
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
