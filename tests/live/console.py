"""Run management commands and code on one service's stores, one after another, in one process.

A line of the input is JSON: the arguments of manage.py, or ["-c", code, argument …]. For each, one
line of JSON is printed: what it printed, and the traceback it failed with, or "".
"""

import contextlib
import gc
import io
import json
import sys
import traceback

import django
from django.core.management import call_command
from django.db import connections


def main() -> None:
    gc.disable()
    django.setup()
    gc.enable()
    answers = sys.stdout
    for line in sys.stdin:
        arguments: list[str] = json.loads(line)
        failure = ""
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            try:
                _run(arguments)
            except BaseException:
                failure = traceback.format_exc()
        for connection in connections.all(initialized_only=True):
            connection.close()  # the database may be stopped or dropped meanwhile
            if connection.vendor == "postgresql":
                connection.close_pool()  # type: ignore[attr-defined]
        print(json.dumps([printed.getvalue(), failure]), file=answers, flush=True)


def _run(arguments: list[str]) -> None:
    if arguments[0] != "-c":
        call_command(*arguments)
        return
    sys.argv = ["-c", *arguments[2:]]
    exec(compile(arguments[1], "<console>", "exec"), {"__name__": "__console__"})


if __name__ == "__main__":
    main()
