"""/api/v1/keys, with what OpenRouter's SDKs require of a key."""

from accounts.keys.lookup import APIKey
from billing.ledger.key_budgets import KeyStanding
from gateway.api.body import JSONObject
from gateway.api.endpoints import keys
from gateway.api.endpoints.openrouter.account import NO_BYOK, spent


class OpenRouterManagedKeysView(keys.ManagedKeysView):
    def card(self, key: APIKey, standing: KeyStanding) -> JSONObject:
        return {
            **super().card(key, standing),
            **NO_BYOK,
            **spent(standing),
            "creator_user_id": str(key.user_id),
            "external_user": None,
            "updated_at": None,
            "workspace_id": "",
        }


class OpenRouterKeysView(OpenRouterManagedKeysView, keys.KeysView):
    """The account's keys, and a new one."""


class OpenRouterKeyRotationView(OpenRouterManagedKeysView, keys.KeyRotationView):
    """A successor."""


class OpenRouterKeyByHashView(OpenRouterManagedKeysView, keys.KeyByHashView):
    """One key."""

    def revoked(self, key: APIKey) -> JSONObject:
        return {"deleted": True, **super().revoked(key)}
