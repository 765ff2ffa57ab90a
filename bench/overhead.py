"""Requests per second and added latency of the gateway, as ratios to going straight to the upstream.

`.venv/bin/python -m bench.overhead [--rounds 3] [--seconds 3] [--streams 200]`

Everything is real: gunicorn with one worker, PostgreSQL, Valkey, money and limits on. The upstream is
canned and answers at once. Rounds are interleaved, so that the machine's moods fall on both alike;
only the ratios mean anything.
"""

import argparse
import asyncio
import contextlib
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator

from bench import load
from tests.servers import postgres, valkey

ROOT = pathlib.Path(__file__).resolve().parent.parent
ACCOUNTS = 8
"""An account has 500 requests a second at most: more of them, so that the limit is not what is measured."""
MESSAGE = "Расскажи коротко, зачем нужен шлюз к языковым моделям. " * 4


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _body(model: str, *, stream: bool) -> bytes:
    return json.dumps(
        {
            "model": model,
            "messages": [{"role": "user", "content": MESSAGE}],
            "max_tokens": 500,
            "stream": stream,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


def _wait_for(port: int, path: str) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2).close()
            return
        time.sleep(0.1)
    raise SystemExit(f"nothing answers on port {port}")


@contextlib.contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    with subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


@contextlib.contextmanager
def gateway() -> Iterator[tuple[load.Target, load.Target]]:
    """Serve the canned upstream and the gateway; yield the targets straight and through."""
    upstream_port, port = _free_port(), _free_port()
    with contextlib.ExitStack() as stack:
        environment = os.environ | {
            "DATABASE_URL": stack.enter_context(postgres()),
            "REDIS_URL": stack.enter_context(valkey()),
            "PORT": str(port),
            "BIND": "127.0.0.1",
            "SECRET_KEY": "of-the-bench-alone-" + "0" * 40,
            "LOG_LEVEL": "WARNING",
            "GIGACHAT_CREDENTIALS": "Y2FubmVkOmNhbm5lZA==",
            "GIGACHAT_AUTH_URL": f"http://127.0.0.1:{upstream_port}/oauth",
            "GIGACHAT_BASE_URL": f"http://127.0.0.1:{upstream_port}/v1",
        }
        python = sys.executable
        manage = [python, "manage.py"]
        subprocess.run([*manage, "migrate", "-v0"], env=environment, cwd=ROOT, check=True)
        keys = tuple(
            subprocess.run(
                [*manage, "issue_key", f"bench{number}@example.com", "--credits", "1000000"],
                env=environment,
                cwd=ROOT,
                check=True,
                capture_output=True,
                text=True,
            ).stdout.strip()
            for number in range(ACCOUNTS)
        )
        stack.enter_context(
            _process([python, "-m", "bench.canned_upstream", str(upstream_port)], environment)
        )
        gunicorn = [python, "-m", "gunicorn", "xrouter_site.wsgi", "-c", "gunicorn.conf.py"]
        stack.enter_context(_process(gunicorn, environment))
        _wait_for(upstream_port, "/")
        _wait_for(port, "/health")
        yield (
            load.Target(
                upstream_port,
                "/v1/chat/completions",
                "canned",
                _body("GigaChat-2-Pro", stream=False),
            ),
            load.Target(port, "/v1/chat/completions", keys, _body("gigachat-2-pro", stream=False)),
        )


def _streaming(target: load.Target, model: str) -> load.Target:
    return load.Target(target.port, target.path, target.keys, _body(model, stream=True))


def _median(samples: list[load.Sample], figure: Callable[[load.Sample], float]) -> float:
    return statistics.median(map(figure, samples))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--streams", type=int, default=200)
    arguments = parser.parse_args()
    with gateway() as (straight, through):
        asyncio.run(load.plain(through, connections=8, duration_s=2))  # warm
        for connections in (1, 32):
            direct: list[load.Sample] = []
            routed: list[load.Sample] = []
            for _ in range(arguments.rounds):
                for target, samples in ((straight, direct), (through, routed)):
                    samples.append(
                        asyncio.run(
                            load.plain(
                                target, connections=connections, duration_s=arguments.seconds
                            )
                        )
                    )
            _print_plain(connections, direct, routed)
        _print_streams(
            arguments.streams,
            asyncio.run(
                load.streams(
                    _streaming(straight, "GigaChat-2-Pro"), count=arguments.streams, ramp_s=2
                )
            ),
            asyncio.run(
                load.streams(
                    _streaming(through, "gigachat-2-pro"), count=arguments.streams, ramp_s=2
                )
            ),
        )


def _print_plain(connections: int, direct: list[load.Sample], routed: list[load.Sample]) -> None:
    failures = dict(sum((sample.failures for sample in routed), Counter()))
    rate, direct_rate = (_median(s, lambda x: x.per_second) for s in (routed, direct))
    added_ms = _median(routed, lambda s: s.latency_ms(0.5)) - _median(
        direct, lambda s: s.latency_ms(0.5)
    )
    print(
        f"plain, {connections} at once: {rate:.0f} req/s, {rate / direct_rate:.3f} of straight, "
        f"added p50 {added_ms:.2f} ms, p99 {_median(routed, lambda s: s.latency_ms(0.99)):.1f} ms, "
        f"failures {failures}"
    )


def _print_streams(count: int, direct: load.Sample, routed: load.Sample) -> None:
    rate, direct_rate = (sample.chunks / sample.elapsed_s for sample in (routed, direct))
    added = {
        share: 1000
        * (
            load.percentile(routed.first_chunks_s, share)
            - load.percentile(direct.first_chunks_s, share)
        )
        for share in (0.5, 0.99)
    }
    print(
        f"streams, {count} at once: {len(routed.latencies_s)} whole, {sum(routed.failures.values())} broken, "
        f"{rate:.0f} chunks/s, {rate / direct_rate:.3f} of straight, "
        f"first chunk p50 +{added[0.5]:.1f} ms, p99 +{added[0.99]:.1f} ms"
    )


if __name__ == "__main__":
    main()
