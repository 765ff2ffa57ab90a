"""Processes of a bench: started on a core of their own, and the CPU time of a whole tree of them."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence

import psycopg
import redis

TICK_US = 1_000_000 / os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "xrouter-bench"
"""What is built and installed for benches; nothing of it lies in the project."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def process(
    command: Sequence[str | pathlib.Path],
    *,
    core: str,
    environment: Mapping[str, str] | None = None,
    folder: pathlib.Path | None = None,
    log: str,
) -> Iterator[int]:
    """Run a command on a core, or on some as "0,1"; yield its process id, and end it with all its children."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{log}.run.log").open("wb") as output:
        running = subprocess.Popen(
            ["taskset", "-c", core, *command],
            env=dict(environment or os.environ),
            cwd=folder,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield running.pid
    finally:
        running.terminate()
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()


def wait_for(port: int, path: str, name: str, *, most_s: float = 90) -> None:
    """Wait until something answers there, whatever it says."""
    give_up_s = time.monotonic() + most_s
    while time.monotonic() < give_up_s:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{name} does not answer on port {port}: see {CACHE}/{name}.run.log")


def tree(root: int) -> list[int]:
    """Return a process and its descendants."""
    parents: dict[int, list[int]] = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # it may have ended just now
                parents.setdefault(int(_fields(int(entry.name))[1]), []).append(int(entry.name))
    found = [root]
    for member in found:
        found += parents.get(member, [])
    return found


def cpu_us(root: int) -> float:
    """Return the CPU time of a tree, with that of its children that have ended."""
    ticks = 0
    for member in tree(root):
        with contextlib.suppress(OSError):
            fields = _fields(member)
            ticks += sum(map(int, fields[11:15] if member == root else fields[11:13]))
    return ticks * TICK_US


def resident_mb(root: int) -> float:
    """Return the memory of the largest process of a tree."""
    most = 0
    for member in tree(root):
        with contextlib.suppress(OSError):
            pages = pathlib.Path(f"/proc/{member}/statm").read_text().split()[1]
            most = max(most, int(pages) * PAGE_BYTES)
    return most / 1e6


def _fields(process_id: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on: the name before may hold anything."""
    return pathlib.Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()


def pid_of_postgres(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
        assert row is not None
        return int((pathlib.Path(row[0]) / "postmaster.pid").read_text().split()[0])


def pid_of_redis(url: str) -> int:
    with redis.Redis.from_url(url) as client:
        return int(client.info("server")["process_id"])


def pin(root: int, core: int) -> None:
    """Keep a tree that runs already, and what it will start, on a core."""
    for member in tree(root):
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(member, {core})


def built_upstream() -> pathlib.Path:
    """Compile the canned upstream."""
    CACHE.mkdir(parents=True, exist_ok=True)
    source = pathlib.Path(__file__).parent / "upstream.c"
    program = CACHE / "upstream"
    subprocess.run(["cc", "-O2", "-o", program, source], check=True)
    return program
