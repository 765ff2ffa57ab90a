"""POST /v1/chat/completions: parse, run, render."""

import contextlib

from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from gateway.api.body import read_object
from gateway.api.capacity import capacity
from gateway.api.chat_request import read_order, wants_usage_chunk
from gateway.api.client_socket import client_socket
from gateway.api.departure import watch
from gateway.api.envelopes import Form, JSONObject, completion
from gateway.api.errors import failure_of
from gateway.api.sse import HEADERS, EventStream
from gateway.api.view import JSONResponse, View, describe_limits
from gateway.pipeline.collect import collect
from gateway.pipeline.completion import open_completion
from gateway.pipeline.errors import InvalidParameter
from gateway.pipeline.lifeline import CallerLifeline
from gateway.pipeline.record import adapted
from gateway.pipeline.stream import CallerGone, CompletionStream
from gateway.providers.errors import ProviderError

CLIENT_CLOSED_REQUEST = 499
"""Nobody reads this status: the caller has left. It stands in the log."""


class ChatCompletionsView(View):
    """OpenAI's chat completions, plain and streamed."""

    scope = "chat"
    is_text = False

    def read(self, request: Request) -> JSONObject:
        """Return the body in the form of a chat."""
        return read_object(request._request)

    def post(self, request: Request) -> HttpResponseBase:
        with contextlib.ExitStack() as stack:
            capacity.enter()
            stack.callback(capacity.leave)
            client = stack.enter_context(client_socket(request._request))
            body = self.read(request)
            is_strict = request.META.get("HTTP_X_XROUTER_STRICT", "").lower() == "true"
            order = read_order(body, is_strict=is_strict)
            has_usage_chunk = wants_usage_chunk(body)
            form = Form(self.is_text, "functions" in body and "tools" not in body)

            lifeline = CallerLifeline(total_timeout_s=settings.UPSTREAM_TOTAL_TIMEOUT_S)
            stream = open_completion(order, self.caller, lifeline=lifeline)
            stack.callback(stream.close)
            if order.request.stream and client is not None:
                stack.callback(watch(client, lifeline.cut).stop)
            response: HttpResponseBase
            try:
                if order.request.stream:
                    stream.prime()
                    events = EventStream(
                        stream,
                        has_usage_chunk=has_usage_chunk,
                        form=form,
                        on_close=stack.pop_all().close,
                    )
                    response = StreamingHttpResponse(events, headers=HEADERS)
                else:
                    response = JSONResponse(completion(collect(stream), stream, form))
            except CallerGone:
                return HttpResponse(status=CLIENT_CLOSED_REQUEST)
            except ProviderError as error:
                response = failure_of(error).response()
            _describe(response, stream)
            return response


class CompletionsView(ChatCompletionsView):
    """The older completions: one prompt in, `text` out; the same in all else."""

    is_text = True

    def read(self, request: Request) -> JSONObject:
        body = super().read(request)
        if body.get("messages") is not None:
            raise InvalidParameter("messages belong to /v1/chat/completions.", param="messages")
        if type(body.get("logprobs")) is int:  # the older form counts them
            body["logprobs"] = True
        match body.get("prompt"):
            case [str(prompt)]:
                body["prompt"] = prompt
            case list():
                raise InvalidParameter("prompt must be one text.", param="prompt")
        return body


def _describe(response: HttpResponseBase, stream: CompletionStream) -> None:
    """Say in headers what is known of the completion now."""
    headers = response.headers
    headers["X-Generation-Id"] = stream.id
    headers["X-XRouter-Attempts"] = str(stream.attempts_made)
    if changes := adapted(stream.candidate, stream.ignored):
        headers["X-XRouter-Adapted"] = ", ".join(map(_printable, changes))
    describe_limits(response, stream.admission)


def _printable(change: str) -> str:
    """Make a caller's own field name fit for a header."""
    return "".join(
        character if character.isascii() and character.isprintable() else "?"
        for character in change[:80]
    )
