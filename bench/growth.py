"""What pages cost when there is much behind them: `.venv/bin/python -m bench.growth`.

A PostgreSQL of its own is filled with accounts and with a month of generations, a tenth of them of one account;
then every page of the cabinet and every list of the admin is asked within this process. Its figures are
milliseconds of the server: the median of a few requests, and the longest.
"""

import argparse
import os
import statistics
import time
from collections.abc import Iterator
from typing import Any

from bench.customers import fill, people
from tests.servers import postgres

SEEN_MS = 200
"""What a page may take."""
ROUNDS = 5
BUSY = "bench0@example.com"
OPERATOR = "operator@example.com"
CABINET = (
    "",
    "keys/",
    "usage/",
    "usage/?by=hour",
    "usage/?format=csv",
    "generations/",
    "generations/?state=failed",
    "billing/",
    "billing/ledger/",
    "model-map/",
    "palette/?q=gen",
    "security/",
    "apps/",
    "connections/",
)
PUBLIC = ("/", "/models/", "/status/", "/docs/", "/v1/models")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.growth", description=__doc__)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--generations", type=int, default=1_000_000)
    options = parser.parse_args()
    with postgres() as url:
        os.environ |= {"DATABASE_URL": url, "LOG_LEVEL": "ERROR"}
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xrouter_site.settings_test")
        import django

        django.setup()
        measure(options.accounts, options.generations)


def measure(accounts: int, generations: int) -> None:
    """Fill the database and print a line a page, the slowest first."""
    from django.core.management import call_command

    from accounts.models import User

    call_command("migrate", verbosity=0)
    began_s = time.monotonic()
    list(people(accounts))
    fill(generations)
    took_s = time.monotonic() - began_s
    operator = User.objects.create_superuser(OPERATOR, "correct horse battery")
    print(f"{accounts} accounts, {generations} generations, filled in {took_s:.0f} s")
    found = sorted(pages(User.objects.get(email=BUSY), operator), reverse=True)
    for median_ms, worst_ms, path in found:
        print(f"{median_ms:8.1f} ms, at most {worst_ms:8.1f}  {path}")
    slow = [path for median_ms, _, path in found if median_ms > SEEN_MS]
    print(f"{len(found)} pages, {len(slow)} above {SEEN_MS} ms: {', '.join(slow)}")


def pages(busy: Any, operator: Any) -> Iterator[tuple[float, float, str]]:
    """Yield median and longest time, and address, of each page."""
    from django.contrib import admin
    from django.test import Client
    from django.urls import reverse

    from tests.accounts.operators import seat

    customer, staff = (
        Client(SERVER_NAME="localhost"),
        seat(Client(SERVER_NAME="localhost"), operator),
    )
    customer.force_login(busy)
    for path in PUBLIC:
        yield asked(customer, path)
    for path in CABINET:
        yield asked(customer, f"/cabinet/{path}")
    yield asked(staff, "/admin/")
    yield asked(staff, f"/admin/customers/?q={BUSY}")
    yield asked(staff, reverse("customer", args=[busy.pk]))
    for model in admin.site._registry:
        meta = model._meta
        yield asked(staff, reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist"))


def asked(client: Any, path: str) -> tuple[float, float, str]:
    """Ask a page once to warm up, and a few times more."""
    answer = client.get(path, follow=True)
    assert answer.status_code == 200, (path, answer.status_code)
    times_ms = []
    for _ in range(ROUNDS):
        began_s = time.perf_counter()
        answer = client.get(path, follow=True)
        if answer.streaming:
            for _chunk in answer.streaming_content:
                pass
        times_ms.append(1000 * (time.perf_counter() - began_s))
    return statistics.median(times_ms), max(times_ms), path


if __name__ == "__main__":
    main()
