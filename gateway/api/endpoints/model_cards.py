"""A model of the catalogue as JSON: the fields of OpenAI and those of OpenRouter. Pure functions."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Literal, TypedDict

from billing.pricing import PriceValue
from gateway.api.schema.chat_request import MAX_CHOICES
from gateway.api.schema.openapi.model_answers import Architecture, TopProvider
from gateway.catalog.snapshot import CatalogModel, Status
from gateway.moderation.live import is_moderated
from gateway.providers.profile import TUNABLE, WHOLE, ModelProfile, ParameterRange
from infra.credits import credits_text

_OTHER_TYPES = {
    "stop": "array",
    "logit_bias": "object",
    "logprobs": "boolean",
    "reasoning_effort": "string",
    "tools": "array",
    "tool_choice": "string",
    "parallel_tool_calls": "boolean",
    "response_format": "object",
    "structured_outputs": "boolean",
    "stream": "boolean",
    "encoding_format": "string",
}


class Pricing(TypedDict):
    """Credits (roubles) per token, per request, per image, as decimal strings without exponent."""

    prompt: str
    completion: str
    input_cache_read: str
    request: str
    image: str
    currency: str


class ModelCard(TypedDict):
    """An entry of `GET /v1/models`."""

    id: str
    object: str
    created: int
    owned_by: str
    name: str
    description: str
    canonical_slug: str
    context_length: int
    pricing: Pricing
    architecture: Architecture
    top_provider: TopProvider
    per_request_limits: None
    supported_parameters: list[str]
    supported_features: list[str]
    is_free: bool
    status: Status
    ends_on: str | None


class ParameterCard(TypedDict, total=False):
    """One parameter: `type` always, the rest where there is such a bound."""

    type: str
    min: float
    exclusive_min: bool
    max: float
    default: float | int | str | None
    choices: list[str]


class ParametersCard(TypedDict):
    """The answer of `GET /v1/parameters/{model}`."""

    model: str
    supported_parameters: list[str]
    parameters: dict[str, ParameterCard]


def model_card(
    model: CatalogModel, choices: Sequence[CatalogModel], emulated: AbstractSet[str] = frozenset()
) -> ModelCard:
    """Describe `model`.

    `choices` are the models that may answer for it, the cheapest first (`Catalogue.choices`): the
    card promises what holds for each of them, and states the first one's price. The parameters in
    `emulated` are honoured for every chat model.
    """
    price = next(choice.price for choice in choices if choice.price is not None)
    features = _features(model, _profiles(choices))
    inputs: list[Literal["text", "image"]] = ["text", "image"] if "vision" in features else ["text"]
    output: Literal["text", "embeddings"] = "text" if model.kind == "chat" else "embeddings"
    return ModelCard(
        id=model.id,
        object="model",
        created=model.created,
        owned_by=model.owned_by,
        name=model.name,
        description=model.description,
        canonical_slug=model.id,
        context_length=model.context_tokens,
        pricing=pricing(price),
        architecture=Architecture(
            modality=f"{'+'.join(inputs)}->{output}",
            input_modalities=inputs,
            output_modalities=[output],
            tokenizer="router" if model.is_auto else model.routes[0].provider,
            instruct_type=None,
        ),
        top_provider=TopProvider(
            context_length=model.context_tokens,
            max_completion_tokens=model.max_output_tokens or None,
            is_moderated=is_moderated(),
        ),
        per_request_limits=None,
        supported_parameters=supported_parameters(model, choices, emulated),
        supported_features=features,
        is_free=model.is_free,
        status=model.status,
        ends_on=model.ends_on.isoformat() if model.ends_on else None,
    )


def parameters_card(
    model: CatalogModel, choices: Sequence[CatalogModel], emulated: AbstractSet[str] = frozenset()
) -> ParametersCard:
    """Describe what `model` honours; the arguments are those of `model_card`."""
    names = supported_parameters(model, choices, emulated)
    profiles = _profiles(choices)
    return ParametersCard(
        model=model.id,
        supported_parameters=names,
        parameters={name: _parameter(name, model, profiles) for name in names},
    )


def supported_parameters(
    model: CatalogModel, choices: Sequence[CatalogModel], emulated: AbstractSet[str] = frozenset()
) -> list[str]:
    """Name, in OpenAI's words, what every one of `choices` honours on every route."""
    if model.kind == "embeddings":
        has_sizes = all(profile.dimensions for profile in _profiles(choices))
        return ["encoding_format", "dimensions"] if has_sizes else ["encoding_format"]
    profiles = _profiles(choices)
    names = []
    for name in TUNABLE:
        if name in emulated or all(name in profile.parameters for profile in profiles):
            names += ["max_tokens", "max_completion_tokens"] if name == "max_tokens" else [name]
    if all(profile.tools != "none" for profile in profiles):
        names += ["tools", "tool_choice"]
        if all(profile.parallel_tool_calls for profile in profiles):
            names.append("parallel_tool_calls")
    if all(profile.json_object != "none" for profile in profiles):
        names.append("response_format")
    if all(profile.json_schema != "none" for profile in profiles):
        names.append("structured_outputs")
    return [*names, "stream"]


def _profiles(choices: Sequence[CatalogModel]) -> list[ModelProfile]:
    return [route.profile for choice in choices for route in choice.routes]


def pricing(price: PriceValue) -> Pricing:
    """Return the price of one token of each kind."""
    return Pricing(
        prompt=credits_text(price.prompt_nano),
        completion=credits_text(price.completion_nano),
        input_cache_read=credits_text(price.cached_nano),
        request="0",
        image="0",
        currency="RUB",
    )


def _features(model: CatalogModel, profiles: Sequence[ModelProfile]) -> list[str]:
    if model.kind == "embeddings":
        return []
    held = {
        "streaming": True,
        "tools": all(profile.tools != "none" for profile in profiles),
        "parallel_tool_calls": all(profile.parallel_tool_calls for profile in profiles),
        "json_mode": all(profile.json_object != "none" for profile in profiles),
        "structured_outputs": all(profile.json_schema != "none" for profile in profiles),
        "vision": all(profile.images for profile in profiles),
        "reasoning": all("reasoning_effort" in profile.parameters for profile in profiles),
    }
    return [name for name, is_held in held.items() if is_held]


def _parameter(name: str, model: CatalogModel, profiles: Sequence[ModelProfile]) -> ParameterCard:
    field = "max_tokens" if name == "max_completion_tokens" else name
    if field == "dimensions":
        sizes = set.intersection(*(set(profile.dimensions) for profile in profiles))
        return ParameterCard(
            type="integer", choices=[str(size) for size in sorted(sizes)], default=None
        )
    if field in WHOLE:
        card = ParameterCard(type="integer")
    else:
        card = ParameterCard(type=_OTHER_TYPES.get(field, "number"))
    ranges = [p.parameters[field] for p in profiles if field in p.parameters]
    if field == "n":  # no provider is asked for more than one
        ranges = [ParameterRange(minimum=1, maximum=MAX_CHOICES, default=1)]
    if lows := [limits.minimum for limits in ranges if limits.minimum is not None]:
        card["min"] = max(lows)
        if any(r.exclusive_minimum for r in ranges if r.minimum == card["min"]):
            card["exclusive_min"] = True
    highs = [limits.maximum for limits in ranges if limits.maximum is not None]
    if field == "max_tokens":
        highs.append(min(profile.max_output_tokens for profile in profiles))
    if highs:
        card["max"] = min(highs)
    if choices := _common_choices(ranges):
        card["choices"] = choices
    card["default"] = _common_default(ranges)
    return card


def _common_choices(ranges: Sequence[ParameterRange]) -> list[str]:
    first, *others = [limits.choices for limits in ranges] or [()]
    return [choice for choice in first if all(choice in other for other in others)]


def _common_default(ranges: Sequence[ParameterRange]) -> float | int | str | None:
    defaults = {limits.default for limits in ranges}
    return defaults.pop() if len(defaults) == 1 else None
