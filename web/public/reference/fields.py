"""The fields of bodies and answers as rows of a page, from the JSON Schemas of the document."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson
from django.utils.safestring import SafeString

from web.public.models import PARAMETER_TEXTS
from web.public.reference.bounds import Bound, bounds
from web.public.reference.prose import inline, translated

JSONObject = dict[str, Any]

_PREFIX = "#/components/schemas/"
_UNIONS = ("anyOf", "oneOf")
_ANY = "any"


@dataclass(frozen=True, slots=True)
class Field:
    """A row: a field of an object, a parameter or a header.

    Of a request it is told what is required, of an answer what may be absent: the rarer of the two.
    """

    name: str
    type: str
    texts: list[SafeString]
    is_required: bool = False
    may_be_absent: bool = False
    is_deprecated: bool = False
    bounds: tuple[Bound, ...] = ()
    forms: "tuple[Form, ...]" = ()
    place: str = ""

    @property
    def new_forms(self) -> "list[Form]":
        return new_forms(self.forms)

    @property
    def shown_forms(self) -> "list[Form]":
        return shown_forms(self.forms)


@dataclass(frozen=True, slots=True)
class Form:
    """A named object with its fields, or a choice of such objects.

    A page shows each once, at `anchor`; where it `is_shown` above, only a link is left.
    """

    name: str
    anchor: str
    is_shown: bool = False
    type: str = ""
    texts: list[SafeString] | tuple[()] = ()
    bounds: tuple[Bound, ...] = ()
    fields: tuple[Field, ...] = ()
    forms: "tuple[Form, ...]" = ()

    @property
    def new_forms(self) -> "list[Form]":
        return new_forms(self.forms)

    @property
    def shown_forms(self) -> "list[Form]":
        return shown_forms(self.forms)


def new_forms(forms: tuple[Form, ...]) -> list[Form]:
    return [form for form in forms if not form.is_shown]


def shown_forms(forms: tuple[Form, ...]) -> list[Form]:
    return [form for form in forms if form.is_shown]


class FormReader:
    """Reads schemas for one page, and knows which forms the page has already."""

    def __init__(self, schemas: dict[str, JSONObject]) -> None:
        self._schemas = schemas
        self._anchors: dict[str, str] = {}

    def forms(self, schema: JSONObject, place: str, *, is_request: bool) -> tuple[Form, ...]:
        """Return the forms that a schema names; `place` begins the anchors of those that are new."""
        names = dict.fromkeys(_names(schema))
        return tuple(self._form(name, place, is_request=is_request) for name in names)

    def _form(self, name: str, place: str, *, is_request: bool) -> Form:
        if name in self._anchors:
            return Form(name, self._anchors[name], is_shown=True)
        anchor = self._anchors[name] = f"{place}-{name}"
        schema = self._schemas[name]
        required = schema.get("required", ())
        fields = tuple(
            self._field(field, inner, field in required, place, is_request=is_request)
            for field, inner in schema.get("properties", {}).items()
        )
        texts = translated(schema.get("description", ""))
        if fields:
            return Form(name, anchor, texts=texts, fields=fields)
        return Form(
            name,
            anchor,
            type=notation(schema),
            texts=texts,
            bounds=bounds(schema),
            forms=self.forms(schema, place, is_request=is_request),
        )

    def _field(
        self, name: str, schema: JSONObject, is_required: bool, place: str, *, is_request: bool
    ) -> Field:
        forms = self.forms(schema, place, is_request=is_request)
        texts = translated(schema.get("description", ""))
        if not texts and not forms and is_request and name in PARAMETER_TEXTS:
            texts = [inline(str(PARAMETER_TEXTS[name]))]
        if not texts and len(forms) == 1:
            # What the one form is says what the field is, before anybody unfolds it.
            texts, forms = list(forms[0].texts), (replace(forms[0], texts=()),)
        return Field(
            name,
            notation(schema, with_null=is_required or not is_request),
            texts,
            is_required=is_request and is_required,
            may_be_absent=not is_request and not is_required,
            is_deprecated=schema.get("deprecated", False),
            bounds=bounds(schema),
            forms=forms,
        )


def row(name: str, described: JSONObject, place: str = "") -> Field:
    """Return the row of a Parameter Object or a Header Object."""
    schema = described["schema"]
    return Field(
        name,
        notation(schema),
        translated(described.get("description", "")),
        is_required=bool(place) and described.get("required", False),
        bounds=bounds(schema),
        place=place,
    )


def notation(schema: JSONObject, *, with_null: bool = True) -> str:
    """Write a type as TypeScript does: `string | Message[]`; null only where a reader must reckon with it."""
    kinds = dict.fromkeys(_kinds(schema))
    null = kinds.pop("null", "") is None
    return " | ".join([*kinds, "null"] if null and with_null else kinds) or _ANY


def _kinds(schema: JSONObject) -> Iterator[str]:
    if "$ref" in schema:
        yield schema["$ref"].removeprefix(_PREFIX)
        return
    if union := [inner for word in _UNIONS for inner in schema.get(word, ())]:
        for inner in union:
            yield from _kinds(inner)
        return
    if "const" in schema:
        yield orjson.dumps(schema["const"]).decode()
        return
    types = schema.get("type", _ANY)
    for kind in [types] if isinstance(types, str) else types:
        if kind == "array":
            inner = notation(schema.get("items", {}))
            yield f"({inner})[]" if " | " in inner else f"{inner}[]"
        elif kind == "object" and isinstance(schema.get("additionalProperties"), dict):
            yield f"Record<string, {notation(schema['additionalProperties'])}>"
        else:
            yield kind


def _names(schema: JSONObject) -> Iterator[str]:
    """Yield the forms that a schema names itself, not within a named one."""
    if "$ref" in schema:
        yield schema["$ref"].removeprefix(_PREFIX)
    inner = [choice for word in _UNIONS for choice in schema.get(word, ())]
    inner += [schema[word] for word in ("items", "additionalProperties") if word in schema]
    for part in inner:
        if isinstance(part, dict):
            yield from _names(part)
