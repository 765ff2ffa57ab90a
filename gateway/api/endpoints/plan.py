"""POST /v1/plan: what would become of a chat, and what it may cost; nothing is run or charged."""

from django.http import HttpResponse
from rest_framework.request import Request

from billing.limits import request_limits
from gateway.api.body import JSONObject, read_object
from gateway.api.errors import failure_of, language_of
from gateway.api.json_response import JSONResponse, credits_number
from gateway.api.schema.unknown_fields import is_strict
from gateway.api.view import View, describe_limits
from gateway.pipeline.errors import RequestRefused
from gateway.pipeline.plan import Plan, PlannedCandidate, plan

ERROR_FIELDS = ("message", "type", "param", "code")


class PlanView(View):
    """Plans a chat. Only what stands before its reading, and the limit of plans, is an error here."""

    scope = "chat"

    def post(self, request: Request) -> HttpResponse:
        body = read_object(request._request)
        admission = request_limits.admit_apart(self.caller.account_id, "plan")
        try:
            completion_request, _ = self.dialect.read(body, is_strict=is_strict(request))
        except RequestRefused as refusal:
            planned = Plan(refusal=refusal)
        else:
            planned = plan(completion_request, self.caller)
        response = JSONResponse({"data": self._card(planned)})
        describe_limits(response, admission)
        return response

    def _card(self, planned: Plan) -> JSONObject:
        return {
            "candidates": [_candidate_card(candidate) for candidate in planned.candidates],
            "skipped": [
                {"model": route.model, "provider": route.provider, "reason": route.reason}
                for route in planned.skipped
            ],
            "admitted": planned.refusal is None,
            "refusal": None if planned.refusal is None else self._error(planned.refusal),
        }

    def _error(self, refusal: Exception) -> JSONObject:
        """Return the error that the request would get, without its metadata."""
        failure = failure_of(refusal, language=language_of(self.request.headers))
        error = self.dialect.error(failure)["error"]
        return {name: error.get(name) for name in ERROR_FIELDS}


def _candidate_card(candidate: PlannedCandidate) -> JSONObject:
    return {
        "model": candidate.model,
        "provider": candidate.provider,
        "reasons": list(candidate.reasons),
        "adapted": list(candidate.adapted),
        "tokens_prompt": candidate.prompt_tokens,
        "max_tokens": candidate.max_tokens,
        "cost": {
            "least": credits_number(candidate.least_nano),
            "most": credits_number(candidate.most_nano),
        },
    }
