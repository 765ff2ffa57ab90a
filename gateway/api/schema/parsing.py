"""JSON objects → pydantic models: refusals that name the field, and the paths of fields nobody knows."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.api.schema.fields import INVALID, UNSUPPORTED
from gateway.pipeline.errors import InvalidParameter, RequestRefused, UnsupportedContent

MAX_UNKNOWN_PATHS = 2048
"""So many fields without a meaning are named; they are kept with the generation."""

MAX_NAME_CHARACTERS = 64
ELLIPSIS = "..."
"""What stands for the rest of a long name, and for the names of all further fields."""

_TAGGED_LISTS = frozenset({"messages", "content", "input", "output"})
_TAGGED_FIELDS = frozenset({"response_format"})
UNSUPPORTED_PARTS = frozenset({"input_audio", "file", "video_url"})


class Body(BaseModel):
    """An object of a request. `unknown_paths` names the fields it does not know.

    `NO_OP_VALUES` are fields that it does not know either, and that change nothing with these values.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    NO_OP_VALUES: ClassVar[Mapping[str, Any]] = {}


class History(BaseModel):
    """An object of the dialogue so far: fields it does not know pass unnamed."""

    model_config = ConfigDict(extra="ignore", frozen=True)


Model = TypeVar("Model", bound=BaseModel)


def parse(model: type[Model], body: Mapping[str, Any]) -> Model:
    """Read a JSON object. Raises InvalidParameter, UnsupportedContent."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise _refusal(error) from None


def unknown_paths(body: Body) -> list[str]:
    """Return the paths of the fields that mean nothing here and are not null: `tools[0].function.foo`."""
    all_paths = _unknown_paths(body, "")
    paths = list(itertools.islice(all_paths, MAX_UNKNOWN_PATHS))
    if len(paths) == MAX_UNKNOWN_PATHS and next(all_paths, None) is not None:
        paths.append(ELLIPSIS)
    return paths


def _unknown_paths(body: Body, path: str) -> Iterator[str]:
    for name, value in (body.model_extra or {}).items():
        if value is not None and body.NO_OP_VALUES.get(name) != value:
            if len(name) > MAX_NAME_CHARACTERS:
                name = name[: MAX_NAME_CHARACTERS - len(ELLIPSIS)] + ELLIPSIS
            yield path + name
    for name in sorted(body.model_fields_set):
        value = body.__dict__.get(name)
        if isinstance(value, Body):
            yield from _unknown_paths(value, f"{path}{name}.")
        elif isinstance(value, list) and value and isinstance(value[0], Body):
            for index, item in enumerate(value):
                yield from _unknown_paths(item, f"{path}{name}[{index}].")


def _refusal(error: ValidationError) -> RequestRefused:
    """Turn the first error into a refusal of ours."""
    first = error.errors(include_url=False, include_input=False)[0]
    path = _path(first["loc"])
    match first["type"]:
        case kind if kind == INVALID:
            return InvalidParameter(f"{path} {first['msg']}", param=path)
        case kind if kind == UNSUPPORTED:
            return UnsupportedContent(f"{path} {first['msg']}", param=path)
        case "missing":
            return InvalidParameter(f"{path} is missing.", param=path)
        case "union_tag_invalid" | "union_tag_not_found":
            return _unknown_kind(path, first["ctx"])
    return InvalidParameter(f"{path} must be an object.", param=path)


def _unknown_kind(path: str, context: Mapping[str, Any]) -> RequestRefused:
    """Refuse an object whose `role` or `type` names no form of it that we know, or none that may stand here."""
    named = context["discriminator"].strip("'")
    field = "type" if named.endswith("()") else named
    kind = context.get("tag")
    if field == "type" and path.endswith("]") and kind in UNSUPPORTED_PARTS:
        return UnsupportedContent(
            f"{path}: no model here takes {kind} parts; send text or pictures.", param=path
        )
    path = f"{path}.{field}"
    if kind is None:
        return InvalidParameter(f"{path} is missing.", param=path)
    expected = context["expected_tags"].replace("'", "")
    return InvalidParameter(f"{path} must be one of {expected}.", param=path)


def _path(location: tuple[int | str, ...]) -> str:
    """Write a location as OpenAI does: `messages[0].content`, without pydantic's names of union members."""
    path = ""
    name: int | str = ""
    is_member = False
    for piece in location:
        if isinstance(piece, int):
            path += f"[{piece}]"
            is_member = name in _TAGGED_LISTS
        elif is_member:
            is_member = False
        else:
            path += f".{piece}" if path else piece
            name = piece
            is_member = name in _TAGGED_FIELDS
    return path
