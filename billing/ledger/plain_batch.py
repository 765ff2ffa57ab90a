"""Plain holds and settlements on PostgreSQL: a whole batch in one statement, its own transaction.

Plain is nearly every request: the account has what it wants and its key has no budget; its answer costs
less than was held, so that the account has something left and keeps its tier. What is not plain is left to
the batches on locked accounts (`holds.py`, `settlement.py`), which decide one by one and come to the same
for a plain one; an account that has anything else in the batch is left to them whole, so that its requests
keep their order. No lock is held while this process is away from the database, so that a busy worker keeps
no account from its peers.
"""

# ruff: noqa: S608 -- the texts are put together from constants of the code; every value is a parameter

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial

import orjson
from django.db import transaction

from accounts.keys.credentials import credentials
from billing.ledger import balances
from billing.ledger.charges import Charge, charge_of
from billing.ledger.holds import HoldRequest, PlacedHold
from billing.ledger.settlement import Settled, Settlement
from billing.ledger.sql import DOCUMENTS, NEW_HOLD, WHAT, WHO
from infra import prepared
from infra.credits import MAX_AMOUNT_NANO
from infra.prepared import array

# Accounts are locked in the order of their ids, as everywhere.
_LOCKED = f"""
    asked AS MATERIALIZED (
        SELECT given.* FROM unnest($1::bigint[], $2::bigint[]) AS given (account_id, amount_nano),
            {prepared.PATIENCE}
        WHERE patience.timeout <> ''
    ),
    locked AS MATERIALIZED (
        SELECT account.* FROM asked, LATERAL (
            SELECT account_id, posted_nano, last_digest FROM billing_creditaccount
            WHERE account_id = asked.account_id FOR NO KEY UPDATE
        ) AS account
    )
"""

_REQUEST = {name: kind for name, kind in NEW_HOLD.items() if name != "day"}
_HOLD = f"""
    WITH {_LOCKED},
    held AS (
        UPDATE billing_creditaccount AS account SET held_nano = account.held_nano + asked.amount_nano
        FROM asked JOIN locked USING (account_id)
        WHERE account.account_id = asked.account_id
            AND account.posted_nano - account.held_nano >= asked.amount_nano
        RETURNING account.account_id, account.posted_nano, account.held_nano
    ),
    granted AS MATERIALIZED (
        SELECT request.*, account.posted_nano, account.held_nano
        FROM json_to_recordset($3::json) AS request
            ({", ".join(f"{name} {kind}" for name, kind in _REQUEST.items())}),
        LATERAL (
            SELECT held.posted_nano, held.held_nano FROM held
            WHERE request.amount_nano > 0 AND held.account_id = request.account_id
            UNION ALL
            SELECT free.posted_nano, free.held_nano FROM billing_creditaccount AS free
            WHERE request.amount_nano = 0 AND free.account_id = request.account_id
        ) AS account
    ),
    placed AS (
        INSERT INTO billing_hold ({", ".join(_REQUEST)}, day)
        SELECT {", ".join(_REQUEST)}, (clock_timestamp() AT TIME ZONE 'Europe/Moscow')::date
        FROM granted
    )
    SELECT id, posted_nano, held_nano FROM granted
"""

_FACTS = WHAT | DOCUMENTS
_RECORD = ", ".join((*WHO, *_FACTS))
# The digests are those of chain.py; the audit computes them again.
_SETTLE = f"""
    WITH {_LOCKED},
    given AS MATERIALIZED (
        SELECT * FROM ROWS FROM (
            unnest($3::uuid[]), unnest($4::bigint[]),
            json_to_recordset($5::json) AS ({", ".join(f"{name} {kind}" for name, kind in _FACTS.items())})
        ) WITH ORDINALITY AS given (id, cost_nano, {", ".join(_FACTS)}, number)
    ),
    taken AS (
        DELETE FROM billing_hold AS hold
        USING unnest($3::uuid[], $4::bigint[]) AS ended (id, cost_nano),
            (SELECT count(*) AS number FROM locked) AS locks
        WHERE hold.id = ended.id AND hold.amount_nano >= ended.cost_nano AND locks.number >= 0
            AND (hold.amount_nano = 0 OR hold.account_id IN (SELECT account_id FROM locked))
        RETURNING hold.*
    ),
    moment AS MATERIALIZED (
        SELECT now, to_char(now AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
            || CASE to_char(now, 'US') WHEN '000000' THEN '' ELSE to_char(now, '.US') END
            || '+00:00' AS text
        FROM (SELECT clock_timestamp() AS now, count(*) FROM locked) AS clock
    ),
    settled AS MATERIALIZED (
        SELECT taken.*, given.number, given.cost_nano, locked.last_digest,
            locked.posted_nano - sum(given.cost_nano) OVER so_far AS balance_nano
        FROM taken JOIN given USING (id) LEFT JOIN locked USING (account_id)
        WINDOW so_far AS (PARTITION BY taken.account_id ORDER BY given.number)
    ),
    charged AS MATERIALIZED (
        SELECT settled.*, moment.now, billing_chained(last_digest, format(
                '[%s,"charge",-%s,%s,"%s","%s","","",null]',
                account_id, cost_nano, balance_nano, moment.text, id)) OVER so_far AS digest
        FROM settled, moment WHERE cost_nano > 0
        WINDOW so_far AS (PARTITION BY account_id ORDER BY number)
    ),
    entries AS (
        INSERT INTO billing_ledgerentry
            (account_id, kind, amount_nano, balance_nano, generation_id, created_at, digest)
        SELECT account_id, 'charge', -cost_nano, balance_nano, id, now, digest
        FROM charged ORDER BY number
    ),
    spending AS (
        INSERT INTO billing_spending AS spent (credential_kind, credential_id, day, spent_nano)
        SELECT credential_kind, credential_id, day, sum(cost_nano) FROM charged GROUP BY 1, 2, 3
        ON CONFLICT (credential_kind, credential_id, day)
            DO UPDATE SET spent_nano = spent.spent_nano + excluded.spent_nano
    ),
    changed AS (
        UPDATE billing_creditaccount AS account
        SET posted_nano = account.posted_nano - change.cost_nano,
            held_nano = account.held_nano - change.amount_nano,
            last_digest = COALESCE(change.digest, account.last_digest)
        FROM asked JOIN (
            SELECT settled.account_id, sum(settled.cost_nano) AS cost_nano,
                sum(settled.amount_nano) AS amount_nano,
                (array_agg(charged.digest ORDER BY charged.number DESC)
                    FILTER (WHERE charged.number IS NOT NULL))[1] AS digest
            FROM settled LEFT JOIN charged USING (number) GROUP BY settled.account_id
        ) AS change USING (account_id)
        WHERE account.account_id = asked.account_id
        RETURNING account.account_id, account.posted_nano, account.held_nano
    ),
    records AS (
        INSERT INTO billing_generation ({_RECORD}, cost_nano, write_off_nano)
        SELECT {_RECORD}, cost_nano, 0 FROM taken JOIN given USING (id)
    )
    SELECT settled.id, changed.posted_nano, changed.held_nano
    FROM settled LEFT JOIN changed USING (account_id)
"""


def hold(requests: Sequence[HoldRequest], *, process_id: uuid.UUID) -> dict[uuid.UUID, PlacedHold]:
    """Place the holds of those requests that are plain, and return these.

    Raises django.db.Error and TypeError, where the batch holds what cannot be stored.
    """
    mixed = {item.principal.account_id for item in requests if not _is_plain(item)}
    plain = {
        request.generation_id: request
        for request in requests
        if request.principal.account_id not in mixed
    }
    if not plain:
        return {}
    wanted: Counter[int] = Counter()
    rows = []
    for request in plain.values():
        principal = request.principal
        wanted[principal.account_id] += request.wanted_nano
        rows.append(
            {
                "id": request.generation_id,
                "account_id": principal.account_id,
                "amount_nano": request.wanted_nano,
                "process_id": process_id,
                "user_id": principal.user_id,
                "credential_kind": principal.credential_kind,
                "credential_id": principal.credential_id,
                "is_test": principal.is_test,
                "requested_model": request.model,
            }
        )
    placed, version = {}, credentials.version
    for generation_id, posted_nano, held_nano in prepared.rows(_HOLD, *_sums(wanted), _json(rows)):
        request = plain[generation_id]
        placed[generation_id] = PlacedHold(
            generation_id,
            request.principal.account_id,
            request.wanted_nano,
            posted_nano,
            posted_nano - held_nano,
        )
    _tell(((it.account_id, it.posted_nano, it.available_nano) for it in placed.values()), version)
    return placed


def settle(settlements: Sequence[Settlement]) -> dict[uuid.UUID, Settled]:
    """Resolve the holds of those settlements that are plain, and return what these came to.

    Raises django.db.Error and TypeError, where the batch holds what cannot be stored.
    """
    plain: dict[uuid.UUID, tuple[Settlement, Charge]] = {}
    mixed = set()
    for settlement in settlements:
        charge = _plain_charge(settlement)
        if charge is None or settlement.generation_id in plain:
            mixed.add(settlement.hold.account_id)
        else:
            plain[settlement.generation_id] = settlement, charge
    plain = {key: it for key, it in plain.items() if it[0].hold.account_id not in mixed}
    if not plain:
        return {}
    amounts: Counter[int] = Counter()
    version = credentials.version
    for settlement, _ in plain.values():
        amounts[settlement.hold.account_id] += settlement.hold.amount_nano
    rows = prepared.rows(
        _SETTLE,
        *_sums(amounts),
        array(generation_id.hex for generation_id in plain),
        array(charge.cost_nano for _, charge in plain.values()),
        _json([settlement.facts for settlement, _ in plain.values()]),
    )
    outcomes, changed = {}, []
    for generation_id, posted_nano, held_nano in rows:
        settlement, charge = plain[generation_id]
        before = settlement.hold
        if posted_nano is None:  # nothing was held, and nothing changes
            posted_nano, available_nano = before.posted_nano, before.available_nano
        else:
            available_nano = posted_nano - held_nano
            changed.append((before.account_id, posted_nano, available_nano))
        outcomes[generation_id] = Settled(charge.charged_nano, 0, posted_nano, available_nano)
    _tell(changed, version)
    return outcomes


def _is_plain(request: HoldRequest) -> bool:
    return (
        request.principal.budget is None
        and 0 <= request.least_nano <= request.wanted_nano <= MAX_AMOUNT_NANO
    )


def _plain_charge(settlement: Settlement) -> Charge | None:
    """Return the charge, where it is known without the account's balance, and leaves some of it."""
    hold_nano = settlement.hold.amount_nano
    if not 0 <= settlement.cost_nano <= MAX_AMOUNT_NANO:
        return None
    charge = charge_of(settlement.rule, settlement.cost_nano, hold_nano=hold_nano, available_nano=0)
    return charge if charge.cost_nano < max(1, hold_nano) else None


def _sums(amounts: Counter[int]) -> tuple[str, str]:
    """Return the accounts that have an amount, in the order of their ids, and the amounts."""
    found = sorted((account_id, amount) for account_id, amount in amounts.items() if amount)
    return array(account_id for account_id, _ in found), array(amount for _, amount in found)


def _json(rows: object) -> str:
    return orjson.dumps(rows).decode()


def _tell(accounts: Iterable[tuple[int, int, int]], version: int) -> None:
    """Let the memory of balances know on commit: account, posted, available; see `balances.note`."""
    known = {
        account_id: balances.Balance(posted_nano, posted_nano - available_nano)
        for account_id, posted_nano, available_nano in accounts
    }
    transaction.on_commit(partial(balances.note, known, version))
