"""A process that counts usage on the database of DATABASE_URL.

Usage: python -m tests.billing.usage_worker MODE. It prints `ready` and waits for a line. `count` counts
again and again until it is killed; `hang` counts a step, and waits with it uncommitted to be killed.
"""

import sys
import time

import django

django.setup()

from django.db import OperationalError, transaction  # noqa: E402

from billing.usage import aggregation  # noqa: E402


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


tell("ready")
sys.stdin.readline()
if sys.argv[1] == "hang":
    aggregation.open_watermark()
    with transaction.atomic():
        assert aggregation._step()
        tell("hanging")
        time.sleep(120)
while True:
    try:
        aggregation.aggregate()
    except OperationalError as error:  # SQLite's lock, for longer than one waits for it
        sys.stderr.write(f"{error}\n")
