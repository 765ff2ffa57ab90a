"""Every Python example of the documents, run as a reader runs it, prints what the page says."""

import os
import subprocess
import sys

import pytest

from tests.documents import PAGES, read
from tests.live.service import Service

ADDRESS = "http://localhost:8000"
KEY = "YOUR_KEY"
BETWEEN = "\x1e"
GIVE_UP_S = 120

WITH_PYTHON = [path for path in PAGES if read(path).examples]
WITH_ADDRESSES = [
    (path, link) for path in PAGES for link in read(path).links if link.startswith(ADDRESS)
]


@pytest.mark.parametrize("path", WITH_PYTHON, ids=str)
def test_the_examples_of_a_page_print_what_it_says(path, service: Service):
    examples = read(path).examples
    program = f"print({BETWEEN!r}, end='')\n".join(example.code for example in examples)
    program = program.replace(ADDRESS, service.url).replace(KEY, service.fresh_key())
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        env={"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"},
        text=True,
        encoding="utf-8",
        timeout=GIVE_UP_S,
    )
    assert done.returncode == 0, done.stderr
    printed = done.stdout.split(BETWEEN)
    assert len(printed) == len(examples)
    for example, output in zip(examples, printed, strict=True):
        if example.printed is not None:
            assert output == example.printed


@pytest.mark.parametrize(("path", "link"), WITH_ADDRESSES, ids=str)
def test_an_address_of_the_service_answers(path, link, service: Service):
    with service.http() as client:
        assert client.get(link.removeprefix(ADDRESS)).status_code == 200


def test_both_readmes_show_python():
    assert {"README.md", "README.ru.md"} <= {str(path) for path in WITH_PYTHON}
