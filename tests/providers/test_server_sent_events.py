"""Lines of an event stream -> the JSON of its events."""

from typing import Any

import pytest

from gateway.providers._shared.server_sent_events import DONE, EventLines, ServerSentEvent


def events(text: str) -> list[Any]:
    lines = EventLines()
    found = [lines.take(line.encode()) for line in text.split("\n")]
    found.append(lines.end())
    return [event.value for event in found if event is not None]


def test_an_event_is_there_with_its_data_line() -> None:
    assert EventLines().take(b'data: {"a": 1}') == ServerSentEvent({"a": 1})


@pytest.mark.parametrize("data", ["data:{}", "data: {}", "data:  {} "])
def test_blanks_around_data_do_not_matter(data: str) -> None:
    assert events(data) == [{}]


def test_data_over_several_lines_is_one_event() -> None:
    assert events('data: {"a":\ndata: "б",\ndata: "c": 1}\n\ndata: {}\n\n') == [
        {"a": "б", "c": 1},
        {},
    ]


def test_the_last_event_may_lack_its_end() -> None:
    assert events('data: {"a":\ndata: 1}') == [{"a": 1}]


def test_events_may_be_ended_by_one_line_end() -> None:
    assert events('data: {"a": 1}\ndata: {"a": 2}\n') == [{"a": 1}, {"a": 2}]


def test_comments_and_other_fields_say_nothing() -> None:
    text = ": keep-alive\n\nevent: chunk\nid: 7\nretry: 10\ndata: {}\n\n:data: {}\ndatum: {}\ndata"
    assert events(text) == [{}]


def test_a_byte_order_mark_before_the_first_line_is_no_part_of_it() -> None:
    assert events('\ufeffdata: {"a": 1}\n\ndata: {"a": 2}\n\n') == [{"a": 1}, {"a": 2}]


def test_a_name_belongs_to_no_later_event() -> None:
    lines = EventLines()
    assert lines.take(b"data: 1") == ServerSentEvent(1)
    for line in (b"event: first", b""):
        assert lines.take(line) is None
    assert lines.take(b"data: 2") == ServerSentEvent(2)


def test_empty_data_says_nothing() -> None:
    assert events("data:\n\ndata: \n\ndata: {}\n\n") == [{}]


def test_the_mark_of_the_end_is_told_from_a_text() -> None:
    lines = EventLines()
    assert lines.take(b"data: [DONE]") is DONE
    assert lines.take(b'data: "[DONE]"') is not DONE


@pytest.mark.parametrize("data", [b"data: <html>", b'data: {"a"', b'data: "\xff"', b"data: {}{}"])
def test_what_is_no_json_is_known_at_the_end_of_its_event(data: bytes) -> None:
    lines = EventLines()
    assert lines.take(data) is None
    with pytest.raises(ValueError, match=r"."):
        lines.take(b"")
