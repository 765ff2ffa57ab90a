"""Bounds of JSON: what is counted piece by piece is what a reader of the whole would count."""

import json
import random
from typing import Any

import pytest

from gateway.api.errors import BadRequest
from gateway.api.json_bounds import MAX_DEPTH, MAX_VALUES, JSONBounds

HEART = ['"', "\\", "[", "]", "{", "}", ",", ":", "я", " ", "a"]


def _fed(text: bytes, piece: int) -> JSONBounds:
    bounds = JSONBounds()
    for at in range(0, len(text), piece):
        bounds.feed(text[at : at + piece])
    return bounds


def _members(value: Any) -> int:
    inside = list(value.values() if isinstance(value, dict) else value)
    return len(inside) + sum(_members(item) for item in inside if isinstance(item, dict | list))


def _document(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.randrange(5 if depth else 2)
    if kind == 4 or depth > 5:
        return "".join(chance.choices(HEART, k=chance.randrange(6)))
    if kind > 1:
        return chance.choice([None, True, 1.5, -7, ""])
    several = range(chance.randrange(4))
    if kind == 1:
        return [_document(chance, depth + 1) for _ in several]
    return {f"{HEART[item]}{item}": _document(chance, depth + 1) for item in several}


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("indent", [None, 1])
def test_values_are_counted_as_they_are_however_the_text_is_cut(piece: int, indent: Any) -> None:
    chance = random.Random(12)
    for _ in range(200):
        document = _document(chance)
        text = json.dumps(document, ensure_ascii=False, indent=indent).encode()
        bounds = _fed(text, piece)
        assert (bounds.values, bounds.depth) == (_members(document), 0), text


@pytest.mark.parametrize("member", [b"[]", b"1", b'""', b'{"a":[]}', b'"[,{"'])
def test_a_text_of_too_many_values_is_refused(member: bytes) -> None:
    most = MAX_VALUES // (2 if b":" in member else 1)
    _fed(b"[" + b",".join([member] * most) + b"]", 65_536)
    with pytest.raises(BadRequest) as refusal:
        _fed(b"[" + b",".join([member] * (most + 1)) + b"]", 65_536)
    assert (refusal.value.status, refusal.value.code) == (400, "invalid_json")


@pytest.mark.parametrize("pair", [(b"[", b"]"), (b'{"a":', b"}")])
def test_a_text_that_is_too_deep_is_refused(pair: tuple[bytes, bytes]) -> None:
    opening, closing = pair
    _fed(opening * MAX_DEPTH + b"1" + closing * MAX_DEPTH, 10)
    with pytest.raises(BadRequest):
        _fed(opening * (MAX_DEPTH + 1), 10)


@pytest.mark.parametrize("text", [b"[]" * 200_000, b"]" * 200_000, b'""' * 300_000])
def test_what_is_no_json_is_not_counted_for_long(text: bytes) -> None:
    with pytest.raises(BadRequest):
        _fed(text, 65_536)


@pytest.mark.parametrize("text", [b'"' + b"," * 200_000 + b'"', b'"' + b'\\"[' * 70_000 + b'"'])
def test_what_stands_in_a_text_is_no_structure(text: bytes) -> None:
    assert _fed(text, 65_536).values == 0
