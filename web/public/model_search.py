"""The search of the model catalogue: words, filters and order, read from the query string."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from django.http import QueryDict

from web.public.model_entries import FEATURES, ModelEntry, find_entry

FILTER_FEATURES = tuple(
    feature
    for feature in FEATURES
    if feature.slug in {"streaming", "tools", "structured_outputs", "vision", "reasoning"}
)
_LONGEST_QUERY = 100


class Order(StrEnum):
    """How the list is sorted."""

    NAME = "name"
    PRICE = "price"
    CONTEXT = "context"


_KEYS: dict[Order, Callable[[ModelEntry], tuple[int, str]]] = {
    Order.NAME: lambda entry: (0, entry.model.name.casefold()),
    Order.PRICE: lambda entry: (
        entry.price.prompt_nano + entry.price.completion_nano,
        entry.model.id,
    ),
    Order.CONTEXT: lambda entry: (-entry.model.context_tokens, entry.model.id),
}


@dataclass(frozen=True, slots=True)
class ModelSearch:
    """A search; an empty field does not filter. All `features` must match."""

    query: str = ""
    provider: str = ""
    kind: str = ""
    features: frozenset[str] = frozenset()
    is_free: bool = False
    order: Order = Order.NAME

    @classmethod
    def read(cls, fields: QueryDict) -> Self:
        """Read `?q= &provider= &kind= &feature= &free= &sort=`; invalid values are ignored."""
        order = fields.get("sort", "")
        known = frozenset(feature.slug for feature in FILTER_FEATURES)
        return cls(
            query=fields.get("q", "").strip()[:_LONGEST_QUERY],
            provider=fields.get("provider", "").lower(),
            kind=kind if (kind := fields.get("kind", "")) in {"chat", "embeddings"} else "",
            features=known.intersection(fields.getlist("feature")),
            is_free="free" in fields,
            order=Order(order) if order in set(Order) else Order.NAME,
        )

    @property
    def is_narrow(self) -> bool:
        return bool(self.query or self.provider or self.kind or self.features or self.is_free)

    def found(self, entries: Iterable[ModelEntry]) -> list[ModelEntry]:
        """Return the `entries` that match, in order; former names only where something is sought."""
        if not self.is_narrow:
            entries = [entry for entry in entries if not entry.is_former]
        named = find_entry(self.query) if self.query else None
        words = self.query.casefold().split()
        return sorted(
            (
                entry
                for entry in entries
                if self._meets(entry)
                and (
                    (named is not None and entry.model is named.model)
                    or all(word in _text(entry) for word in words)
                )
            ),
            key=_KEYS[self.order],
        )

    def _meets(self, entry: ModelEntry) -> bool:
        return (
            (not self.provider or self.provider in entry.providers)
            and (not self.kind or self.kind == entry.model.kind)
            and self.features <= entry.features
            and (not self.is_free or entry.model.is_free)
        )


def _text(entry: ModelEntry) -> str:
    model = entry.model
    words = (model.id, model.name, model.description, model.description_en, entry.provider_names)
    return " ".join(words).casefold()
