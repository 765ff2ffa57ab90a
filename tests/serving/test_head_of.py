"""What a worker takes for one whole request, and for the head of one that it refused before."""

import pytest

from xrouter_site.gunicorn_workers import head_of

LINE = b"POST /v1/chat/completions HTTP/1.1\r\n"


def test_requests_differ_in_what_a_refusal_depends_on_alone() -> None:
    one = LINE + b"Host: a\r\nAuthorization: Bearer 1\r\nContent-Length: 2\r\n\r\n{}"
    other = LINE + b"Host: a\r\nauthorization: Bearer 22\r\ncontent-length: 3\r\n\r\n{ }"
    assert head_of(one) == head_of(other) == LINE + b"Host: a"
    for line in (b"Origin: https://a", b"Expect: 100-continue", b"X-Request-ID: 7"):
        with_line = LINE + line + b"\r\nContent-Length: 0\r\n\r\n"
        assert head_of(with_line) == LINE + line


@pytest.mark.parametrize(
    "data",
    [
        b"",
        LINE,
        LINE + b"Content-Length: 2\r\n",
        LINE + b"Content-Length: 2\r\n\r\n{",
        LINE + b"Content-Length: 2\r\n\r\n{}" + LINE,
        LINE + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        LINE + b"Content-Length: 2\r\nX: a\ncontent-length: 0\r\n\r\n{}",
        LINE + b"Content-Length: +2\r\n\r\n{}",
        LINE + b"X: a\r\n Content-Length: 2\r\n\r\n{}",
        LINE + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_what_is_not_one_whole_request_of_a_plain_length_is_left_to_the_parser(data: bytes) -> None:
    assert head_of(data) == b""


def test_a_line_with_unusual_bytes_is_no_line_that_varies() -> None:
    data = LINE + b"Authorization: Bearer \x00\r\nContent-Length: 0\r\n\r\n"
    assert b"\x00" in head_of(data)


@pytest.mark.parametrize("length", [b"5, 6", b"x", b"+2", b"  0", b""])
def test_a_second_length_makes_another_head(length: bytes) -> None:
    plain = LINE + b"Content-Length: 2\r\n\r\n{}"
    assert head_of(
        plain.replace(b"\r\n\r\n", b"\r\nContent-Length: " + length + b"\r\n\r\n")
    ) not in (
        b"",
        head_of(plain),
    )
