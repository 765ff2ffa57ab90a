"""What one account's slow, huge and malformed requests cost another account, by its median latency.

`.venv/bin/python -m bench.neighbour`: on PostgreSQL with greenlets, on SQLite with threads; rounds take turns.
"""

import argparse
import contextlib
import http.client
import json
import pathlib
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator

from bench.robustness import http_request, running
from tests.live.service import Service, serve

CHAT = "/v1/chat/completions"
BODY = json.dumps(
    {"model": "gigachat-pro", "messages": [{"role": "user", "content": "Привет"}], "max_tokens": 16}
).encode()
DRIPPING, DRIP_S = 40, 0.5
HUGE_BYTES = 4 * 2**20
HUGE_EVERY_S, MALFORMED_EVERY_S = 0.5, 0.1
MALFORMED = (
    b'{"model": "gigachat-pro", "messages": ' + b"[" * 5000,
    b'{"messages": [' + b"[]," * 20_000 + b"[]]}",
    b"\xff\xfe{}",
    b'{"model": 1e999, "messages": {"role": []}}',
)
BETWEEN_S = 0.02
"""Between two requests of the account that is measured, so that the client leaves the cores alone."""


def median_ms(service: Service, key: str, requests: int) -> float:
    """Return the median latency of plain requests, one after the other on one connection."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    took_ms = []
    for _ in range(requests):
        began_s = time.monotonic()
        connection.request("POST", CHAT, BODY, headers)
        answer = connection.getresponse()
        said = answer.read()
        took_ms.append((time.monotonic() - began_s) * 1000)
        if answer.status != 200:
            raise SystemExit(f"{answer.status} {said[:300]!r}")
        time.sleep(BETWEEN_S)
    connection.close()
    return statistics.median(took_ms)


@contextlib.contextmanager
def trouble(service: Service, key: str) -> Iterator[None]:
    """Have another account drip bodies, send huge ones and malformed ones meanwhile."""
    is_over = threading.Event()
    huge = (
        b'{"model": "gigachat-pro", "messages": [{"role": "user", "content": "' + b"a" * HUGE_BYTES
    )
    bodies = [*(http_request("POST", CHAT, key, body) for body in MALFORMED)]

    def drip() -> None:
        head = http_request("POST", CHAT, key, BODY)
        while not is_over.is_set():
            with contextlib.suppress(OSError), _connected(service) as client:
                for at in range(len(head)):
                    if is_over.wait(DRIP_S if at > len(head) - len(BODY) else 0):
                        break
                    client.sendall(head[at : at + 1])

    def send(raw: Callable[[int], bytes], every_s: float) -> None:
        number = 0
        while not is_over.wait(every_s):
            number += 1
            with contextlib.suppress(OSError), _connected(service) as client:
                client.sendall(raw(number))
                while client.recv(65_536):
                    pass

    threads = [threading.Thread(target=drip) for _ in range(DRIPPING)]
    whole = http_request("POST", CHAT, key, huge + b'"}]}')
    threads.append(threading.Thread(target=send, args=(lambda _: whole, HUGE_EVERY_S)))
    malformed = (lambda number: bodies[number % len(bodies)], MALFORMED_EVERY_S)
    threads.append(threading.Thread(target=send, args=malformed))
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def _connected(service: Service) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.port), timeout=10)


def measure(name: str, service: Service, rounds: int, requests: int) -> None:
    victim, other = service.fresh_key(balance="100000"), service.fresh_key(balance="100000")
    service.sandbox.settings.interval_s = 0
    median_ms(service, victim, 20)
    alone, beside = [], []
    for _ in range(rounds):
        alone.append(median_ms(service, victim, requests))
        with trouble(service, other):
            time.sleep(1)
            beside.append(median_ms(service, victim, requests))
    ratios = sorted(with_ms / without_ms for with_ms, without_ms in zip(beside, alone, strict=True))
    print(
        f"{name}: {statistics.median(alone):.1f} ms alone, {statistics.median(beside):.1f} ms beside;"
        f" ratio {ratios[0]:.2f} / {statistics.median(ratios):.2f} / {ratios[-1]:.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=150)
    options = parser.parse_args()
    with running() as robustness:
        measure("PostgreSQL", robustness.service, options.rounds, options.requests)
    with (
        tempfile.TemporaryDirectory(prefix="xrouter-neighbour-") as folder,
        serve(
            "sqlite",
            pathlib.Path(folder),
            is_empty=True,
            DATABASE_URL=f"sqlite:///{folder}/xrouter.sqlite3",
        ) as service,
    ):
        measure("SQLite", service, options.rounds, options.requests)


if __name__ == "__main__":
    main()
