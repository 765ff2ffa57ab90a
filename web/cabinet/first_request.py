"""The example of a first request: base URL, model and key."""

from dataclasses import dataclass

from django.conf import settings

from accounts.keys.key_principal import principal_of
from accounts.keys.lookup import APIKey
from gateway.pipeline.admission.access import may_use, served_to
from web.public.code_samples import KEY_PLACEHOLDER


@dataclass(frozen=True, slots=True)
class FirstRequest:
    """The values of the example. `key` may be a placeholder."""

    base_url: str
    model_id: str
    is_free: bool
    key: str


def first_request(key: APIKey | None = None, raw: str = KEY_PLACEHOLDER) -> FirstRequest | None:
    """Return an example that works with the key, on a free model if there is one.

    None where the key may use no chat model.
    """
    principal = principal_of(key) if key else None
    models = [
        model
        for model in served_to(principal).models()
        if model.kind == "chat" and not model.is_auto and may_use(principal, model)
    ]
    if not models:
        return None
    model = next((model for model in models if model.is_free), models[0])
    return FirstRequest(f"{settings.PUBLIC_URL}/v1", model.id, model.is_free, raw)
