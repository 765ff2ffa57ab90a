"""A short run of the chaos bench: the long ones are started by hand, seed by seed."""

import subprocess
import sys

import pytest

from tests.live.service import ROOT

CHAOS = ("-m", "bench.chaos", "--workers", "2", "--callers", "16", "--restarts", "1")


@pytest.mark.postgres
def test_the_books_add_up_after_chaos() -> None:
    done = subprocess.run(
        [sys.executable, *CHAOS, "--seed", "20", "--requests", "300", "--seconds", "60"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "checked: every payment is credited once" in done.stdout
