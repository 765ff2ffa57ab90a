"""A reader of the documents, whose interpreter has loaded the SDK: each program runs in a copy of it."""

import json
import os
import pathlib
import subprocess
import sys
from dataclasses import dataclass

GIVE_UP_S = 120
LOOP = """
import json, os, signal, sys
import openai
for line in sys.stdin:
    program, output, errors = json.loads(line)
    child = os.fork()
    if not child:
        signal.alarm(GIVE_UP_S)
        for path, number in ((output, 1), (errors, 2)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        exec(compile(program, "<program>", "exec"), {"__name__": "__main__"})
        break
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass(frozen=True, slots=True)
class Printed:
    status: int
    output: str
    errors: str


class Reader:
    """To load the SDK takes a second of CPU, which most programs need for nothing else."""

    def __init__(self, directory: pathlib.Path) -> None:
        self._output, self._errors = directory / "output", directory / "errors"
        self._process = subprocess.Popen(
            [sys.executable, "-c", LOOP.replace("GIVE_UP_S", str(GIVE_UP_S))],
            env={"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, program: str) -> Printed:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = json.dumps([program, str(self._output), str(self._errors)])
        self._process.stdin.write(asked + "\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        output, errors = (path.read_text(encoding="utf-8") for path in (self._output, self._errors))
        return Printed(status, output, errors)

    def close(self) -> None:
        self._process.communicate()
