"""What a caller may read of itself: its key, its credits, its generations."""

from django.http import Http404, HttpResponse
from rest_framework.request import Request

from accounts.principal import Principal
from billing import balances, generations, limits
from billing.generations import GenerationRecord
from gateway.api.envelopes import JSONObject, credits_number
from gateway.api.view import JSONResponse, View, query


class KeyView(View):
    """GET /v1/key: the credential that asks."""

    scope = "chat"

    def get(self, request: Request) -> HttpResponse:
        return JSONResponse({"data": _key_card(self.caller)})


class CreditsView(View):
    """GET /v1/credits: the balance is `total_credits` less `total_usage`."""

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
    """GET /v1/generation?id=: one completion of the caller's own account."""

    scope = "usage"

    def get(self, request: Request) -> HttpResponse:
        record = generations.find(query(request, "id"), account_id=self.caller.account_id)
        if record is None:
            raise Http404
        return JSONResponse({"data": _generation_card(record)})


def _key_card(principal: Principal) -> JSONObject:
    tier = limits.tier_of(balances.posted_nano(principal.account_id))
    spending = balances.key_spending(principal)
    rate = principal.rate
    return {
        "label": principal.label,
        "usage": credits_number(spending.total_nano),
        "limit": None if spending.limit_nano is None else credits_number(spending.limit_nano),
        "limit_remaining": None
        if spending.left_nano is None
        else credits_number(spending.left_nano),
        "limit_reset": principal.budget.reset if principal.budget else None,
        "is_free_tier": tier.name == "free",
        "is_test": principal.is_test,
        "rate_limit": {
            "requests": rate.requests if rate else tier.requests,
            "interval": _interval(rate.window_s if rate else tier.window_s),
        },
    }


def _interval(window_s: int) -> str:
    return {1: "1s", 60: "1m", 86_400: "1d"}.get(window_s, f"{window_s}s")


def _generation_card(record: GenerationRecord) -> JSONObject:
    facts = record.facts
    return {
        "id": generations.public_id(record.id),
        "model": facts.model_id,
        "requested_model": record.requested_model,
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
    }
