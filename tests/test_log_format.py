"""Each record of a log is one line of JSON, whatever stands in it."""

import json
import logging

import pytest

from xrouter_site.log_format import JSONLines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb", "a\nb"),
        ("of a file \udcff", "of a file ?"),
        ("key xr-live-0aZ", "key xr-live-[redacted]"),
        ("\ud800 xr-live-0aZ", "? xr-live-[redacted]"),
    ],
)
def test_a_record_is_one_line(text, shown):
    record = logging.LogRecord("tests", logging.WARNING, __file__, 1, "%s", (text,), None)
    line = JSONLines().format(record)
    assert "\n" not in line
    assert json.loads(line)["message"] == shown
