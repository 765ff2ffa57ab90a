"""The table of machines by load follows from docs/performance.md, by the rule that stands below it."""

import math
import re

import pytest

from tests.documents import read

LOAD, MEAN, STREAMS, CHUNKS = 0.5, 1 / 3, 0.5, 200
HOURS, ROUBLES_A_CORE_HOUR, CORES_A_MACHINE, STORE_CORES = 730, 2.5, 4, 4


def measured(title: str, column: str) -> float:
    """Return XRouter's figure of a column of a table of measurements."""
    table = read("docs/performance.md").text.partition(f"<!-- {title} -->")[2]
    head = next(line for line in table.splitlines() if line.startswith("|  |"))
    row = next(line for line in table.splitlines() if line.startswith("| xrouter |"))
    cells = [cell.strip() for cell in head.split("|")]
    return float(row.split("|")[cells.index(column)])


REQUEST_US = measured("plain", "CPU µs/request")
STORES_US = measured("plain", "PostgreSQL µs") + measured("plain", "Redis µs")
CHUNK_US = measured("streams", "CPU µs/chunk")


@pytest.mark.parametrize("page", ["docs/deployment.md", "docs/en/deployment.md"])
def test_every_row_follows_from_the_measurements(page: str) -> None:
    text = read(page).text
    rows = re.findall(r"^\| ([\d ,]+) \| (\d+) \| (\d+) × (\d+) \| (.*) \|$", text, re.MULTILINE)
    assert len(rows) == 4
    for peak_text, cores_text, machines, each, rest in rows:
        peak, cores = number(peak_text), int(cores_text)
        stores, *figures = rest.split(" | ")
        total, millions, roubles, roubles_a_million = map(number, figures)
        assert cores == math.ceil(peak * (REQUEST_US + STREAMS * CHUNKS * CHUNK_US) / 1e6 / LOAD)
        if stores == "—":
            assert (int(machines), total) == (1, int(each))
        else:
            assert (stores, int(each)) == ("2 × 2", CORES_A_MACHINE)
            assert int(machines) == math.ceil(cores / CORES_A_MACHINE) + 1
            assert total == int(machines) * CORES_A_MACHINE + STORE_CORES
        assert peak * STORES_US / 1e6 / LOAD < 2
        assert millions == round(peak * MEAN * HOURS * 3600 / 1e6)
        assert roubles == total * HOURS * ROUBLES_A_CORE_HOUR
        assert roubles_a_million == round(roubles / (peak * MEAN * HOURS * 3600 / 1e6))


@pytest.mark.parametrize("page", ["docs/deployment.md", "docs/en/deployment.md"])
def test_the_figures_it_is_computed_from_are_named(page: str) -> None:
    text = read(page).text
    postgres, redis = measured("plain", "PostgreSQL µs"), measured("plain", "Redis µs")
    for figure in (REQUEST_US, postgres, redis, CHUNK_US):
        assert re.search(rf"\b{figure:.0f}\b", text), figure
    streams_at_once = round(LOAD * 1e6 / CHUNK_US / 20, -1)
    assert f"{streams_at_once:.0f}" in text
    cores_without_streams = math.ceil(2000 * REQUEST_US / 1e6 / LOAD)
    assert re.search(rf"\b{cores_without_streams} (cores|ядер|ядра)\b", text)
    assert f"{2000 * STORES_US / 1e6 / LOAD:.2f}" in text.replace(",", ".")


def number(text: str) -> int:
    return int(re.sub(r"[ ,]", "", text))
