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

from tests.servers import postgres

SEEN_MS = 200
"""What a page may take."""
DAYS = 28
ROUNDS = 5
BUSY = "busy@example.com"
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
FILL = """
INSERT INTO billing_generation
  (id, account_id, user_id, credential_kind, credential_id, is_test, requested_model, model_id, provider,
   is_streamed, is_cancelled, day, created_at, tokens_prompt, tokens_completion, tokens_cached, tokens_source,
   cost_nano, write_off_nano, upstream_cost_nano, latency_ms, time_to_first_token_ms, finish_reason,
   native_finish_reason, error_code, attempts, adapted)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3)
        || '8' || substr(md5(n::text || 'x'), 1, 15))::uuid,
       account, account, 'key', key, false, model, model, provider, n %% 2 = 0, false,
       (at AT TIME ZONE 'Europe/Moscow')::date, at, 200 + n %% 900, 50 + n %% 300, 0, 'provider',
       (250 + n %% 1200) * 1000, 0, (250 + n %% 1200) * 900, 300 + n %% 4000, 80 + n %% 900, 'stop', 'stop',
       CASE WHEN n %% 50 = 0 THEN 'provider_error' ELSE '' END, '[]', '[]'
FROM (SELECT n, now() - (n::float / %(generations)s) * interval '%(days)s days' - interval '10 minutes' AS at,
             CASE WHEN n %% 10 = 0 THEN %(busy)s ELSE %(first)s + n %% %(accounts)s END AS account,
             CASE WHEN n %% 10 = 0 THEN %(key)s ELSE 1000000 + n %% %(accounts)s END AS key,
             (ARRAY['gigachat-pro', 'gigachat-basic', 'yandexgpt', 'yandexgpt-lite'])[1 + n %% 4] AS model,
             CASE WHEN n %% 4 < 2 THEN 'gigachat' ELSE 'yandexgpt' END AS provider
      FROM generate_series(%(from)s, %(until)s) AS n) AS rows
"""
BATCH = 100_000


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
    from django.db import connection

    call_command("migrate", verbosity=0)
    began_s = time.monotonic()
    busy, operator = people(accounts)
    fill(busy, accounts, generations)
    took_s = time.monotonic() - began_s
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    print(f"{accounts} accounts, {generations} generations, filled in {took_s:.0f} s")
    found = sorted(pages(busy, operator), reverse=True)
    for median_ms, worst_ms, path in found:
        print(f"{median_ms:8.1f} ms, at most {worst_ms:8.1f}  {path}")
    slow = [path for median_ms, _, path in found if median_ms > SEEN_MS]
    print(f"{len(found)} pages, {len(slow)} above {SEEN_MS} ms: {', '.join(slow)}")


def people(accounts: int) -> tuple[Any, Any]:
    """Make the accounts, and one operator; return the owner of the busy account and the operator."""
    from django.db import transaction

    from accounts import users
    from accounts.models import User
    from billing.ledger import ledger

    busy = users.register(email=BUSY)
    ledger.top_up(busy.pk, 10**15, payment_id="of the bench")
    with transaction.atomic():
        for number in range(accounts):
            users.register(email=f"person{number}@example.com")
    operator = User.objects.create_superuser(OPERATOR, "correct horse battery")
    return busy.owner, operator


def fill(busy: Any, accounts: int, generations: int) -> None:
    """Insert the generations in batches and sum them up as the jobs do."""
    from django.db import connection

    from accounts import users
    from accounts.keys import issuing
    from billing.usage import aggregation, partitions

    partitions.make_ahead()
    account = users.own_account(busy)
    key, _ = issuing.issue(account=account, user=busy, name="of the bench")
    for first in range(1, generations + 1, BATCH):
        values = {
            "generations": generations,
            "days": DAYS,
            "busy": account.pk,
            "first": account.pk + 1,
            "accounts": accounts,
            "key": key.pk,
            "from": first,
            "until": min(first + BATCH - 1, generations),
        }
        with connection.cursor() as cursor:
            cursor.execute(FILL, values)
    aggregation.aggregate()


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
