"""The answer of `POST /v1/moderations`, as types."""

from typing import Annotated, Literal

from typing_extensions import TypedDict

from gateway.api.schema.fields import about

Score = Annotated[float, about("1 where a rule refuses, 0.5 where one counts, else 0.", ge=0, le=1)]


class ModerationResult(TypedDict):
    flagged: Annotated[bool, about("Whether any category is true.")]
    categories: Annotated[
        dict[str, bool], about("All of OpenAI's categories, and the service's own beside them.")
    ]
    category_scores: dict[str, Score]
    category_applied_input_types: dict[str, list[Literal["text"]]]


class Moderation(TypedDict):
    id: str
    model: Annotated[str, about("As in the request; else the name of the service's own.")]
    results: Annotated[list[ModerationResult], about("In the order of the texts.")]
