"""What the query strings under /api/v1 may say beyond those under /v1."""

import datetime as dt
from typing import Annotated, Literal

from gateway.api.schema.fields import ChoiceType, TextType, WholeType, optional
from gateway.api.schema.parsing import Body
from gateway.api.schema.queries import DayType, ModelsQuery

SORTS = ("newest", "pricing-low-to-high", "pricing-high-to-low", "context-high-to-low")
"""OpenRouter has more: by popularity, by benchmarks, by what it measured. We do not know those."""

MOST_MODELS = 1000
OFFSET_MAX = 1_000_000
HASH_MAX_CHARACTERS = 64


class ModelListQuery(ModelsQuery):
    offset: Annotated[int, WholeType(0, OFFSET_MAX)] | None = optional("How many to pass over.")
    limit: Annotated[int, WholeType(1, MOST_MODELS)] | None = optional("How many at most.")
    output_modalities: str | None = optional(
        "Only models with one of these, separated by commas; `all` for every model.",
        examples=["text", "embeddings"],
    )
    sort: (
        Annotated[
            Literal["newest", "pricing-low-to-high", "pricing-high-to-low", "context-high-to-low"],
            ChoiceType(SORTS),
        ]
        | None
    ) = optional("In which order.")


class OneDayQuery(Body):
    date: Annotated[dt.date, DayType()] | None = optional("This day alone, Moscow's.")
    api_key_hash: Annotated[str, TextType(HASH_MAX_CHARACTERS)] | None = optional(
        "Only what was sent with this key."
    )
