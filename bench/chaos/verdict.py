"""The verdict: the books against what the callers saw, and against a ledger of plain Python."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from bench.chaos.plan import ACCOUNTS
from bench.chaos.run import AskOutcome, ChaosStory
from tests.live.service import Service, manage

REVOKED_WITHIN_S = 2.0
UPSTREAM_TROUBLE = {"upstream error", "upstream cut", "upstream silent"}


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A row of the ledger."""

    id: int
    account_id: int
    kind: str
    amount_nano: int
    balance_nano: int
    generation_id: uuid.UUID | None
    payment_id: str


@dataclass(frozen=True, slots=True)
class GenerationRow:
    """A settled request, and the price that it names."""

    id: uuid.UUID
    account_id: int
    is_test: bool
    is_cancelled: bool
    tokens_prompt: int
    tokens_completion: int
    tokens_cached: int
    cost_nano: int
    write_off_nano: int
    finish_reason: str
    error_code: str
    prompt_nano: int | None
    completion_nano: int | None
    cached_nano: int | None

    @property
    def is_free(self) -> bool:
        """Whether it is of a test key, or was refused or lost."""
        lost_or_refused = (
            self.error_code == "process_lost" or self.finish_reason == "content_filter"
        )
        return self.is_test or lost_or_refused

    @property
    def tokens_cost_nano(self) -> int:
        """What the tokens cost by the price; nothing where no provider was chosen."""
        if self.prompt_nano is None or self.completion_nano is None or self.cached_nano is None:
            return 0
        return (
            (self.tokens_prompt - self.tokens_cached) * self.prompt_nano
            + self.tokens_cached * self.cached_nano
            + self.tokens_completion * self.completion_nano
        )


class ChaosVerdict:
    """Counts what is checked, and collects what is violated."""

    def __init__(self, service: Service, story: ChaosStory) -> None:
        self.checks: Counter[str] = Counter()
        self.violations: list[str] = []
        self._story = story
        self._service = service
        self._entries = [LedgerRow(*row) for row in self._rows("billing_ledgerentry", LedgerRow)]
        self._generations = {
            row[0]: GenerationRow(*row)
            for row in self._rows(
                "billing_generation LEFT JOIN billing_price ON billing_price.id = price_id",
                GenerationRow,
            )
        }

    def reach(self) -> None:
        """Check everything."""
        self._expect("the audit finds no drift", "drift 0" in self._audit(), "see audit_ledger")
        self._no_hold_is_left()
        self._entries_replay()
        self._payments_are_credited_once()
        self._charges_are_tokens_times_price()
        self._callers_were_charged_what_they_were_told()
        self._refunds_are_of_charges()
        self._answers_are_of_the_contract()
        self._revoked_keys_are_refused()

    def _rows(self, table: str, kind: type) -> list[tuple[Any, ...]]:
        qualified = {"id": f"{table.split()[0]}.id"}
        columns = ", ".join(qualified.get(field.name, field.name) for field in fields(kind))
        return self._service.query(f"SELECT {columns} FROM {table} ORDER BY 1")

    def _audit(self) -> str:
        try:
            return manage(self._service.environment, "audit_ledger")
        except AssertionError as error:
            return str(error)

    def _expect(self, rule: str, holds: bool, what: object) -> None:
        self.checks[rule] += 1
        if not holds:
            self.violations.append(f"{rule}: {what}")

    def _no_hold_is_left(self) -> None:
        for table in ("billing_hold", "billing_creditaccount WHERE held_nano <> 0"):
            left = self._service.query(f"SELECT * FROM {table}")
            self._expect("no hold is left", not left, left)

    def _entries_replay(self) -> None:
        posted: defaultdict[int, int] = defaultdict(int)
        for entry in self._entries:
            posted[entry.account_id] += entry.amount_nano
            stands = posted[entry.account_id] == entry.balance_nano >= 0
            self._expect("every entry's balance is the sum so far", stands, entry)
        kept = self._service.query("SELECT account_id, posted_nano FROM billing_creditaccount")
        for account_id, posted_nano in kept:
            is_right = posted[account_id] == posted_nano
            self._expect("posted is the sum of the entries", is_right, account_id)

    def _payments_are_credited_once(self) -> None:
        credited = Counter(
            (entry.payment_id, entry.account_id, entry.amount_nano)
            for entry in self._entries
            if entry.kind == "top_up"
        )
        expected = Counter((payment, *of) for payment, of in self._story.payments.items())
        for payment in credited | expected:
            is_once = credited[payment] == expected[payment] == 1
            self._expect("every payment is credited once", is_once, payment)

    def _charges_are_tokens_times_price(self) -> None:
        free = {
            account_id
            for account, account_id in zip(ACCOUNTS, self._story.accounts, strict=True)
            if account.is_free
        }
        charges: defaultdict[uuid.UUID, list[int]] = defaultdict(list)
        for entry in self._entries:
            if entry.kind == "charge" and entry.generation_id is not None:
                charges[entry.generation_id].append(-entry.amount_nano)
        for generation_id in charges:
            is_known = generation_id in self._generations
            self._expect("a charge is of a generation", is_known, generation_id)
        for generation in self._generations.values():
            found = charges[generation.id]
            is_once = found == ([generation.cost_nano] if generation.cost_nano else [])
            self._expect("a generation is charged once", is_once, generation)
            is_due = not (generation.is_free or generation.account_id in free)
            due_nano = generation.tokens_cost_nano if is_due else 0
            self._expect(
                "a charge is tokens times price", generation.cost_nano == due_nano, generation
            )
        asked = len(self._story.outcomes)
        is_so = len(self._generations) <= asked
        self._expect("nobody is served twice", is_so, (len(self._generations), asked))

    def _callers_were_charged_what_they_were_told(self) -> None:
        for outcome in self._story.outcomes:
            if outcome.cost is None:
                continue
            generation = self._generations.get(_id_of(outcome))
            rule = "a good answer costs what it says"
            if generation is None or generation.error_code == "process_lost":
                # Its worker may be killed between a late settlement's promise and its commit.
                is_free = generation is not None and generation.cost_nano == 0
                self._expect(rule, is_free, outcome.answer.headers)
                continue
            charged_nano = generation.cost_nano - generation.write_off_nano
            self._expect(rule, outcome.cost * 10**9 == charged_nano, (outcome.cost, generation))
            if outcome.ask.kind != "revoked key":
                account_id = self._story.accounts[outcome.ask.account_number]
                self._expect("who asks pays", generation.account_id == account_id, generation)

    def _refunds_are_of_charges(self) -> None:
        refunds = [entry for entry in self._entries if entry.kind == "refund"]
        done = Counter(entry.generation_id.hex for entry in refunds if entry.generation_id)
        for generation_id in self._story.refunds_done | done.keys():
            is_once = done[generation_id] == 1 and generation_id in self._story.refunds_asked
            self._expect("a refund is paid once", is_once, generation_id)
        for entry in refunds:
            of = self._generations[entry.generation_id] if entry.generation_id else None
            is_whole = of is not None and entry.amount_nano == of.cost_nano - of.write_off_nano
            self._expect("a refund is of the charge", is_whole, entry)

    def _answers_are_of_the_contract(self) -> None:
        for outcome in self._story.outcomes:
            is_known = (outcome.answer.status, outcome.code) in set(self._allowed(outcome))
            seen = (
                outcome.ask.kind,
                outcome.answer.status,
                outcome.code,
                outcome.answer.body[:300],
            )
            self._expect("an answer is of the contract", is_known, seen)

    def _allowed(self, outcome: AskOutcome) -> Iterator[tuple[int, str | None]]:
        """Yield the statuses and codes that such a caller may see."""
        yield 200, None
        if self._story.kills and not outcome.answer.is_whole:
            yield outcome.answer.status, None
        if outcome.has_left:
            for status in (0, 401, 402, 429, 503):  # 0: it left before it read anything
                yield status, None
        yield 402, "insufficient_credits"
        yield 429, "rate_limit_exceeded"
        yield 429, "concurrency_limit_exceeded"
        if self._story.restarts:
            yield 503, "service_unavailable"
            yield 503, "overloaded"  # while a store comes back, those who wait are many
        if any(item.ask.kind in UPSTREAM_TROUBLE for item in self._story.outcomes):
            yield 503, "no_provider_available"  # a provider that failed is left alone for a while
        if outcome.key in self._story.revoked:
            yield 401, "invalid_api_key"
            if outcome.ask.stream:
                yield 200, "invalid_api_key"  # it ran when its key ended
        if outcome.ask.kind in UPSTREAM_TROUBLE:
            for code in ("provider_error", "provider_timeout"):
                yield 200, code
            yield 502, "provider_error"
            yield 504, "provider_timeout"
            yield 429, "provider_busy"
            yield 400, "invalid_request"

    def _revoked_keys_are_refused(self) -> None:
        for outcome in self._story.outcomes:
            revoked_at = self._story.revoked.get(outcome.key)
            if revoked_at is not None and outcome.sent_at > revoked_at + REVOKED_WITHIN_S:
                is_refused = outcome.answer.status in (0, 401, 503)
                self._expect("a revoked key is refused", is_refused, outcome.answer.status)


def _id_of(outcome: AskOutcome) -> uuid.UUID:
    return uuid.UUID((outcome.answer.generation_id or "").removeprefix("gen-"))
