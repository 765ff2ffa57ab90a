"""What OpenRouter's SDKs require of a model and of its endpoints. Pure functions."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

from gateway.api.body import JSONObject
from gateway.api.endpoints.model_cards import parameters_card, pricing, supported_parameters
from gateway.api.endpoints.model_endpoints import measures_of
from gateway.catalog.snapshot import CatalogModel, CatalogRoute
from gateway.providers import registry

DEFAULTS = (
    "temperature",
    "top_p",
    "top_k",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
)


def model_fields(
    model: CatalogModel, choices: Sequence[CatalogModel], emulated: AbstractSet[str]
) -> JSONObject:
    """Return what a card has beyond that of /v1; the arguments are those of `model_card`."""
    return {
        "default_parameters": _defaults(
            parameters_card(model, choices, emulated)["parameters"] if choices else {}
        ),
        "links": {"details": f"/api/v1/models/{'/'.join(path_of(model))}/endpoints"},
        "supported_voices": None,
    }


def path_of(model: CatalogModel) -> tuple[str, str]:
    """Return OpenRouter's `author` and `slug` of a model, which are names of it here too."""
    author, slash, slug = model.id.partition("/")
    return (author, slug) if slash else (model.routes[0].provider, model.id)


def endpoint_card(
    model: CatalogModel, route: CatalogRoute, emulated: AbstractSet[str]
) -> JSONObject:
    """Describe one way to serve a model; what we measure stands beside OpenRouter's own figures."""
    if model.price is None:
        raise ValueError(f"{model.id} has no price, so it is not served.")
    profile = route.profile
    has_tools = profile.tools != "none"
    alone = replace(model, routes=(route,))
    measured = measures_of(model, route)
    success_rate = measured["last_day"]["success_rate"]
    return {
        "name": f"{registry.title(route.provider)} | {model.id}",
        "tag": route.provider,
        "provider_name": registry.title(route.provider),
        "model_id": model.id,
        "model_name": model.name,
        "context_length": profile.context_tokens,
        "max_completion_tokens": profile.max_output_tokens or None,
        "max_prompt_tokens": None,
        "pricing": pricing(model.price),
        "quantization": None,
        "service_tier": None,
        "supported_parameters": supported_parameters(alone, (alone,), emulated),
        "native_tools": {},
        "supports_tool_choice": {
            "auto": has_tools,
            "function": has_tools,
            "none": has_tools,
            "required": has_tools,
        },
        "supports_diarization": False,
        "supports_implicit_caching": model.price.cached_nano < model.price.prompt_nano,
        "latency_last_30m": None,
        "throughput_last_30m": None,
        "uptime_last_5m": None,
        "uptime_last_30m": None,
        "uptime_last_1d": None if success_rate is None else round(100 * success_rate, 3),
        **measured,
    }


def _defaults(parameters: Mapping[str, Any]) -> JSONObject | None:
    """Return the defaults that are known, None where none is."""
    known = {name: parameters[name]["default"] for name in DEFAULTS if name in parameters}
    return {name: value for name, value in known.items() if value is not None} or None
