"""The ledger in plain Python: what every balance has to be, worked out without any database."""

from dataclasses import dataclass, field


@dataclass
class ReferenceAccount:
    posted: int = 0
    came_in: int = 0
    used: int = 0
    holds: dict[int, int] = field(default_factory=dict)

    @property
    def held(self) -> int:
        return sum(self.holds.values())

    @property
    def available(self) -> int:
        return self.posted - self.held


class ReferenceLedger:
    """Accounts by number; holds by number too, each with its key, its process and its amount."""

    def __init__(self, accounts: int) -> None:
        self.accounts = [ReferenceAccount() for _ in range(accounts)]
        self.account_of: dict[int, int] = {}
        self.key_of: dict[int, int] = {}
        self.process_of: dict[int, str] = {}
        self.spent: dict[int, int] = {}
        self.dead: set[str] = set()

    def open_holds(self) -> list[int]:
        return [number for account in self.accounts for number in account.holds]

    def come_in(self, account: int, amount: int) -> bool:
        """Book what is neither charge nor write-off; say whether that is possible."""
        found = self.accounts[account]
        if found.available + amount < 0:
            return False
        found.posted += amount
        found.came_in += amount
        return True

    def hold(
        self,
        number: int,
        account: int,
        key: int,
        wanted: int,
        least: int,
        limit: int | None,
        process: str,
    ) -> int | None:
        """Return what is granted, or None; short of money, what dead processes hold is free."""
        granted = self._grant(account, key, wanted, least, limit)
        if granted is None and self._release_dead(account):
            granted = self._grant(account, key, wanted, least, limit)
        if granted is not None:
            self.account_of[number], self.key_of[number] = account, key
            self.process_of[number] = process
            self.accounts[account].holds[number] = granted
        return granted

    def settle(self, number: int, rule: str, cost: int) -> int | None:
        """Return what is charged, or None where the hold is open no more."""
        account = self.accounts[self.account_of[number]]
        if number not in account.holds:
            return None
        amount = account.holds.pop(number)
        charged = {
            "finished": min(cost, account.available),
            "cut": min(cost, amount),
            "void": 0,
        }[rule]
        account.posted -= charged
        account.used += charged
        key = self.key_of[number]
        self.spent[key] = self.spent.get(key, 0) + charged
        return charged

    def sweep(self) -> None:
        for account in range(len(self.accounts)):
            self._release_dead(account)

    def _grant(
        self, account: int, key: int, wanted: int, least: int, limit: int | None
    ) -> int | None:
        granted = min(wanted, self.accounts[account].available)
        if limit is not None and wanted:
            held = sum(
                amount
                for found in self.accounts
                for number, amount in found.holds.items()
                if self.key_of[number] == key
            )
            left = limit - self.spent.get(key, 0) - held
            if left < max(1, least):
                return None
            granted = min(granted, left)
        return granted if granted >= least else None

    def _release_dead(self, account: int) -> bool:
        holds = self.accounts[account].holds
        lost = [number for number in holds if self.process_of[number] in self.dead]
        for number in lost:
            del holds[number]
        return bool(lost)
