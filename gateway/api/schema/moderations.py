"""What the body of a moderation request may say."""

from dataclasses import dataclass
from typing import Annotated, Any

from gateway.api.schema.chat_request import MAX_MODEL_CHARACTERS
from gateway.api.schema.fields import (
    FieldType,
    JSONObject,
    TextType,
    about,
    invalid,
    optional,
    unsupported,
)
from gateway.api.schema.parsing import Body

MAX_INPUTS = 1024
MAX_CHARACTERS = 400_000
_TEXT_PART = {
    "type": "object",
    "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
    "required": ["type", "text"],
}


@dataclass(frozen=True, slots=True)
class ModeratedInputType(FieldType):
    """A text, a list of texts, or one list of text parts; for each thing to judge, the texts of it."""

    def read(self, value: Any) -> tuple[tuple[str, ...], ...]:
        inputs: tuple[tuple[str, ...], ...]
        match value:
            case str():
                inputs = ((value,),)
            case [str(), *_]:
                if not all(isinstance(text, str) for text in value):
                    raise invalid("must hold texts alone, or parts alone.")
                inputs = tuple((text,) for text in value)
            case [dict(), *_]:
                inputs = (tuple(_part(part) for part in value),)
            case _:
                raise invalid("must be a text, a list of texts, or a list of text parts.")
        if len(value) > MAX_INPUTS and not isinstance(value, str):
            raise invalid(f"must be a list of {MAX_INPUTS} items at most.")
        if sum(len(text) for texts in inputs for text in texts) > MAX_CHARACTERS:
            raise invalid(f"must hold {MAX_CHARACTERS} characters at most.")
        return inputs

    def json_schema(self) -> JSONObject:
        lists = ({"type": "array", "items": item, "minItems": 1, "maxItems": MAX_INPUTS}
                 for item in ({"type": "string"}, _TEXT_PART))  # fmt: skip
        return {"anyOf": [{"type": "string", "maxLength": MAX_CHARACTERS}, *lists]}


class ModerationRequest(Body):
    """A field that is not listed here is ignored and named in `X-XRouter-Adapted`."""

    input: Annotated[tuple[tuple[str, ...], ...], ModeratedInputType()] = about(
        "A text, a list of texts, each judged by itself, or a list of text parts, judged as one."
    )
    model: Annotated[str, TextType(MAX_MODEL_CHARACTERS, fewest=1)] | None = optional(
        "Repeated in the answer. There is one moderation, the service's own."
    )


def _part(part: Any) -> str:
    match part:
        case {"type": "text", "text": str() as text}:
            return text
        case {"type": "image_url"}:
            raise unsupported("has a picture, and moderation looks at texts alone.")
    raise invalid("must hold text parts alone: {type: text, text: …}.")
