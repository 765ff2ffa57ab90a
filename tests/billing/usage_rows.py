"""Generations of any moment, and what they come to, added up the slow way."""

import datetime as dt
import random
import secrets
import uuid
from collections import defaultdict

from django.utils import timezone

from accounts.principal import Principal
from billing.models import Generation
from billing.models import Hold as HoldRow
from billing.usage import usage_days
from billing.usage.generation_ids import least_id_at
from infra.moscow_time import moscow_day
from tests.billing.payers import ask, end, hold_one, settle_one

FIRST_DAY, LAST_DAY = dt.date(2020, 1, 1), dt.date(2190, 1, 1)
MODELS = ("gigachat-pro", "yandexgpt:latest")


def ago(**interval: float) -> dt.datetime:
    return timezone.now() - dt.timedelta(**interval)


def id_at(at: dt.datetime) -> uuid.UUID:
    """Return an id as one is made at a moment."""
    return uuid.UUID(int=least_id_at(at).int | 7 << 76 | secrets.randbits(70))


def begin(principal: Principal, at: dt.datetime, wanted_nano: int = 0):
    """Return a hold that was made at a moment and is open still."""
    hold = hold_one(ask(principal, wanted_nano, generation_id=id_at(at)))
    HoldRow.objects.filter(id=hold.generation_id).update(created_at=at, day=moscow_day(at))
    return hold


def use(principal: Principal, at: dt.datetime, cost_nano: int = 0, **facts: object) -> None:
    """Do what a request does from its hold, made at a moment, to its settlement."""
    settle_one(end(begin(principal, at, cost_nano), cost_nano, "finished", **facts))


def free_rows(account_id: int, number: int, since: dt.datetime, until: dt.datetime, seed: int):
    """Write generations that cost nothing, at random moments of a time."""
    chance = random.Random(seed)
    rows = []
    for _ in range(number):
        at = since + (until - since) * chance.random()
        prompt = chance.randrange(1000)
        rows.append(
            Generation(
                **{"id": id_at(at), "account_id": account_id, "user_id": 1, "is_test": False},
                **{"credential_kind": "key", "credential_id": chance.randrange(1, 3)},
                **{"requested_model": "auto", "model_id": chance.choice(MODELS), "provider": ""},
                **{"is_streamed": False, "is_cancelled": False, "finish_reason": "stop"},
                **{"native_finish_reason": "", "attempts": [], "adapted": []},
                **{"day": moscow_day(at), "created_at": at, "tokens_source": "provider"},
                **{"tokens_prompt": prompt, "tokens_cached": prompt // 2},
                **{"tokens_completion": chance.randrange(1000), "cost_nano": 0},
                **{"write_off_nano": 0, "upstream_cost_nano": chance.choice((None, 5))},
                error_code=chance.choice(("", "", "provider_error")),
            )
        )
    Generation.objects.bulk_create(rows)


def raw(account_id: int) -> dict[object, tuple[int, ...]]:
    """Add up an account's generations one by one, in an older form of their table too."""
    sums: dict[object, list[int]] = defaultdict(lambda: [0] * 7)
    for row in Generation.objects.filter(account=account_id).only(
        *("day", "model_id", "credential_kind", "credential_id", "error_code"),
        *("tokens_prompt", "tokens_completion", "tokens_cached"),
        *("cost_nano", "write_off_nano", "upstream_cost_nano"),
    ):
        figures = (
            *(1, int(row.error_code != ""), row.tokens_prompt, row.tokens_completion),
            *(row.tokens_cached, row.cost_nano - row.write_off_nano, row.upstream_cost_nano or 0),
        )
        key = (row.day, row.model_id, (row.credential_kind, row.credential_id))
        sums[key] = [a + b for a, b in zip(sums[key], figures, strict=True)]
    return {key: tuple(figures) for key, figures in sums.items()}


def read(account_id: int) -> dict[object, tuple[int, ...]]:
    """Read the same from the domain."""
    return {
        (row.day, row.model_id, row.credential): (
            *(row.requests, row.errors, row.tokens_prompt, row.tokens_completion),
            *(row.tokens_cached, row.cost_nano, row.upstream_cost_nano),
        )
        for row in usage_days.rows(account_id, FIRST_DAY, LAST_DAY)
    }
