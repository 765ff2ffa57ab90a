"""Celery's processes log as the service does: each line is one object of JSON, without a banner."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from celery import Celery

from tests.servers import PROJECT

pytestmark = pytest.mark.postgres


def _process(*arguments: str, redis_url: str, tmp_path: Path) -> subprocess.Popen[str]:
    # In a folder that is not there yet, as `var` is in a fresh checkout.
    schedule = ["--schedule", str(tmp_path / "var/beat")] if arguments[0] == "beat" else []
    variables = {
        "CELERY_BROKER_URL": redis_url,
        "DJANGO_SETTINGS_MODULE": "xrouter_site.settings",
        "PYTHONPATH": str(tmp_path),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "xrouter_site", *arguments, *schedule],
        cwd=PROJECT,
        env=os.environ | variables,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


@pytest.mark.parametrize("arguments", [("worker", "--pool", "solo"), ("beat",)])
def test_every_line_is_json(arguments: tuple[str, ...], redis_url: str, tmp_path: Path):
    with _process(*arguments, redis_url=redis_url, tmp_path=tmp_path) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.terminate()
        lines = [first, *process.stdout.read().splitlines()]
    for line in lines:
        assert {"time", "level", "message"} <= json.loads(line).keys()


def test_a_database_that_is_away_is_one_line(
    monkeypatch: pytest.MonkeyPatch, redis_url: str, tmp_path: Path
):
    monkeypatch.setenv("DATABASE_URL", "postgres://postgres@/none?host=/nowhere")
    with Celery(broker=redis_url) as sender:
        for _ in range(2):
            sender.send_task("billing.tasks.aggregate_usage")
    errors, ended = [], 0
    with _process("worker", "--pool", "solo", redis_url=redis_url, tmp_path=tmp_path) as process:
        assert process.stdout is not None
        while ended < 2:
            entry = json.loads(process.stdout.readline())
            if entry["level"] == "ERROR":
                errors.append(entry["message"].partition(":")[0])
            ended += "aggregate_usage[" in entry["message"] and "received" not in entry["message"]
        process.terminate()
        process.stdout.read()
    assert errors == ["The database is away"]


def test_beat_stopped_while_it_loads_its_schedule_ends_without_a_word(
    redis_url: str, tmp_path: Path
):
    (tmp_path / "stopped.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGTERM)")
    scheduler = ("--scheduler", "stopped:Scheduler")
    with _process("beat", *scheduler, redis_url=redis_url, tmp_path=tmp_path) as process:
        assert process.stdout is not None
        [line] = process.stdout.read().splitlines()
    assert json.loads(line)["message"] == "beat: Starting..."
    assert process.returncode == 0


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
