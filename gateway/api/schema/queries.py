"""What the query strings of the GET endpoints may say."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from gateway.api.schema.fields import ChoiceType, FieldType, JSONObject, invalid, optional
from gateway.api.schema.parsing import Body


class DayType(FieldType):
    """A day of the years 2000 to 2199; an empty text is none."""

    def read(self, value: Any) -> date | None:
        if value == "":
            return None
        try:
            day = date.fromisoformat(value)
        except (TypeError, ValueError):
            raise invalid("must be a day such as 2026-01-31.") from None
        if not 2000 <= day.year < 2200:
            raise invalid("must be a day of these times.")
        return day

    def json_schema(self) -> JSONObject:
        return {"type": "string", "format": "date", "examples": ["2026-01-31"]}


class ActivityQuery(Body):
    since: Annotated[date, DayType()] | None = optional(
        "The first day, Moscow's; 30 days before `until` where it is not given."
    )
    until: Annotated[date, DayType()] | None = optional(
        "The last day, which is included; today where it is not given."
    )
    format: Annotated[Literal["json", "csv"], ChoiceType(("json", "csv"))] | None = optional(
        "The form of the answer."
    )


class ModelsQuery(Body):
    provider: str | None = optional(
        "Only models of this provider.", examples=["gigachat", "yandexgpt"]
    )
    supported_parameters: str | None = optional(
        "Only models that honour all of these, separated by commas.",
        examples=["tools,response_format"],
    )
    limit: int | None = optional(
        "How many models a page has at most; where `anthropic-version` is sent.",
        minimum=1,
        maximum=1000,
        examples=[20],
    )
    after_id: str | None = optional(
        "The page behind this model; where `anthropic-version` is sent.", examples=["yandexgpt"]
    )
    before_id: str | None = optional(
        "The page before this model; where `anthropic-version` is sent.", examples=["yandexgpt"]
    )


class GenerationQuery(Body):
    id: str = Field(
        description="The completion's `id`.",
        json_schema_extra={"examples": ["gen-0197c1d2e3f4701122334455667788aa"]},
    )
