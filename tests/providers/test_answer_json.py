"""Halves of a character that two texts of an answer part."""

import orjson
import pytest

from gateway.providers._shared.answer_json import AnswerJSON, read_answer_json
from gateway.providers._shared.server_sent_events import EventLines

WAVE = (rb"\ud83d", rb"\udc4b")
FIRST, SECOND = WAVE


def test_a_parted_character_comes_with_its_second_half() -> None:
    answer = AnswerJSON()
    assert answer.read(b'{"content":"' + rb"\u0430" + FIRST + b'"}') == {"content": "а"}
    assert answer.read(b'{"usage":null}') == {"usage": None}
    assert answer.read(b'{"content":"' + SECOND + rb"\u0431" + b'"}') == {"content": "👋б"}


def test_every_character_may_be_parted() -> None:
    answer = AnswerJSON()
    pieces = [b'"' + FIRST + b'"', b'"' + SECOND + FIRST + b'"', b'"' + SECOND + b'"']
    assert "".join(map(answer.read, pieces)) == "👋👋"


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (FIRST, ""),
        (SECOND + b"!", "\ufffd!"),
        (FIRST + b"!", "\ufffd!"),
        (b"a" + SECOND, "a\ufffd"),
        (FIRST + FIRST + SECOND, "\ufffd👋"),
        (FIRST + SECOND + FIRST, "👋"),
        (rb"\"" + SECOND, '"\ufffd'),
        (rb"\\ud83d" + FIRST, "\\ud83d"),
        (FIRST + rb"\n", "\ufffd\n"),
    ],
)
def test_a_half_that_never_meets_the_other_spoils_nothing_else(written: bytes, text: str) -> None:
    assert read_answer_json(b'{"a":"' + written + b'","b":1}') == {"a": text, "b": 1}


def test_half_a_character_kept_belongs_to_the_beginning_of_a_text() -> None:
    answer = AnswerJSON()
    answer.read(b'"' + FIRST + b'"')
    assert answer.read(rb'"\"' + SECOND + b'"') == '"\ufffd'


@pytest.mark.parametrize("data", [b"", b"<html>", b'"' + FIRST, b'"\xff"', rb'"\uZZZZ"'])
def test_what_is_no_json_is_none(data: bytes) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        read_answer_json(data)


def test_events_of_a_stream_part_characters_too() -> None:
    lines = EventLines()
    first = lines.take(b'data: {"content":"' + FIRST + b'"}')
    second = lines.take(b'data: {"content":"' + SECOND + b'"}')
    assert first is not None
    assert second is not None
    assert [first.value, second.value] == [{"content": ""}, {"content": "👋"}]


def test_a_byte_order_mark_before_a_text_is_no_part_of_it() -> None:
    assert read_answer_json(b'\xef\xbb\xbf{"content":"a"}') == {"content": "a"}
