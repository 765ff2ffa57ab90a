"""GET /api/v1/key, /generation and /activity, with what OpenRouter's SDKs require of them."""

from collections.abc import Mapping

from rest_framework.request import Request

from accounts.keys import lookup
from billing.ledger import balances
from billing.ledger.key_budgets import KeyStanding
from billing.limits import request_limits
from billing.usage.generations import GenerationRecord
from billing.usage.usage_table import NamedRow
from gateway.api.body import JSONObject
from gateway.api.endpoints import account, activity
from gateway.api.json_response import credits_number
from gateway.api.schema.openrouter_queries import OneDayQuery
from gateway.api.schema.parsing import parse
from gateway.api.schema.queries import ActivityQuery

NO_BYOK: Mapping[str, int | bool] = {
    "byok_usage": 0,
    "byok_usage_daily": 0,
    "byok_usage_weekly": 0,
    "byok_usage_monthly": 0,
    "include_byok_in_limit": False,
}
"""Nobody brings a provider's key of their own here, so that nothing is ever spent with one."""

RATE_NOTE = "The requests that the interval may have."


def spent(standing: KeyStanding) -> JSONObject:
    """Return what a credential has spent in the running day, week and month, Moscow's."""
    return {
        "usage_daily": credits_number(standing.today_nano),
        "usage_weekly": credits_number(standing.week_nano),
        "usage_monthly": credits_number(standing.month_nano),
    }


class OpenRouterKeyView(account.KeyView):
    """GET /api/v1/key. Budgets stand in `limit`: OpenRouter's own list of them is in dollars."""

    def card(self, standing: KeyStanding) -> JSONObject:
        caller = self.caller
        card = super().card(standing)
        card["rate_limit"]["note"] = RATE_NOTE
        is_manager = "keys" in caller.scopes
        return {
            **card,
            **NO_BYOK,
            **spent(standing),
            "allowed_data_regions": [],
            "budgets": [],
            "effective_budget": None,
            "creator_user_id": str(caller.user_id),
            "free_model_daily_requests": self.free_requests(),
            "is_management_key": is_manager,
            "is_provisioning_key": is_manager,
            "organization_id": None,
            "workspace_id": None,
        }

    def free_requests(self) -> JSONObject:
        """Return the free tier's requests of today; zeros on the paid one, which has no such limit."""
        account_id = self.caller.account_id
        tier = request_limits.tier_of(balances.posted_nano(account_id))
        status = request_limits.status(account_id, tier)
        limit, remaining = status.day_requests or 0, status.day_remaining or 0
        return {"limit": limit, "remaining": remaining, "used": limit - remaining}


class OpenRouterGenerationView(account.GenerationView):
    """GET /api/v1/generation. The provider's own counts are the only ones: `native_…` repeats them."""

    def card(self, record: GenerationRecord) -> JSONObject:
        facts = record.facts
        return {
            **super().card(record),
            "api_type": None,
            "app_id": None,
            "cache_discount": None,
            "data_region": "global",
            "external_user": facts.end_user,
            "generation_time": None,
            "http_referer": None,
            "is_byok": False,
            "moderation_latency": None,
            "native_tokens_cached": facts.tokens_cached,
            "native_tokens_completion": facts.tokens_completion,
            "native_tokens_completion_images": None,
            "native_tokens_prompt": facts.tokens_prompt,
            "native_tokens_reasoning": None,
            "num_fetches": None,
            "num_input_audio_prompt": None,
            "num_media_completion": None,
            "num_media_prompt": None,
            "num_search_results": None,
            "origin": "",
            "preset_id": None,
            "provider_responses": None,
            "router": None,
            "service_tier": None,
            "upstream_id": None,
            "upstream_inference_cost": None,
            "usage": credits_number(record.charged_nano),
            "user_agent": None,
            "web_search_engine": None,
            "workspace_id": None,
        }


class OpenRouterActivityView(activity.ActivityView):
    """GET /api/v1/activity. Usage is kept by model, not by endpoint: what names one is empty."""

    def rows(self, request: Request, query: ActivityQuery) -> list[NamedRow]:
        own = parse(OneDayQuery, request.GET.dict())
        if own.date is not None:
            query = query.model_copy(update={"since": own.date, "until": own.date})
        rows = super().rows(request, query)
        if own.api_key_hash is None:
            return rows
        key = lookup.find(self.caller.account_id, own.api_key_hash)
        credential = None if key is None else ("key", key.pk)
        return [row for row in rows if credential and row.used.credential == credential]

    def card(self, row: NamedRow) -> JSONObject:
        used = row.used
        return {
            **super().card(row),
            "byok_usage_inference": 0,
            "cached_tokens": used.tokens_cached,
            "completion_tokens": used.tokens_completion,
            "endpoint_id": "",
            "model_permaslug": used.model_id,
            "prompt_tokens": used.tokens_prompt,
            "provider_name": "",
            "reasoning_tokens": 0,
        }
