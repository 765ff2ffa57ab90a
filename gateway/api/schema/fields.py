"""Types of the fields of a body: the value each takes, how a wrong one is refused, how OpenAPI writes it.

They stand in `Annotated[...]` of the pydantic models beside them. A text is taken for a number or for true and
false where nothing is lost by it. A refusal is raised without its path: `parsing` puts that before it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, get_args

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from infra import exact_json

JSONObject = dict[str, Any]
NextValidator = Callable[[Any], Any]

INVALID = "invalid"
UNSUPPORTED = "unsupported"

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]")
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,19}")


def invalid(text: str) -> PydanticCustomError:
    """Return the refusal of a value; `text` follows the field's path: "must be …"."""
    return PydanticCustomError(INVALID, "{text}", {"text": text})


def unsupported(text: str) -> PydanticCustomError:
    """Return the refusal of content that no model takes."""
    return PydanticCustomError(UNSUPPORTED, "{text}", {"text": text})


def optional(description: str | None = None, **keywords: Any) -> Any:
    """Describe a field that may be absent; `keywords` are more of its JSON Schema."""
    return Field(None, description=description, json_schema_extra=keywords or None)


def about(description: str, **bounds: Any) -> Any:
    """Describe a type within `Annotated`; `bounds` are pydantic's: `ge`, `max_length`, `pattern`."""
    return Field(description=description, **bounds)


class FieldType:
    """A value that `read` checks and converts; None gets here only where the field is required."""

    def read(self, value: Any) -> Any:
        """Return the value as the rest of the program has it. Raises PydanticCustomError."""
        raise NotImplementedError

    def json_schema(self) -> JSONObject:
        """Return the JSON Schema of what is taken."""
        raise NotImplementedError

    def checked(self, value: Any) -> Any:
        if value is None:
            raise invalid("is missing.")
        return self.read(value)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.checked)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JSONObject:
        return self.json_schema()


@dataclass(frozen=True, slots=True)
class WholeType(FieldType):
    """A whole number in [minimum, maximum]."""

    minimum: int
    maximum: int

    def read(self, value: Any) -> int:
        if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
            value = int(value)
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            value = int(value)
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not is_whole or not self.minimum <= value <= self.maximum:
            raise invalid(f"must be a whole number from {self.minimum} to {self.maximum}.")
        return int(value)

    def json_schema(self) -> JSONObject:
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}


@dataclass(frozen=True, slots=True)
class NumberType(FieldType):
    """A number in [minimum, maximum]."""

    minimum: float
    maximum: float

    def read(self, value: Any) -> int | float:
        if isinstance(value, str):
            try:
                value = float(value) if len(value) <= 32 and value.isascii() else None
            except ValueError:
                value = None
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not self.minimum <= value <= self.maximum
        ):
            raise invalid(f"must be a number from {self.minimum:g} to {self.maximum:g}.")
        return value

    def json_schema(self) -> JSONObject:
        return {"type": "number", "minimum": self.minimum, "maximum": self.maximum}


class FlagType(FieldType):
    """True or false."""

    def read(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value in ("true", "false"):
            return value == "true"
        raise invalid("must be true or false.")

    def json_schema(self) -> JSONObject:
        return {"type": "boolean"}


Boolean = Annotated[bool, FlagType()]


@dataclass(frozen=True, slots=True)
class TextType(FieldType):
    """A text of `fewest` to `longest` characters; an empty one that may not be counts as missing.

    `expected` refuses what is no text.
    """

    longest: int
    fewest: int = 0
    expected: str = "must be a text."

    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise invalid(self.expected)
        if len(value) > self.longest:
            raise invalid(f"must be a text of {self.longest} characters at most.")
        if len(value) < self.fewest:
            raise invalid("is missing.")
        return value

    def json_schema(self) -> JSONObject:
        schema: JSONObject = {"type": "string", "maxLength": self.longest}
        return schema | {"minLength": self.fewest} if self.fewest else schema


@dataclass(frozen=True, slots=True)
class LineType(TextType):
    """A text without control characters."""

    PATTERN: ClassVar[str] = r"^[^\u0000-\u001f\u007f]*$"

    def read(self, value: Any) -> str:
        text = TextType.read(self, value)
        if _CONTROL_CHARACTERS.search(text):
            raise invalid("must have no control characters.")
        return text

    def json_schema(self) -> JSONObject:
        return TextType.json_schema(self) | {"pattern": self.PATTERN}


@dataclass(frozen=True, slots=True)
class ChoiceType(FieldType):
    """One of a few texts."""

    choices: tuple[str, ...]

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.choices:
            one_of = "one of " if len(self.choices) > 1 else ""
            raise invalid(f"must be {one_of}{', '.join(self.choices)}.")
        return value

    def json_schema(self) -> JSONObject:
        if len(self.choices) == 1:
            return {"type": "string", "const": self.choices[0]}
        return {"type": "string", "enum": list(self.choices)}


@dataclass(frozen=True, slots=True)
class StoredType(FieldType):
    """A field that asks for what other services keep, and XRouter does not."""

    remedy: str

    def read(self, value: Any) -> None:
        raise invalid(f"must be absent: nothing is kept here. {self.remedy}")

    def json_schema(self) -> JSONObject:
        return {"type": "null"}


@dataclass(frozen=True, slots=True)
class TextsType(FieldType):
    """A list of `fewest` to `most` texts of 1 to `longest` characters; a single text is a list of one."""

    most: int
    longest: int
    fewest: int = 0

    def read(self, value: Any) -> tuple[str, ...]:
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list):
            raise invalid("must be a text or a list of texts.")
        if len(values) > self.most:
            raise invalid(f"must be a list of {self.most} items at most.")
        if not all(isinstance(item, str) and 0 < len(item) <= self.longest for item in values):
            raise invalid(f"must hold texts of 1 to {self.longest} characters.")
        if len(values) < self.fewest:
            raise invalid("is missing: send a text or a list of texts.")
        return tuple(values)

    def json_schema(self) -> JSONObject:
        item = {"type": "string", "minLength": 1, "maxLength": self.longest}
        items = {"type": "array", "items": item, "minItems": self.fewest, "maxItems": self.most}
        return {"anyOf": [item, items]}


class WrappedType(FieldType):
    """A check before pydantic's own validation of the annotated type."""

    def wrapped(self, value: Any, validate: NextValidator) -> Any:
        """Return the validated value. Raises PydanticCustomError."""
        raise NotImplementedError

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        inner: Any = handler(source)
        if inner["type"] == "list":
            inner["fail_fast"] = True  # a large body may have a fault in every item
        return core_schema.no_info_wrap_validator_function(self.wrapped, inner)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JSONObject:
        return handler(schema) | self.json_schema()


@dataclass(frozen=True, slots=True)
class ItemsType(WrappedType):
    """A list of `fewest` to `most` items, of `most_bytes` of JSON at most where that is given.

    `expected` refuses what is no list.
    """

    most: int
    fewest: int = 0
    most_bytes: int | None = None
    expected: str = "must be a list."

    def wrapped(self, value: Any, validate: NextValidator) -> Any:
        if not isinstance(value, list):
            raise invalid(self.expected)
        if self.most_bytes is not None and len(exact_json.dumps(value)) > self.most_bytes:
            raise invalid(f"must have {self.most_bytes} bytes of JSON at most.")
        if len(value) > self.most:
            raise invalid(f"must be a list of {self.most} items at most.")
        if len(value) < self.fewest:
            raise invalid("must hold at least one item.")
        return validate(value)

    def json_schema(self) -> JSONObject:
        return {"minItems": self.fewest, "maxItems": self.most}


@dataclass(frozen=True, slots=True)
class EntriesType(WrappedType):
    """An object of `most` entries at most, whose names have `longest_name` printable characters at most."""

    most: int
    longest_name: int | None = None

    def wrapped(self, value: Any, validate: NextValidator) -> Any:
        if isinstance(value, dict):
            if len(value) > self.most:
                raise invalid(f"must have {self.most} entries at most.")
            longest = self.longest_name
            if longest and any(len(name) > longest or not name.isprintable() for name in value):
                raise invalid(f"must have names of {longest} printable characters at most.")
        return validate(value)

    def json_schema(self) -> JSONObject:
        names = {"propertyNames": {"maxLength": self.longest_name}} if self.longest_name else {}
        return {"maxProperties": self.most, **names}


@dataclass(frozen=True, slots=True)
class TextOrType(FieldType):
    """A text, which `text` reads, or a value of the second type of the annotated union."""

    text: FieldType

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        def read(value: Any, validate: NextValidator) -> Any:
            if isinstance(value, dict | list):
                return validate(value)
            return self.text.checked(value)

        other = handler.generate_schema(get_args(source)[1])
        return core_schema.no_info_wrap_validator_function(read, other)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JSONObject:
        return {"anyOf": [self.text.json_schema(), handler(schema)]}
