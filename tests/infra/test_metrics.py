"""The files in which workers count, as a scrape finds them."""

import pathlib

import pytest

from infra import metrics


def test_a_file_that_a_new_worker_has_only_just_made_ends_no_scrape(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    for name in ("counter_7.db", "gauge_livesum_7.db"):
        (tmp_path / name).touch()
    assert "xrouter_capacity" in {found.name for found in metrics._AllWorkers().collect()}
