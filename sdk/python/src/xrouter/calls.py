"""XRouter's own calls as values: where each goes, what it sends, and how its answer is read."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote, urlencode

from pydantic import TypeAdapter

from xrouter.answers import ActivityRow, Credits, Generation, Key, NewKey, Plan, RotatedKey
from xrouter.details import details

Data = TypeVar("Data")
Method = Literal["get", "post", "put", "patch", "delete"]
JSONObject = Mapping[str, Any]

_ROWS = TypeAdapter(list[ActivityRow])
_KEYS = TypeAdapter(list[Key])
_NAMES = TypeAdapter(dict[str, str])


@dataclass(frozen=True, slots=True)
class Call(Generic[Data]):
    """One request; `read` makes the answer of its JSON, in which numbers with a fraction are Decimal."""

    method: Method
    path: str
    read: Callable[[Any], Data]
    body: JSONObject | None = None

    def answer(self, text: str) -> Data:
        return self.read(json.loads(text, parse_float=Decimal))


def generation(of: object) -> Call[Generation]:
    """Look up a request by its id, its answer or its stream."""
    identity = of if isinstance(of, str) else details(of).generation_id
    if not identity:
        raise ValueError("Nothing was generated for this answer.")
    path = _with_query("/generation", {"id": identity})
    return Call("get", path, lambda found: Generation.model_validate(found["data"]))


def read_credits() -> Call[Credits]:
    return Call("get", "/credits", lambda found: Credits.model_validate(found["data"]))


def activity(since: date | None, until: date | None) -> Call[list[ActivityRow]]:
    path = _with_query("/activity", {"since": since, "until": until})
    return Call("get", path, lambda found: _ROWS.validate_python(found["data"]))


def plan(chat: JSONObject) -> Call[Plan]:
    return Call("post", "/plan", lambda found: Plan.model_validate(found["data"]), chat)


def get_model_map() -> Call[dict[str, str]]:
    return Call("get", "/model_map", _read_names)


def put_model_map(names: Mapping[str, str]) -> Call[dict[str, str]]:
    return Call("put", "/model_map", _read_names, {"data": dict(names)})


def create_key(settings: JSONObject) -> Call[NewKey]:
    return Call("post", "/keys", NewKey.model_validate, settings)


def list_keys(offset: int, include_disabled: bool) -> Call[list[Key]]:
    query = {"offset": offset, "include_disabled": str(include_disabled).lower()}
    path = _with_query("/keys", query)
    return Call("get", path, lambda found: _KEYS.validate_python(found["data"]))


def get_key(key_hash: str) -> Call[Key]:
    return Call("get", _key_path(key_hash), _read_key)


def change_key(key_hash: str, settings: JSONObject) -> Call[Key]:
    return Call("patch", _key_path(key_hash), _read_key, settings)


def rotate_key(key_hash: str, overlap_seconds: int) -> Call[RotatedKey]:
    path, body = f"{_key_path(key_hash)}/rotate", {"overlap_seconds": overlap_seconds}
    return Call("post", path, RotatedKey.model_validate, body)


def revoke_key(key_hash: str) -> Call[None]:
    return Call("delete", _key_path(key_hash), lambda _: None)


def _read_key(found: Any) -> Key:
    return Key.model_validate(found["data"])


def _read_names(found: Any) -> dict[str, str]:
    return _NAMES.validate_python(found["data"])


def _key_path(key_hash: str) -> str:
    return f"/keys/{quote(key_hash, safe='')}"


def _with_query(path: str, fields: Mapping[str, object]) -> str:
    given = {name: str(value) for name, value in fields.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path
