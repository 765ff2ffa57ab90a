"""Frames of events are whole for every reader of lines."""

import orjson
import pytest

from gateway.api.sse import frame


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\u0085"])
def test_no_sign_that_ends_a_line_elsewhere_stands_raw_in_an_event(sign: str) -> None:
    document = {"text": f"раз{sign}два", "more": "…\x1c«»"}

    written = frame(orjson.dumps(document))

    assert written.decode().splitlines() == [written.decode().removesuffix("\n\n"), ""]
    assert orjson.loads(written.removeprefix(b"data: ")) == document


def test_other_text_is_written_as_it_is() -> None:
    assert frame('{"a":"Привет"}'.encode()) == 'data: {"a":"Привет"}\n\n'.encode()
