"""Where the CPU time of a request goes: py-spy on the worker under the load of `bench plain` or `streams`.

`.venv/bin/python -m bench.profile plain` and `.venv/bin/python -m bench.profile streams`
"""

import argparse
import pathlib
import subprocess
import sys
import venv
from collections import Counter

from bench.__main__ import Stand, headline, parser, put_into, stand, table_of
from bench.processes import CACHE, tree

PY_SPY = "py-spy==0.4.3"
IDLE = "gevent/_threading.py"
"""Threads of gevent's pool that wait for work look busy to the profiler."""
SAMPLES_A_SECOND = 400
MOST_ROWS = 25


def py_spy() -> pathlib.Path:
    """Return the profiler; install it where it is not there."""
    folder = CACHE / PY_SPY
    if not (folder / "bin/py-spy").exists():
        venv.create(folder, with_pip=True)
        pip = [folder / "bin/python", "-m", "pip", "install", "--quiet", PY_SPY]
        subprocess.run(pip, check=True)
    return folder / "bin/py-spy"


def recorded(running: Stand, arguments: argparse.Namespace) -> list[str]:
    """Load the first target and return the stacks that were seen meanwhile, a line each with its count."""
    target = next(iter(running.targets.values()))
    running.set_upstream(latency_ms=arguments.latency_ms)
    is_stream = arguments.what == "streams"
    if is_stream:
        running.measure(target, lambda load: load.at_rate(10, 2, wait_s=20), stream=True)
    else:
        running.measure(target, lambda load: load.closed(32, arguments.warm_up), stream=False)
    output = CACHE / "stacks.txt"
    worker = tree(target.process_id)[-1]
    command = [
        *(py_spy(), "record", "--pid", str(worker), "--format", "raw", "--output", output),
        *("--rate", str(SAMPLES_A_SECOND), "--duration", str(int(arguments.seconds))),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as spying:
        if is_stream:
            running.measure(
                target, lambda load: load.at_rate(arguments.streams / 2, 2), stream=True
            )
        else:
            running.measure(
                target,
                lambda load: load.closed(arguments.connections, arguments.seconds + 1),
                stream=False,
            )
        spying.wait()
    return output.read_text().splitlines()


def shares(stacks: list[str]) -> list[dict[str, str]]:
    """Return for each function its share of all samples, with and without what it calls."""
    within, own, total = Counter[str](), Counter[str](), 0
    for line in stacks:
        stack, _, count = line.rpartition(" ")
        if IDLE in stack:
            continue
        frames = [_function(frame) for frame in stack.split(";")]
        total += int(count)
        own[frames[-1]] += int(count)
        for function in set(frames):
            within[function] += int(count)
    return [
        {
            "": name,
            "with its calls %": f"{100 * count / total:.1f}",
            "itself %": f"{100 * own[name] / total:.1f}",
        }
        for name, count in within.most_common()
    ]


def _function(frame: str) -> str:
    """`open (gateway/api/x.py:12)` → `gateway/api/x.py open`."""
    name, _, place = frame.partition(" (")
    file = place.rstrip(")").rpartition(":")[0] or place.rstrip(")")
    return f"{file} {name}"


def main() -> None:
    arguments = parser().parse_args([*sys.argv[1:], "--peers"])
    with stand(arguments) as running:
        rows = shares(recorded(running, arguments))
    text = f"{headline()}\n\n{table_of(rows[:MOST_ROWS])}"
    print(text)
    if arguments.document:
        put_into(arguments.document, f"profile of {arguments.what}", text)


if __name__ == "__main__":
    main()
