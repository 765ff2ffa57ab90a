"""Models as the pages show them: prices per million tokens, and features."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy

from billing.pricing import PriceValue
from gateway.api.endpoints.model_cards import ParametersCard, model_card, parameters_card
from gateway.catalog.snapshot import CatalogModel, Catalogue
from gateway.health.measured_routes import routes
from gateway.health.route_history import RouteMeasures
from gateway.pipeline.admission.access import served_to
from gateway.pipeline.routing.router import EMULATED_PARAMETERS
from gateway.providers import registry
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
    """A feature of a model: native or emulated by XRouter; `is_native` is None where unsupported."""

    feature: Feature
    is_native: bool | None


@dataclass(frozen=True, slots=True)
class MeasuredProvider:
    """A provider of a model, and how it answered in the last hour and day."""

    title: str
    measures: RouteMeasures


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A served model. The price of an automatic one is that of its cheapest choice.

    `former` are the models that lists show under it: earlier names, and models that ended in its favour.
    """

    model: CatalogModel
    choices: tuple[CatalogModel, ...]
    price: PriceValue
    providers: tuple[str, ...]
    features: frozenset[str]
    former: tuple[CatalogModel, ...] = ()

    @property
    def is_former(self) -> bool:
        """Say whether lists show it under another model."""
        return self.model.status == "legacy" and bool(self.model.successor)

    @property
    def status_label(self) -> str | Promise:
        """Return what a reader must know of the model's life; nothing of a current one."""
        return _STATUSES.get(self.model.status, "")

    @property
    def description(self) -> str:
        """Return the description in the reader's language, else in the one there is."""
        is_english = (get_language() or "").startswith("en")
        own, other = self.model.description, self.model.description_en
        return (other or own) if is_english else (own or other)

    @property
    def provider_names(self) -> str:
        """Return the providers' names, such as `GigaChat, YandexGPT`."""
        return ", ".join(registry.title(slug) for slug in self.providers)

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
    def measured(self) -> list[MeasuredProvider]:
        """Return the providers that answered in the last day; none of an automatic model."""
        if self.model.is_auto:
            return []
        found = [
            MeasuredProvider(registry.title(slug), routes.of(self.model.id, slug))
            for slug in self.providers
        ]
        return [provider for provider in found if provider.measures.day.requests]

    @property
    def abilities(self) -> list[Ability]:
        """Return the abilities of a chat model in the order of FEATURES; none for embeddings."""
        if self.model.kind != "chat":
            return []
        profiles = [route.profile for choice in self.choices for route in choice.routes]
        return [Ability(feature, self._is_native(feature.slug, profiles)) for feature in FEATURES]

    @property
    def has_help(self) -> bool:
        """Say whether XRouter emulates anything for the model."""
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
_STATUSES: dict[str, str | Promise] = {
    "preview": gettext_lazy("Preview"),
    "legacy": gettext_lazy("Former name"),
}
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


def _entry(catalogue: Catalogue, model: CatalogModel) -> ModelEntry:
    choices = catalogue.choices(model)
    card = model_card(model, choices, EMULATED_PARAMETERS)
    return ModelEntry(
        model=model,
        choices=choices,
        price=next(choice.price for choice in choices if choice.price is not None),
        providers=tuple(sorted({route.provider for choice in choices for route in choice.routes})),
        features=frozenset(card["supported_features"]),
        former=tuple(catalogue.folded().get(model.id, ())),
    )
