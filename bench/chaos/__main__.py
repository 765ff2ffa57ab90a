"""The command: prepare the stage, carry the plan out, tell the verdict."""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter

from bench.chaos.plan import operations
from bench.chaos.run import ChaosRun, ChaosStory
from bench.chaos.verdict import ChaosVerdict
from bench.chaos.worker import LedgerWorker
from tests.live.outages import serve_with_own_stores
from tests.live.service import ROOT, Service

SHOWN_VIOLATIONS = 20
STOP_TIMEOUT_S = 90


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.chaos", description="Money under chaos.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=600, help="begin nothing after that")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--callers", type=int, default=32)
    parser.add_argument("--restarts", type=int, help="of each store")
    options = parser.parse_args()
    with (
        serve_with_own_stores(
            WEB_CONCURRENCY=str(options.workers), UPSTREAM_READ_TIMEOUT="1.5", LOG_LEVEL="ERROR"
        ) as (service, postgres, redis),
        contextlib.closing(LedgerWorker(service.environment, str(ROOT))) as worker,
    ):
        run = ChaosRun(service, worker, postgres, redis, seed=options.seed)
        plan = operations(options.seed, options.requests, restarts=options.restarts)
        began_s = time.monotonic()
        story = run.carry_out(plan, callers=options.callers, most_s=options.seconds)
        took_s = time.monotonic() - began_s
        _stop(service)
        released = worker.ask("sweep_up")["released"]
        verdict = ChaosVerdict(service, story)
        verdict.reach()
    _tell(options.seed, story, verdict, took_s, released)
    return 1 if verdict.violations else 0


def _stop(service: Service) -> None:
    """Let the service finish what it does, as at a deployment."""
    os.kill(service.process.pid, signal.SIGTERM)
    service.process.wait(STOP_TIMEOUT_S)


def _tell(
    seed: int, story: ChaosStory, verdict: ChaosVerdict, took_s: float, released: int
) -> None:
    rows: Counter[tuple[str, str]] = Counter()
    for outcome in story.outcomes:
        status = "left" if outcome.has_left else str(outcome.answer.status or "broken")
        rows[outcome.ask.kind, f"{status} {outcome.code or ''}".strip()] += 1
    for (kind, end), number in sorted(rows.items()):
        print(f"{kind:18} {end:32} {number:7}")
    print(f"{'top-ups':51} {len(story.payments):7}")
    print(f"{'refunds':51} {len(story.refunds_done):7}")
    print(f"{'keys exchanged':51} {len(story.revoked):7}")
    print(f"{'workers killed':51} {story.kills:7}")
    print(f"{'stores restarted':51} {story.restarts:7}")
    print(f"{'holds of the dead released at the end':51} {released:7}")
    for rule, number in verdict.checks.items():
        print(f"checked: {rule:42} {number:7}")
    print(f"{'violations':51} {len(verdict.violations):7}")
    for violation in verdict.violations[:SHOWN_VIOLATIONS]:
        print(f"  {violation}")
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    per_s = len(story.outcomes) / took_s
    print(
        f"seed {seed}, commit {commit or 'unknown'}: {len(story.outcomes)} requests in {took_s:.0f} s"
        f" ({per_s:.0f} a second)"
    )


if __name__ == "__main__":
    sys.exit(main())
