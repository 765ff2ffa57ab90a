"""What a request and a chunk cost, beside other gateways: rounds in turn, ratios within the same run.

`.venv/bin/python -m bench plain` and `.venv/bin/python -m bench streams`

The gateways run on core 0, each with one worker, and only one is under load at a time; the load client, the
canned upstream, PostgreSQL and Valkey run on core 1. Everything of ours is real: keys, limits, holds and
settlements. Only CPU time and ratios of one run mean much: the machine's moods fall on all alike.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import resource
import shlex
import statistics
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bench.load import Load, Sample, percentile_ms
from bench.processes import (
    built_upstream,
    cpu_us,
    free_port,
    pid_of_postgres,
    pid_of_redis,
    pin,
    process,
    resident_mb,
    wait_for,
)
from bench.targets import PEERS, RELAYS, ROOT, Target, peer, relay, xrouter
from tests.servers import postgres, valkey

GATEWAY_CORE, OTHER_CORE = 0, 1
CHUNKS_A_STREAM, CHUNKS_A_SECOND = 100, 20
STREAMS_CAPACITY = 4000


@dataclass
class Tree:
    """A tree of XRouter, and how much stands behind it; with several workers it has both cores."""

    name: str
    folder: pathlib.Path
    accounts: int = 0
    generations: int = 0
    workers: int = 1

    @classmethod
    def of(cls, text: str) -> "Tree":
        """Read `NAME=FOLDER,accounts=100000,generations=10000000,workers=2`."""
        (name, folder), *sizes = (part.split("=", 1) for part in text.split(","))
        return cls(name, pathlib.Path(folder).resolve(), **{size: int(it) for size, it in sizes})


@dataclass
class Round:
    """One round of one target: the client's sample, and CPU time in microseconds."""

    sample: Sample
    cpu_us: float
    postgres_us: float
    redis_us: float
    memory_mb: float


@dataclass
class Stand:
    """All that runs: the targets by name, and what answers behind them."""

    upstream_port: int
    postgres_pid: int
    redis_pid: int
    targets: dict[str, Target] = field(default_factory=dict)

    def set_upstream(self, *, latency_ms: float) -> None:
        """Have the upstream wait before each answer."""
        wanted = f"{int(latency_ms * 1000)},{1_000_000 // CHUNKS_A_SECOND},{CHUNKS_A_STREAM}"
        urllib.request.urlopen(f"http://127.0.0.1:{self.upstream_port}/set?{wanted}").close()

    def in_turn(self, number: int) -> list[tuple[str, Target]]:
        """Return the targets, each round beginning with the next one: their order shows in CPU time."""
        targets = list(self.targets.items())
        first = number % len(targets)
        return targets[first:] + targets[:first]

    def measure(self, target: Target, work: Callable[[Load], Sample], *, stream: bool) -> Round:
        """Load one target, and read what everybody's CPU clock says before and after."""
        pids = (target.process_id, self.postgres_pid, self.redis_pid)
        load = Load(target.port, target.requests(stream=stream))
        before = [cpu_us(pid) for pid in pids]
        try:
            sample = work(load)
        finally:
            load.close()
        spent = [cpu_us(pid) - start for pid, start in zip(pids, before, strict=True)]
        return Round(sample, *spent, resident_mb(target.process_id))


@contextlib.contextmanager
def stand(arguments: argparse.Namespace) -> Iterator[Stand]:
    """Start everything that the arguments name."""
    os.sched_setaffinity(0, {OTHER_CORE})
    most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    with contextlib.ExitStack() as stack:
        port = free_port()
        upstream = [built_upstream(), str(port)]
        stack.enter_context(process(upstream, core=str(OTHER_CORE), log="upstream"))
        wait_for(port, "/", "upstream")
        database, redis = stack.enter_context(postgres()), stack.enter_context(valkey())
        found = Stand(port, pid_of_postgres(database), pid_of_redis(redis))
        pin(found.postgres_pid, OTHER_CORE)
        pin(found.redis_pid, OTHER_CORE)
        capacity = arguments.capacity or (STREAMS_CAPACITY if arguments.what == "streams" else "")
        trees = list(map(Tree.of, arguments.tree)) or [Tree("xrouter", ROOT)]
        started: list[contextlib.AbstractContextManager[Target]] = []
        address = f"http://127.0.0.1:{port}"
        for number, tree in enumerate(trees):
            stores = {
                "DATABASE_URL": _own_database(database, tree.name),
                "REDIS_URL": redis.removesuffix("/0") + f"/{number}",
                "WORKER_CAPACITY": str(capacity),
                "WEB_CONCURRENCY": str(tree.workers),
            }
            started.append(
                xrouter(
                    tree.name,
                    tree.folder,
                    upstream=address,
                    stores=stores,
                    accounts=tree.accounts or arguments.accounts,
                    generations=tree.generations,
                    core=f"{GATEWAY_CORE}" if tree.workers == 1 else f"{GATEWAY_CORE},{OTHER_CORE}",
                    model=arguments.model,
                )
            )
        for name in arguments.peers:
            serve = relay if name in RELAYS else peer
            started.append(serve(name, upstream=address, core=str(GATEWAY_CORE)))
        for starting in started:
            target = stack.enter_context(starting)
            found.targets[target.name] = target
        yield found


def _own_database(url: str, name: str) -> str:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return url.replace("/postgres?", f"/{name}?")


def _closed(connections: int, seconds: float, load: Load) -> Sample:
    return load.closed(connections, seconds)


def _at_rate(per_second: float, seconds: float, wait_s: float, load: Load) -> Sample:
    return load.at_rate(per_second, seconds, wait_s=wait_s)


def plain(stand: Stand, arguments: argparse.Namespace) -> dict[str, list[Round]]:
    """Rounds of whole requests in closed loops, the targets in turn."""
    rounds: dict[str, list[Round]] = {name: [] for name in stand.targets}
    stand.set_upstream(latency_ms=arguments.latency_ms)
    for number in range(-1, arguments.rounds):
        for name, target in stand.in_turn(number):
            seconds = arguments.seconds if number >= 0 else arguments.warm_up
            done = stand.measure(
                target, partial(_closed, arguments.connections, seconds), stream=False
            )
            if number >= 0:
                rounds[name].append(done)
    return rounds


def streams(stand: Stand, arguments: argparse.Namespace) -> dict[str, list[Round]]:
    """Rounds of streams at once, begun over two seconds, the targets in turn."""
    rounds: dict[str, list[Round]] = {name: [] for name in stand.targets}
    stand.set_upstream(latency_ms=arguments.latency_ms)
    for number in range(-1, arguments.rounds):
        for name, target in stand.in_turn(number):
            count = arguments.streams if number >= 0 else 20
            wait_s = 25 + arguments.streams / 50
            done = stand.measure(target, partial(_at_rate, count / 2, 2, wait_s), stream=True)
            if number >= 0:
                rounds[name].append(done)
    return rounds


def overload(stand: Stand, arguments: argparse.Namespace) -> dict[str, list[Round]]:
    """For each target its best in a closed loop, then `times` as many requests a second as that."""
    rounds: dict[str, list[Round]] = {}
    stand.set_upstream(latency_ms=arguments.latency_ms)
    for name, target in stand.targets.items():
        stand.measure(target, lambda load: load.closed(32, arguments.warm_up), stream=False)
        best, flood = [], []
        for _ in range(arguments.rounds):
            done = stand.measure(
                target, lambda load: load.closed(32, arguments.seconds), stream=False
            )
            best.append(done)
            rate = arguments.times * done.sample.per_second
            flood.append(
                stand.measure(target, partial(_at_rate, rate, arguments.seconds, 10), stream=False)
            )
        rounds |= {f"{name}, best": best, f"{name}, {arguments.times:g} times that": flood}
    return rounds


Column = tuple[str, Callable[[Round], float], str]


def _each(total: Callable[[Round], float], of: str) -> Callable[[Round], float]:
    def each(done: Round) -> float:
        count = getattr(done.sample, of)
        return total(done) / count if count else -1

    return each


def _share(field_name: str, share: float) -> Callable[[Round], float]:
    return lambda done: percentile_ms(getattr(done.sample, field_name), share)


def _failed(done: Round) -> float:
    return sum(done.sample.failures.values())


PLAIN: Sequence[Column] = (
    ("CPU µs/request", _each(lambda done: done.cpu_us, "answered"), ".0f"),
    ("PostgreSQL µs", _each(lambda done: done.postgres_us, "answered"), ".0f"),
    ("Redis µs", _each(lambda done: done.redis_us, "answered"), ".0f"),
    ("req/s", lambda done: done.sample.per_second, ".0f"),
    ("p50 ms", _share("latencies_us", 0.5), ".1f"),
    ("p99 ms", _share("latencies_us", 0.99), ".1f"),
    ("failed", _failed, ".0f"),
    ("503 p99 ms", _share("refusals_us", 0.99), ".1f"),
    ("memory MB", lambda done: done.memory_mb, ".0f"),
)
STREAMS: Sequence[Column] = (
    ("CPU µs/chunk", _each(lambda done: done.cpu_us, "chunks"), ".0f"),
    ("whole", lambda done: done.sample.answered, ".0f"),
    ("lost", _failed, ".0f"),
    ("chunks", lambda done: done.sample.chunks, ".0f"),
    ("TTFT p50 ms", _share("firsts_us", 0.5), ".1f"),
    ("TTFT p99 ms", _share("firsts_us", 0.99), ".1f"),
    ("lag p50 ms", _share("lags_us", 0.5), ".1f"),
    ("lag p99 ms", _share("lags_us", 0.99), ".1f"),
    ("gap p99 ms", _share("gaps_us", 0.99), ".1f"),
    ("503 p99 ms", _share("refusals_us", 0.99), ".1f"),
    ("memory MB", lambda done: done.memory_mb, ".0f"),
)


def rows_of(rounds: dict[str, list[Round]], columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Return a row for each target: medians, and the ratio of the first column to the first target's."""
    first = next(iter(rounds.values()))
    measure = columns[0][1]
    rows = []
    for name, done in rounds.items():
        measured = [(measure(one), measure(base)) for one, base in zip(done, first, strict=True)]
        ratios = [own / base for own, base in measured if own >= 0 < base]
        row: dict[str, Any] = {"": name}
        for title, figure, form in columns:
            median = statistics.median(map(figure, done))
            is_measured = median >= 0
            row[title] = format(median, form) if is_measured else "–"
        extremes = (min(ratios), statistics.median(ratios), max(ratios)) if ratios else ()
        row["ratio min / median / max"] = " / ".join(f"{it:.2f}" for it in extremes) or "–"
        failures = sum((one.sample.failures for one in done), start=type(done[0].sample.failures)())
        row["failures"] = ", ".join(f"{count} × {word}" for word, count in failures.items())
        rows.append(row)
    return rows


def table_of(rows: Sequence[dict[str, Any]]) -> str:
    """Write rows as a table of Markdown."""
    titles = list(rows[0])
    lines = ["| " + " | ".join(titles) + " |", "|" + " --- |" * len(titles)]
    lines += ["| " + " | ".join(str(row[title]) for title in titles) + " |" for row in rows]
    return "\n".join(lines)


def put_into(document: pathlib.Path, section: str, text: str) -> None:
    """Replace what stands between the marks of a section in a document."""
    begin, end = f"<!-- {section} -->\n", f"<!-- end of {section} -->"
    before, _, rest = document.read_text().partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{document} has no section {section}")
    document.write_text(f"{before}{begin}\n{text}\n\n{end}{after}")


def headline() -> str:
    """Return the command that runs, and the commit."""
    describe = ["git", "describe", "--always", "--dirty"]
    described = subprocess.run(describe, cwd=ROOT, capture_output=True, text=True, check=False)
    name = pathlib.Path(sys.argv[0]).stem
    module = "bench" if name == "__main__" else f"bench.{name}"
    command = f"python -m {module} {shlex.join(sys.argv[1:])}".rstrip()
    return f"`{command}` at `{described.stdout.strip()}`, Python {platform.python_version()}"


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("plain", "streams", "overload"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--warm-up", type=float, default=4.0, help="seconds before the first round")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--accounts", type=int, default=1000, help="with a key each, used in turn")
    parser.add_argument("--streams", type=int, default=500, help="at once, 20 chunks a second each")
    parser.add_argument(
        "--capacity",
        type=int,
        help=f"WORKER_CAPACITY of our trees; default {STREAMS_CAPACITY} for `streams`, else their own",
    )
    parser.add_argument("--latency-ms", type=float, default=0.0, help="of the upstream")
    parser.add_argument("--times", type=float, default=3.0, help="the load of `overload`")
    parser.add_argument("--model", default="gigachat-2-pro", help="say yandexgpt-5-pro")
    parser.add_argument(
        "--tree",
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help="trees of XRouter to compare, or sizes of one; default this one;"
        " after the folder may stand `,accounts=`, `,generations=` and `,workers=`",
    )
    parser.add_argument("--peers", nargs="*", default=[*RELAYS, *PEERS], choices=[*RELAYS, *PEERS])
    parser.add_argument("--json", type=pathlib.Path, help="a file for all the figures")
    parser.add_argument(
        "--document",
        type=pathlib.Path,
        help="a page whose section is replaced, say docs/performance.md",
    )
    parser.add_argument("--section", help="which one; default that of what is measured")
    return parser


def main() -> None:
    arguments = parser().parse_args()
    columns = STREAMS if arguments.what == "streams" else PLAIN
    with stand(arguments) as running:
        rounds = globals()[arguments.what](running, arguments)
    rows = rows_of(rounds, columns)
    text = f"{headline()}\n\n{table_of(rows)}"
    print(text)
    if arguments.document:
        put_into(arguments.document, arguments.section or arguments.what, text)
    if arguments.json:
        arguments.json.write_text(json.dumps({"run": headline(), "rows": rows}, ensure_ascii=False))


if __name__ == "__main__":
    main()
