"""Puts customers, and a month of their requests, into the database of the tree in whose folder it runs.

`python bench/customers.py --accounts 1000 --generations 100000`; it prints a key for each account.
"""

import argparse
import os
from collections.abc import Iterator

DAYS = 28
CREDIT_NANO = 10**9
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


def people(count: int) -> Iterator[str]:
    """Make accounts with 100,000 credits and a key each, of bench0@example.com and so on; yield the keys."""
    from accounts.keys.key_format import LIVE_PREFIX, digest_of, make_secret
    from accounts.models import Account, APIKey, User
    from billing.ledger import ledger

    for first in range(0, count, 10_000):
        numbers = range(first, min(first + 10_000, count))
        emails = [f"bench{number}@example.com" for number in numbers]
        users = User.objects.bulk_create(
            User(email=email, email_folded=email, mailbox=email, password="!") for email in emails
        )
        accounts = Account.objects.bulk_create(Account(owner=it, name=it.email) for it in users)
        raws = [make_secret(LIVE_PREFIX) for _ in numbers]
        APIKey.objects.bulk_create(
            APIKey(
                account=account,
                user=account.owner,
                name="bench",
                digest=digest_of(raw),
                head=raw[:12],
                tail=raw[-4:],
            )
            for account, raw in zip(accounts, raws, strict=True)
        )
        for account in accounts:
            ledger.top_up(account.pk, 100_000 * CREDIT_NANO, payment_id=f"bench {account.pk}")
        yield from raws


def fill(generations: int) -> None:
    """Insert a month of generations: a tenth of the first account, the rest of the others in turn."""
    from django.db import connection

    from accounts.models import APIKey
    from billing.usage import aggregation, partitions

    keys = APIKey.objects.order_by("account_id").values_list("account_id", "pk")
    busy, key = keys[0]
    partitions.make_ahead()
    for first in range(1, generations + 1, BATCH):
        values = {
            "generations": generations,
            "days": DAYS,
            "busy": busy,
            "first": busy + 1,
            "accounts": len(keys) - 1,
            "key": key,
            "from": first,
            "until": min(first + BATCH - 1, generations),
        }
        with connection.cursor() as cursor:
            cursor.execute(FILL, values)
    aggregation.aggregate()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--generations", type=int, default=0)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xrouter_site.settings")
    import django

    django.setup()
    for raw in people(options.accounts):
        print(raw)
    if options.generations:
        fill(options.generations)


if __name__ == "__main__":
    main()
