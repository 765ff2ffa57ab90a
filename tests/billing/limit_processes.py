"""Processes of callers: started, let go at once, and asked what they were admitted."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator

HANG_S = 60


@contextlib.contextmanager
def callers(
    processes: int, mode: str, threads: int, argument: str, **environment: str
) -> Iterator[list[subprocess.Popen[str]]]:
    """Start processes of callers and yield them when all are ready."""
    command = [sys.executable, "-m", "tests.billing.limit_callers", mode, str(threads), argument]
    running = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )
        for _ in range(processes)
    ]
    try:
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        yield running
    finally:
        for process in running:
            process.kill()
            process.communicate()


def stamps_of(running: list[subprocess.Popen[str]]) -> list[int]:
    """Let all begin at once and return the stamps of what they were admitted."""
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return sorted(
        stamp for process in running for stamp in json.loads(process.communicate(timeout=HANG_S)[0])
    )
