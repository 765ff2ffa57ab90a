"""Celery's processes log as the service does: each line is one object of JSON, without a banner."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import PROJECT

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("arguments", [("worker", "--pool", "solo"), ("beat",)])
def test_every_line_is_json(arguments: tuple[str, ...], redis_url: str, tmp_path: Path):
    # In a folder that is not there yet, as `var` is in a fresh checkout.
    schedule = ["--schedule", str(tmp_path / "var/beat")] if arguments[0] == "beat" else []
    with subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "xrouter_site", *arguments, *schedule],
        cwd=PROJECT,
        env=os.environ | {"CELERY_BROKER_URL": redis_url, "DJANGO_SETTINGS_MODULE": "xrouter_site.settings"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        first = process.stdout.readline()
        process.terminate()
        lines = [first, *process.stdout.read().splitlines()]
    for line in lines:
        assert {"time", "level", "message"} <= json.loads(line).keys()


@pytest.mark.parametrize("part", ["worker", "beat"])
def test_without_a_broker_it_says_so_in_one_line(part: str):
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "xrouter_site.settings"}
    for name in ("CELERY_BROKER_URL", "REDIS_URL"):
        environment.pop(name, None)
    ended = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "xrouter_site", part],
        cwd=PROJECT, env=environment, text=True, capture_output=True, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    assert line.startswith("CELERY_BROKER_URL is unset")
