"""The checker of the books: everything that is kept in two places, computed again from its rows.

Generations that were old enough to be deleted are not asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

MOST_FINDINGS_A_RULE = 100

RULES = {
    "posted is the sum of the entries": """
        SELECT 'account ' || account_id, SUM(kept), SUM(counted) FROM (
            SELECT account_id, posted_nano AS kept, 0 AS counted FROM billing_creditaccount
            UNION ALL SELECT account_id, 0, amount_nano FROM billing_ledgerentry
        ) AS both_sides GROUP BY account_id HAVING SUM(kept) <> SUM(counted)
    """,
    "held is the sum of the open holds": """
        SELECT 'account ' || account_id, SUM(kept), SUM(counted) FROM (
            SELECT account_id, held_nano AS kept, 0 AS counted FROM billing_creditaccount
            UNION ALL SELECT account_id, 0, amount_nano FROM billing_hold
        ) AS both_sides GROUP BY account_id HAVING SUM(kept) <> SUM(counted)
    """,
    "available is not negative": """
        SELECT 'account ' || account_id, posted_nano, held_nano FROM billing_creditaccount
        WHERE posted_nano < held_nano OR held_nano < 0
    """,
    "an entry's balance is the sum of the entries so far": """
        SELECT 'entry ' || id, balance_nano, running FROM (
            SELECT id, balance_nano,
                SUM(amount_nano) OVER (PARTITION BY account_id ORDER BY id) AS running
            FROM billing_ledgerentry
        ) AS entries WHERE balance_nano <> running
    """,
    "a generation's cost is its charge": """
        SELECT 'generation ' || generation.id, generation.cost_nano, COALESCE(-entry.amount_nano, 0)
        FROM billing_generation AS generation LEFT JOIN billing_ledgerentry AS entry
            ON entry.generation_id = generation.id AND entry.kind = 'charge'
            AND entry.account_id = generation.account_id
        WHERE generation.cost_nano <> COALESCE(-entry.amount_nano, 0)
    """,
    "a generation's write-off is an entry": """
        SELECT 'generation ' || generation.id, generation.write_off_nano,
            COALESCE(entry.amount_nano, 0)
        FROM billing_generation AS generation LEFT JOIN billing_ledgerentry AS entry
            ON entry.generation_id = generation.id AND entry.kind = 'write_off'
            AND entry.account_id = generation.account_id
        WHERE generation.write_off_nano <> COALESCE(entry.amount_nano, 0)
    """,
    "a charge is of a generation": """
        SELECT 'entry ' || entry.id, entry.amount_nano, 0 FROM billing_ledgerentry AS entry
        WHERE entry.kind = 'charge'
        AND entry.generation_id >= COALESCE((SELECT kept_from FROM billing_usagewatermark),
            '00000000-0000-0000-0000-000000000000')
        AND NOT EXISTS (
            SELECT 1 FROM billing_generation AS generation
            WHERE generation.id = entry.generation_id AND generation.account_id = entry.account_id)
    """,
    "what is settled is held no more": """
        SELECT 'hold ' || hold.id, hold.amount_nano, 0 FROM billing_hold AS hold
        WHERE EXISTS (SELECT 1 FROM billing_generation AS generation WHERE generation.id = hold.id)
    """,
    "a credential's spending is the sum of its generations": """
        SELECT credential_kind || ' ' || credential_id || ' on ' || day, SUM(kept), SUM(counted)
        FROM (
            SELECT credential_kind, credential_id, day, spent_nano AS kept, 0 AS counted
            FROM billing_spending
            UNION ALL SELECT credential_kind, credential_id, day, 0, cost_nano - write_off_nano
            FROM billing_generation
        ) AS both_sides
        WHERE day >= COALESCE((SELECT kept_day FROM billing_usagewatermark), '0001-01-01')
        GROUP BY credential_kind, credential_id, day HAVING SUM(kept) <> SUM(counted)
    """,
}


@dataclass(frozen=True, slots=True)
class Drift:
    """Two places that say different things, in nano-credits; `expected` is what the rows add up to."""

    rule: str
    subject: str
    found: int
    expected: int

    def __str__(self) -> str:
        return f"{self.rule}: {self.subject} has {self.found}, and {self.expected} is right"


def find_drift() -> Iterator[Drift]:
    """Check every rule, and yield what breaks it; the first hundred of each.

    Every rule is one statement, and sees one moment; in one snapshot they all see the same.
    """
    for rule, query in RULES.items():
        with connection.cursor() as cursor:
            cursor.execute(f"{query} LIMIT {MOST_FINDINGS_A_RULE}")
            for subject, found, expected in cursor.fetchall():
                yield Drift(rule, subject, int(found), int(expected))
