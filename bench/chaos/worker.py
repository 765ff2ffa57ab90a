"""Who moves the service's money from outside, as an operator or a payment provider would."""

import json
import subprocess
import sys
import threading
from typing import Any

Words = dict[str, Any]


class LedgerWorker:
    """The ledger driver (`bench.chaos.ledger_driver`) in a process of its own; its customers take turns."""

    def __init__(self, environment: dict[str, str], folder: str) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.chaos.ledger_driver"],
            env=environment,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, do: str, **words: object) -> Words:
        """Have one thing done, and return what came of it: `{"error": …}` if it was refused."""
        with self._lock:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps({"do": do, **words}) + "\n")
            self._process.stdin.flush()
            answer: Words = json.loads(self._process.stdout.readline())
            return answer

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
