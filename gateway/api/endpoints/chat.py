"""One completion over HTTP, plain or streamed, in the dialect that the URL table gives the view."""

import contextlib
import uuid
from collections.abc import Generator
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from accounts.keys.credentials import credentials
from billing.usage.generations import new_id
from gateway.api.body import read_object
from gateway.api.capacity import capacity
from gateway.api.dialects.base import AnswerWriter
from gateway.api.disconnect import watch
from gateway.api.errors import failure_of, language_of
from gateway.api.event_response import EventStreamResponse
from gateway.api.json_response import JSONResponse
from gateway.api.remote_images.in_request import with_fetched_images
from gateway.api.retries.answer_once import CLIENT_CLOSED_REQUEST, answer_once
from gateway.api.retries.idempotency_key import ignore_on_stream
from gateway.api.retries.identity import identity_of
from gateway.api.schema.unknown_fields import is_strict, name_changes
from gateway.api.sse import EventStream
from gateway.api.sunset import describe_end
from gateway.api.view import View, describe_limits, failure_response
from gateway.pipeline.completion import open_completion
from gateway.pipeline.execution.cancel_token import CallerCancelToken
from gateway.pipeline.execution.record import adapted
from gateway.pipeline.execution.stream import ClientDisconnected, CompletionStream, collect
from gateway.pipeline.request import CompletionRequest
from gateway.providers.errors import ProviderError


class CompletionView(View):
    """Reads an order, runs it, and lets the dialect write the answer."""

    scope = "chat"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse what is too much before the credential is judged and the body waited for."""
        if request.method == "POST":
            capacity.refuse_early()
        super().initial(request, *args, **kwargs)

    def post(self, request: Request) -> HttpResponseBase:
        body = read_object(request._request)
        order, writer = self.dialect.read(body, is_strict=is_strict(request))
        if order.request.stream:
            return self._stream(request, ignore_on_stream(request._request, order), writer)
        with capacity:
            return answer_once(
                identity_of(request._request, body, self.caller, self.dialect),
                lambda generation_id: self._answer(request, order, writer, generation_id),
                failed=self.handle_exception,
                caller=self.caller,
                client=request._request.META.get("gunicorn.socket"),
            )

    def _answer(
        self,
        request: Request,
        order: CompletionRequest,
        writer: AnswerWriter,
        generation_id: uuid.UUID,
    ) -> HttpResponse:
        """Return the whole answer. It runs on when the client leaves: a retry may come for it."""
        order = with_fetched_images(order, self.caller)
        with capacity.admission():
            stream = open_completion(
                order, self.caller, cancel_token=_cancel_token(), generation_id=generation_id
            )
        with contextlib.closing(stream):
            try:
                response = JSONResponse(writer.answer(collect(stream), stream))
            except ProviderError as error:
                failure = failure_of(error, language=language_of(request.headers))
                response = failure_response(failure, self.dialect)
            _describe(response, stream)
            return response

    def _stream(
        self, request: Request, order: CompletionRequest, writer: AnswerWriter
    ) -> HttpResponseBase:
        """Return an answer in events. Whatever closes it gives its place back; so does the client's leaving.

        Raises CredentialEnded where the caller's key or token ends before the first event.
        """
        with contextlib.ExitStack() as stack:
            stack.enter_context(capacity)
            order = with_fetched_images(order, self.caller)
            cancel_token = _cancel_token()
            with capacity.admission():
                stream = open_completion(
                    order, self.caller, cancel_token=cancel_token, generation_id=new_id()
                )
            stack.callback(stream.close)
            client = request._request.META.get("gunicorn.socket")
            if client is not None:
                stack.callback(watch(client, cancel_token.cancel).stop)
            stack.enter_context(
                credentials.running(self.caller, self.credentials_version, cancel_token.cancel)
            )
            response: HttpResponseBase
            try:
                stream.prime()
                capacity.begin_stream()
                stack.callback(capacity.end_stream)
                kept = contextlib.ExitStack()
                frames = _frames(stream, writer, request)
                response = EventStreamResponse(EventStream(frames, on_close=kept.close))
                _describe(response, stream)
                kept.push(stack.pop_all())  # last: what fails above closes everything here
                return response
            except ClientDisconnected:
                return HttpResponse(status=CLIENT_CLOSED_REQUEST)
            except ProviderError as error:
                failure = failure_of(error, language=language_of(request.headers))
                response = failure_response(failure, self.dialect)
            _describe(response, stream)
            return response


def _cancel_token() -> CallerCancelToken:
    return CallerCancelToken(total_timeout_s=settings.UPSTREAM_TOTAL_TIMEOUT_S)


def _frames(
    stream: CompletionStream, writer: AnswerWriter, request: Request
) -> Generator[bytes, None, None]:
    """Yield the answer's events; a failure from now on is an event too."""
    try:
        yield from writer.events(stream)
    except ClientDisconnected:
        return
    except Exception as error:
        yield writer.failure_event(failure_of(error, language=language_of(request.headers)))


def _describe(response: HttpResponseBase, stream: CompletionStream) -> None:
    """Say in headers what is known of the completion now."""
    headers = response.headers
    headers["X-Generation-Id"] = stream.id
    headers["X-XRouter-Attempts"] = str(stream.attempts_made)
    name_changes(response, adapted(stream, stream.ignored))
    describe_limits(response, stream.admission)
    describe_end(response, stream.candidate.model)
