"""Run the clients against a service of their own and write what came of it.

`.venv/bin/python -m clients.matrix [NAME …]`, after `script/clients` has made the environments.
"""

import argparse
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from clients.page import PROJECT, ClientRun, load, save
from clients.roster import CLIENTS, MODELS, Client
from tests.live.service import Service, serve

ENVIRONMENTS = PROJECT / "var" / "clients"
GIVE_UP_S = 300
NOTHING_LEAVES = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "CREWAI_DISABLE_TELEMETRY": "true",
    "OTEL_SDK_DISABLED": "true",
}
"""What keeps clients from asking anybody but the service."""


def main() -> int:
    """Return 0 if all that was tried passed."""
    parser = argparse.ArgumentParser(description="Try the clients against the service.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(c.name for c in CLIENTS))
    names = parser.parse_args().names
    if unknown := set(names) - {client.name for client in CLIENTS}:
        parser.error(f"no such client: {', '.join(sorted(unknown))}")
    chosen = [client for client in CLIENTS if not names or client.name in names]
    with tempfile.TemporaryDirectory(prefix="xrouter-clients-") as directory:
        folder = pathlib.Path(directory)
        os.environ["TEST_FOLDER"] = directory  # where a service looks for a database to copy
        with serve("sqlite", folder) as service:
            runs = {client.name: _run(client, service, folder) for client in chosen}
    started = {name: run for name, run in runs.items() if run is not None}
    save(load() | started)
    return 0 if started == runs and all(map(_passed, started.values())) else 1


def _run(client: Client, service: Service, folder: pathlib.Path) -> ClientRun | None:
    """Return what came of a client; None for one that did not start, which keeps its row of before."""
    report = folder / f"{client.name}.jsonl"
    report.touch()
    task = {
        "base_url": f"{service.url}{client.prefix}",
        "api_key": service.fresh_key(balance="1000"),
        "api": client.api,
        "report": str(report),
        "chat_models": [model.chat for model in MODELS],
        "embedding_models": [model.embeddings for model in MODELS],
    }
    _execute(_command(client), json.dumps(task), folder)
    run = _read(report)
    if run is None:
        sys.stderr.write(f"{client.name}: the program did not start\n")
        return None
    for model, outcomes in run["outcomes"].items():
        for feature, outcome in outcomes.items():
            sys.stdout.write(f"{client.name:16} {model:13} {feature:15} {outcome}\n")
    sys.stdout.flush()
    return run


def _command(client: Client) -> list[str]:
    environment = ENVIRONMENTS / client.environment
    if client.environment == "npm":
        for program in (PROJECT / "clients" / "npm").glob("*.mjs"):
            shutil.copy(program, environment)  # a module finds its packages beside itself
        return ["node", str(environment / client.program)]
    return [str(environment / "bin" / "python"), "-m", f"clients.{client.program}"]


def _execute(command: Sequence[str], task: str, home: pathlib.Path) -> None:
    """Run a client's program; what it said of itself is shown if it failed."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONDONTWRITEBYTECODE": "1",
        **NOTHING_LEAVES,
    }
    try:
        done = subprocess.run(  # noqa: S603
            command,
            input=task,
            cwd=PROJECT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=GIVE_UP_S,
        )
    except subprocess.TimeoutExpired:
        sys.stderr.write(f"{command[-1]}: stopped after {GIVE_UP_S} s\n")
        return
    if done.returncode != 0:
        sys.stderr.write(done.stdout)


def _read(report: pathlib.Path) -> ClientRun | None:
    """Collect the lines of a report; a later line about the same cell replaces an earlier one.

    None for a report without any.
    """
    versions: dict[str, str] = {}
    outcomes: dict[str, dict[str, str]] = {}
    for line in map(json.loads, report.read_text(encoding="utf-8").splitlines()):
        if "versions" in line:
            versions = line["versions"]
        else:
            outcomes.setdefault(line["model"], {})[line["feature"]] = line["outcome"]
    if not outcomes:
        return None
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return {"date": today, "versions": versions, "outcomes": outcomes}


def _passed(run: ClientRun) -> bool:
    return all(
        outcome == "pass" for outcomes in run["outcomes"].values() for outcome in outcomes.values()
    )


if __name__ == "__main__":
    sys.exit(main())
