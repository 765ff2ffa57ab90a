"""OpenRouter's `provider` object: who may serve a request, and in what order they are tried."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal, get_args

from gateway.api.schema.fields import (
    Boolean,
    ChoiceType,
    FieldType,
    JSONObject,
    TextOrType,
    TextsType,
    invalid,
    optional,
)
from gateway.api.schema.parsing import Body
from gateway.pipeline.request import Preferences, Sort

MAX_SLUGS = 32
MAX_SLUG_CHARACTERS = 64
MAX_PRICE = 10**12


@dataclass(frozen=True, slots=True)
class PriceType(FieldType):
    """A price in roubles per million tokens, from 0 to `maximum`, as a number or a text that spells one."""

    maximum: int

    def read(self, value: Any) -> Decimal:
        try:
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                raise InvalidOperation
            price = Decimal(str(value)[:40])
            if not 0 <= price <= self.maximum:
                raise InvalidOperation
        except InvalidOperation:
            raise invalid("must be roubles per million tokens, 0 or more.") from None
        return price

    def json_schema(self) -> JSONObject:
        number = {"type": "number", "minimum": 0, "maximum": self.maximum}
        return {"anyOf": [number, {"type": "string"}]}


Slugs = Annotated[tuple[str, ...], TextsType(MAX_SLUGS, MAX_SLUG_CHARACTERS)]
PriceBound = Annotated[Decimal, PriceType(MAX_PRICE)]
SortChoice = ChoiceType(get_args(Sort))


class SortBody(Body):
    by: Annotated[Sort, SortChoice] | None = None
    partition: Annotated[Literal["model", "none"], ChoiceType(("model", "none"))] | None = optional(
        "`none` sorts among the routes of all models of the request.", default="model"
    )


class MaxPrice(Body):
    prompt: PriceBound | None = optional(
        "The highest price of the prompt, in roubles per million tokens."
    )
    completion: PriceBound | None = optional(
        "The highest price of the answer, in roubles per million tokens."
    )


class ProviderPreferences(Body):
    """Who may serve the request. Slugs are `gigachat` and `yandexgpt`, in any case."""

    order: Slugs | None = optional("Providers to ask first, in this order.")
    only: Slugs | None = optional("The only providers that may be asked.")
    ignore: Slugs | None = optional("Providers that are not asked.")
    allow_fallbacks: Boolean | None = optional("Whether others follow the first.", default=True)
    require_parameters: Boolean | None = optional(
        "Ask only those that honour every parameter of the request.", default=False
    )
    data_collection: Annotated[Literal["allow", "deny"], ChoiceType(("allow", "deny"))] | None = (
        optional(
            "`deny` asks only providers that can be told not to keep prompts.", default="allow"
        )
    )
    zdr: Boolean | None = optional(
        '`true` means `data_collection: "deny"`, whatever that says.', default=False
    )
    sort: Annotated[Sort | SortBody, TextOrType(SortChoice)] | None = optional(
        "What to prefer among the routes of a model: the lowest price, the most tokens per"
        " second, or the least time to the first token, as measured in the last five minutes."
    )
    max_price: MaxPrice | None = None


def is_collection_denied(body: ProviderPreferences | None) -> bool:
    """Say whether only providers may be asked that can be told not to keep prompts."""
    return body is not None and (body.zdr is True or body.data_collection == "deny")


def read_preferences(body: ProviderPreferences | None) -> Preferences:
    """Turn the object into preferences; absent, it demands nothing."""
    if body is None:
        return Preferences()
    sort = body.sort
    price = body.max_price
    return Preferences(
        order=_lower(body.order),
        only=None if body.only is None else frozenset(_lower(body.only)),
        ignore=frozenset(_lower(body.ignore)),
        allow_fallbacks=body.allow_fallbacks is not False,
        require_parameters=body.require_parameters is True,
        sort=sort.by if isinstance(sort, SortBody) else sort,
        across_models=isinstance(sort, SortBody) and sort.partition == "none",
        max_prompt_price=price.prompt if price else None,
        max_completion_price=price.completion if price else None,
        slugs=tuple(
            (f"provider.{field}[{index}]", slug)
            for field, slugs in (
                ("order", body.order),
                ("only", body.only),
                ("ignore", body.ignore),
            )
            for index, slug in enumerate(_lower(slugs))
        ),
    )


def _lower(slugs: tuple[str, ...] | None) -> tuple[str, ...]:
    return tuple(slug.lower() for slug in slugs or ())
