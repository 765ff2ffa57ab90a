"""What callers may read of themselves: the key, the credits, one generation."""

from django.http import HttpResponse
from rest_framework.request import Request

from accounts.principal import Principal
from billing.ledger import balances, key_budgets
from billing.ledger.key_budgets import KeyStanding
from billing.limits import request_limits
from billing.usage import generations
from billing.usage.generations import GenerationRecord
from gateway.api.body import JSONObject
from gateway.api.errors import BadRequest
from gateway.api.json_response import JSONResponse, credits_number
from gateway.api.view import View, query


class KeyView(View):
    """GET /v1/key: the credential of the request."""

    scope = "chat"

    def get(self, request: Request) -> HttpResponse:
        return JSONResponse({"data": self.card(key_budgets.standing_of(self.caller))})

    def card(self, standing: KeyStanding) -> JSONObject:
        """Return the credential as its bearer sees it."""
        return _key_card(self.caller, standing)


class CreditsView(View):
    """GET /v1/credits: the balance is `total_credits` minus `total_usage`."""

    scope = "usage"

    def get(self, request: Request) -> HttpResponse:
        statement = balances.statement(self.caller.account_id)
        return JSONResponse(
            {
                "data": {
                    "total_credits": credits_number(statement.total_credits_nano),
                    "total_usage": credits_number(statement.total_usage_nano),
                }
            }
        )


class GenerationView(View):
    """GET /v1/generation?id=: the record of one request of the caller's account."""

    scope = "usage"

    def get(self, request: Request) -> HttpResponse:
        record = generations.find(query(request, "id"), account_id=self.caller.account_id)
        if record is None:
            raise BadRequest(
                "There is no such generation.", status=404, code="not_found", param="id"
            )
        return JSONResponse({"data": self.card(record)})

    def card(self, record: GenerationRecord) -> JSONObject:
        """Return the record as its account sees it."""
        return _generation_card(record)


def _key_card(principal: Principal, standing: KeyStanding) -> JSONObject:
    tier = request_limits.tier_of(balances.posted_nano(principal.account_id))
    rate, budget = request_limits.tightest_rate(tier, principal.limits), principal.budget
    return {
        "label": principal.label,
        "usage": credits_number(standing.total_nano),
        "limit": None if budget is None else credits_number(budget.limit_nano),
        "limit_remaining": None
        if standing.left_nano is None
        else credits_number(standing.left_nano),
        "limit_reset": None if budget is None else budget.reset,
        "is_free_tier": tier.name == "free",
        "is_test": principal.is_test,
        "rate_limit": {"requests": rate.requests, "interval": _interval(rate.window_s)},
    }


def _interval(window_s: int) -> str:
    return {1: "1s", 60: "1m", 86_400: "1d"}.get(window_s, f"{window_s}s")


def _generation_card(record: GenerationRecord) -> JSONObject:
    facts = record.facts
    return {
        "id": generations.public_id(record.id),
        "model": facts.model_id,
        "requested_model": record.requested_model or None,
        "provider_name": facts.provider or None,
        "created_at": record.created_at.isoformat(),
        "streamed": facts.is_streamed,
        "cancelled": facts.is_cancelled,
        "tokens_prompt": facts.tokens_prompt,
        "tokens_completion": facts.tokens_completion,
        "tokens_cached": facts.tokens_cached,
        "tokens_source": facts.tokens_source,
        "total_cost": credits_number(record.charged_nano),
        "latency": facts.latency_ms,
        "time_to_first_token": facts.time_to_first_token_ms,
        "finish_reason": facts.finish_reason or None,
        "native_finish_reason": facts.native_finish_reason or None,
        "error_code": facts.error_code or None,
        "attempts": list(facts.attempts),
        "adapted": list(facts.adapted),
        "routing": facts.routing,
        "queued_ms": facts.queued_ms,
        "request_id": facts.request_id,
        "user": facts.end_user,
        "session_id": facts.session_id,
        "metadata": facts.metadata,
    }
