"""Every Python example of the documents, run as a reader runs it, prints what the page says."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.documents import PAGES, read
from tests.live.reader import Reader
from tests.live.service import Service

ADDRESS = "http://localhost:8000"
KEY = "YOUR_KEY"
BETWEEN = "\x1e"

WITH_PYTHON = [path for path in PAGES if read(path).examples]
WITH_ADDRESSES = [
    (path, link) for path in PAGES for link in read(path).links if link.startswith(ADDRESS)
]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with closing(Reader(tmp_path_factory.mktemp("reader"))) as reader:
        yield reader


@pytest.mark.parametrize("path", WITH_PYTHON, ids=str)
def test_the_examples_of_a_page_print_what_it_says(path, service: Service, reader: Reader):
    examples = read(path).examples
    program = f"print({BETWEEN!r}, end='')\n".join(example.code for example in examples)
    program = program.replace(ADDRESS, service.url).replace(KEY, service.fresh_key())
    done = reader.run(program)
    assert done.status == 0, done.errors
    printed = done.output.split(BETWEEN)
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
