"""Hostile bodies: each is a clear refusal, none is a crash."""

import io
from typing import Any

import pytest
from django.test import RequestFactory
from gunicorn.http.errors import InvalidChunkSize

from gateway.api.body import read_object
from gateway.api.errors import BadRequest


def _read(body: bytes, content_type: str = "application/json", **headers: str) -> dict[str, Any]:
    request = RequestFactory().generic(
        "POST", "/v1/chat/completions", body, content_type=content_type, headers=headers
    )
    return read_object(request)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"a": 1', "invalid_json"),
        (b'{"a": 1} x', "invalid_json"),
        (b"", "invalid_json"),
        (b"   ", "invalid_json"),
        (b"{} {}", "invalid_json"),
        (b"[" * 100_000, "invalid_json"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "invalid_json"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, "invalid_json"),
        (b'{"a": NaN}', "invalid_json"),
        (b'{"a": Infinity}', "invalid_json"),
        (b'{"a": 1e999}', "invalid_parameter"),
        (b'{"a": ' + b"9" * 5000 + b"}", "invalid_parameter"),
        (b'{"a": "\xff\xfe"}', "invalid_json"),
        (rb'{"a": "\ud800"}', "invalid_parameter"),
        (rb'{"a": ["\u0000"]}', "invalid_parameter"),
        (rb'{"a": {"\u0000": 1}}', "invalid_parameter"),
        (b"[]", "invalid_request"),
        (b"null", "invalid_request"),
        (b'"text"', "invalid_request"),
        (b"12", "invalid_request"),
    ],
)
def test_a_malformed_body_is_a_400(body: bytes, code: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        _read(body)

    assert (refusal.value.status, refusal.value.code) == (400, code)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"a":\n 1e999}', "The number at line 2, column 2 is too large."),
        (b'{"a":' + b"9" * 5000 + b"}", "The number at line 1, column 6 is too large."),
        (rb'{"a":"\ud800"}', "The text at line 1, column 7 has half of a surrogate pair."),
        (rb'{"a":"\udc00"}', "The text at line 1, column 7 has half of a surrogate pair."),
        (b'{"a":"\xff"}', "The body is not UTF-8."),
        (b"\xff\xfe{\0}\0", "The body is not UTF-8."),
        ('{"a":"я"}'.encode("cp1251"), "The body is not UTF-8."),
    ],
)
def test_a_body_is_told_what_is_wrong_with_it(body: bytes, words: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        _read(body)

    assert refusal.value.message == words


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/json; charset=utf-7",
        "application/json; charset=bogus",
        "application/json; charset=rot13",
    ],
)
def test_a_body_that_is_not_json_in_utf_8_is_a_415(content_type: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        _read(b"{}", content_type)

    assert (refusal.value.status, refusal.value.code) == (415, "unsupported_media_type")


def test_a_compressed_body_is_a_415() -> None:
    with pytest.raises(BadRequest) as refusal:
        _read(b"{}", **{"Content-Encoding": "gzip"})

    assert refusal.value.status == 415


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "application/json; charset=UTF-8", "Application/JSON"]
)
def test_json_is_read_and_no_content_type_counts_as_json(content_type: str) -> None:
    assert _read('{"a": "я"}'.encode(), content_type) == {"a": "я"}


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    assert _read(rb'{"a": "\\u0000"}') == {"a": r"\u0000"}


@pytest.mark.parametrize("field", ["messages", "input", "prompt", "system", "instructions"])
def test_a_nul_within_a_dialogue_is_dropped(field: str) -> None:
    said = rb'[{"role": "tool", "tool_call_id": "a\u0000b", "content": "ELF\u0000\u0000bin"}, ["\u0000"]]'
    body = b'{"model": "m", "%s": %s}' % (field.encode(), said)

    assert _read(body) == {
        "model": "m",
        field: [{"role": "tool", "tool_call_id": "ab", "content": "ELFbin"}, [""]],
    }
    assert _read(rb'{"%s": "a\u0000b"}' % field.encode()) == {field: "ab"}
    assert _read(rb'{"%s": {"a\u0000b": 1, "c": null}}' % field.encode()) == {
        field: {"ab": 1, "c": None}
    }


@pytest.mark.parametrize("field", ["messages", "input", "system", "tools", "response_format"])
def test_a_whole_number_within_a_dialogue_or_a_schema_keeps_its_digits(field: str) -> None:
    said = [{"input": {"account": 40817810099910004312, "debt": -(10**19)}}]
    body = f'{{"model": "m", "{field}": {said}, "seed": 40817810099910004312}}'.replace("'", '"')

    assert _read(body.encode()) == {"model": "m", field: said, "seed": 4.081781009991e19}


@pytest.mark.parametrize(
    "field",
    [
        rb'"metadata": {"a": "\u0000"}',
        rb'"user": "\u0000"',
        rb'"session_id": "\u0000"',
        rb'"\u0000": 1',
        rb'"a": {"messages": "\u0000"}',
    ],
)
def test_a_nul_beside_the_dialogue_is_refused(field: bytes) -> None:
    with pytest.raises(BadRequest) as refusal:
        _read(rb'{"messages": [{"role": "user", "content": "\u0000"}], %s}' % field)

    assert refusal.value.code == "invalid_parameter"


def test_a_body_over_the_limit_is_a_413(settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10

    with pytest.raises(BadRequest) as refusal:
        _read(b'{"a": "0123456789"}')

    assert (refusal.value.status, refusal.value.code) == (413, "request_too_large")


def _chunked(body: bytes) -> dict[str, Any]:
    request = RequestFactory().post("/v1/chat/completions", content_type="application/json")
    del request.META["CONTENT_LENGTH"]
    request.META |= {"wsgi.input_terminated": True, "wsgi.input": io.BytesIO(body)}
    return read_object(request)


def test_a_chunked_body_without_a_length_is_read_whole() -> None:
    assert _chunked(b'{"a": 1}') == {"a": 1}


def test_a_chunked_body_over_the_limit_is_a_413(settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10

    with pytest.raises(BadRequest) as refusal:
        _chunked(b'{"a": "0123456789"}')

    assert refusal.value.status == 413


def test_a_body_shorter_than_its_length_is_a_400() -> None:
    request = RequestFactory().post("/v1/x", content_type="application/json")
    request.META |= {"CONTENT_LENGTH": "100", "wsgi.input": io.BytesIO(b'{"a": 1}')}

    with pytest.raises(BadRequest) as refusal:
        read_object(request)

    assert refusal.value.status == 400


def test_a_byte_order_mark_before_the_body_is_no_part_of_it() -> None:
    assert _read(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


class _BadChunks(io.BytesIO):
    def read(self, size: int | None = None) -> bytes:
        raise InvalidChunkSize(b"xyz")


def test_a_bad_size_of_a_chunk_is_a_400() -> None:
    request = RequestFactory().post("/v1/chat/completions", content_type="application/json")
    request.META["CONTENT_LENGTH"] = ""
    request.META["wsgi.input_terminated"] = True
    request.META["wsgi.input"] = _BadChunks()

    with pytest.raises(BadRequest) as refusal:
        read_object(request)

    assert (refusal.value.status, refusal.value.code) == (400, "invalid_request")
