"""The tokens of a prompt by the provider's own counter, free of charge: POST /v1/tokens/count and its like."""

from django.http import HttpResponse
from rest_framework.request import Request

from billing.limits import request_limits
from gateway import upstreams
from gateway.api.body import read_object
from gateway.api.dialects.base import CountingDialect
from gateway.api.json_response import JSONResponse
from gateway.api.schema.unknown_fields import name_changes
from gateway.api.view import View
from gateway.pipeline.admission.access import resolve_requested
from gateway.pipeline.admission.caller_context import CallerContext, give_connection_back
from gateway.pipeline.execution.record import adapted_request
from gateway.pipeline.routing.router import choose

COUNT_TIMEOUT_S = 20.0


class TokenCountView(View):
    """Counts the tokens of a prompt, under a limit of its own: agents count before each turn."""

    scope = "chat"
    dialect: CountingDialect

    def post(self, request: Request) -> HttpResponse:
        completion_request = self.dialect.read_count(read_object(request._request))
        caller = CallerContext.of(self.caller)
        wanted = caller.within_tier(
            resolve_requested(completion_request.models, self.caller, kind="chat")
        )
        candidate = choose(completion_request, wanted).candidates[0]
        request_limits.admit_apart(self.caller.account_id, "count")
        give_connection_back()
        provider = upstreams.provider(candidate.route.provider, is_test=self.caller.is_test)
        tokens = provider.count_chat_tokens(
            candidate.request,
            upstream_id=candidate.route.upstream_id,
            timeout_s=COUNT_TIMEOUT_S,
            wire=candidate.route.profile.wire,
        )
        response = JSONResponse(self.dialect.token_count(tokens, candidate.model.id))
        name_changes(response, adapted_request(candidate, completion_request.ignored))
        return response
