"""POST /v1/tokens/count: how long a chat's prompt is, by the provider's own counter. Free of charge."""

from django.http import HttpResponse
from rest_framework.request import Request

from gateway import upstreams
from gateway.api.body import read_object
from gateway.api.chat_request import read_order
from gateway.api.view import JSONResponse, View
from gateway.pipeline.access import wishes
from gateway.pipeline.entry import Entry, give_connection_back
from gateway.pipeline.router import choose

COUNT_TIMEOUT_S = 20.0


class TokenCountView(View):
    """The tokens of a chat body. It counts against the limits, since a provider is asked."""

    scope = "chat"

    def post(self, request: Request) -> HttpResponse:
        order = read_order(read_object(request._request), is_strict=False)
        entry = Entry.of(self.caller)
        wanted = entry.within_tier(wishes(order.models, self.caller, kind="chat"))
        candidate = choose(order, wanted).candidates[0]
        admission = entry.admit()
        give_connection_back()
        try:
            provider = upstreams.provider(candidate.route.provider, is_test=self.caller.is_test)
            tokens = provider.count_chat_tokens(
                candidate.request,
                upstream_id=candidate.route.upstream_id,
                timeout_s=COUNT_TIMEOUT_S,
            )
        finally:
            admission.release()
        return JSONResponse({"data": {"tokens": tokens, "model": candidate.model.id}})
