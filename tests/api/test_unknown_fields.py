"""The header that names what is not as the caller asked."""

from django.http import HttpResponse

from gateway.api.schema.unknown_fields import (
    ADAPTED_HEADER,
    ADAPTED_HEADER_MAX_BYTES,
    name_changes,
)


def header(changes: list[str]) -> str | None:
    response = HttpResponse()
    name_changes(response, changes)
    return response.headers.get(ADAPTED_HEADER)


def test_changes_are_named_in_order() -> None:
    assert header(["temperature=clamped", "provider.zip=ignored"]) == (
        "temperature=clamped, provider.zip=ignored"
    )


def test_without_a_change_there_is_no_header() -> None:
    assert header([]) is None


def test_the_header_ends_after_the_last_change_that_has_room() -> None:
    changes = [f"tools[{number}].function.foo=ignored" for number in range(128)]

    value = header(changes)

    assert value is not None
    named = value.split(", ")
    assert named == changes[: len(named)]
    assert len(value) <= ADAPTED_HEADER_MAX_BYTES < len(value) + len(changes[0]) + 4


def test_what_no_header_may_hold_is_replaced() -> None:
    assert header(["а\r\nSet-Cookie: b=ignored"]) == "???Set-Cookie: b=ignored"
