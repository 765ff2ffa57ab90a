"""A model of the catalogue as its pages show it: prices of a million tokens, and what it can do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy

from billing.pricing import PriceValue
from gateway.api.model_cards import ParametersCard, model_card, parameters_card
from gateway.catalog import Catalogue, Model
from gateway.pipeline.access import served_to
from gateway.pipeline.router import EMULATED_PARAMETERS
from gateway.provider_names import provider_name
from gateway.providers.profile import ModelProfile, Support

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Feature:
    """Something a model can do; `slug` is its name in `supported_features`."""

    slug: str
    label: str | Promise
    explanation: str | Promise


@dataclass(frozen=True, slots=True)
class Ability:
    """How a model does it: by itself, or with XRouter's help; `is_native` is None where not at all."""

    feature: Feature
    is_native: bool | None


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model that is served. Of an automatic one the price is that of its cheapest choice."""

    model: Model
    choices: tuple[Model, ...]
    price: PriceValue
    providers: tuple[str, ...]
    features: frozenset[str]

    @property
    def description(self) -> str:
        """Return the description in the reader's language, else in the one there is."""
        is_english = (get_language() or "").startswith("en")
        own, other = self.model.description, self.model.description_en
        return (other or own) if is_english else (own or other)

    @property
    def provider_names(self) -> str:
        """Return who serves it, say `GigaChat, YandexGPT`."""
        return ", ".join(provider_name(slug) for slug in self.providers)

    @property
    def prompt_million_nano(self) -> int:
        return self.price.prompt_nano * MILLION

    @property
    def completion_million_nano(self) -> int:
        return self.price.completion_nano * MILLION

    @property
    def cached_million_nano(self) -> int:
        return self.price.cached_nano * MILLION

    @property
    def has_cheaper_cache(self) -> bool:
        return self.price.cached_nano < self.price.prompt_nano

    @property
    def abilities(self) -> list[Ability]:
        """Return what a chat model does and how, in the order of FEATURES; none for embeddings."""
        if self.model.kind != "chat":
            return []
        profiles = [route.profile for choice in self.choices for route in choice.routes]
        return [Ability(feature, self._is_native(feature.slug, profiles)) for feature in FEATURES]

    @property
    def has_help(self) -> bool:
        """Say whether XRouter does something for the model that its provider lacks."""
        return any(ability.is_native is False for ability in self.abilities)

    @property
    def badges(self) -> list[Feature]:
        return [
            feature
            for feature in FEATURES
            if feature.slug in self.features and feature.slug in _BADGES
        ]

    def parameters(self) -> ParametersCard:
        """Return what `GET /v1/parameters/{model}` answers."""
        return parameters_card(self.model, self.choices, EMULATED_PARAMETERS)

    def _is_native(self, slug: str, profiles: Sequence[ModelProfile]) -> bool | None:
        if slug not in self.features:
            return None
        support = _SUPPORT.get(slug)
        return support is None or all(support(profile) == "native" for profile in profiles)


FEATURES = (
    Feature(
        "streaming",
        gettext_lazy("Streaming"),
        gettext_lazy("The answer arrives word by word, as the provider sends it."),
    ),
    Feature(
        "tools",
        gettext_lazy("Tool calls"),
        gettext_lazy("The model asks your program for data or actions; arguments are always JSON."),
    ),
    Feature(
        "parallel_tool_calls",
        gettext_lazy("Several calls at once"),
        gettext_lazy("One answer may ask for several tools."),
    ),
    Feature(
        "json_mode",
        gettext_lazy("JSON"),
        gettext_lazy("The answer is a JSON object."),
    ),
    Feature(
        "structured_outputs",
        gettext_lazy("JSON by a schema"),
        gettext_lazy("The answer is checked against your schema before you see it."),
    ),
    Feature(
        "vision",
        gettext_lazy("Images"),
        gettext_lazy("A message may hold pictures."),
    ),
    Feature(
        "reasoning",
        gettext_lazy("Reasoning"),
        gettext_lazy("The model can think before it answers; you say how hard."),
    ),
)
_BADGES = ("tools", "structured_outputs", "vision", "reasoning")
_SUPPORT: dict[str, Callable[[ModelProfile], Support]] = {
    "tools": lambda profile: profile.tools,
    "json_mode": lambda profile: profile.json_object,
    "structured_outputs": lambda profile: profile.json_schema,
}


def model_entries() -> list[ModelEntry]:
    """Return every model that is served to anyone, by id."""
    catalogue = served_to(None)
    return [_entry(catalogue, model) for model in catalogue.models()]


def find_entry(name: str) -> ModelEntry | None:
    """Return the model that has this id or this other name."""
    catalogue = served_to(None)
    model = catalogue.resolve(name)
    return None if model is None else _entry(catalogue, model)


def _entry(catalogue: Catalogue, model: Model) -> ModelEntry:
    choices = catalogue.choices(model)
    card = model_card(model, choices, EMULATED_PARAMETERS)
    return ModelEntry(
        model=model,
        choices=choices,
        price=next(choice.price for choice in choices if choice.price is not None),
        providers=tuple(sorted({route.provider for one in choices for route in one.routes})),
        features=frozenset(card["supported_features"]),
    )
