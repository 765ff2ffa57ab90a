"""A process that moves money until it is told to stop, or is killed.

Usage: python -m tests.billing.money_worker MODE THREADS ARGUMENT...

It prints `ready`, waits for a line on its standard input, does what MODE says in all its threads at once,
and prints what came of it as one line of JSON. The `naive_…` modes read, check
and write, as one must not. In the environment, POOL_SIZE caps its connections, and with GEVENT its
threads are greenlets.
"""

import os

from gevent import monkey

if os.environ.get("GEVENT"):
    monkey.patch_all()

import json
import random
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xrouter_site.settings_test")
django.setup()

from django.db import connection, transaction  # noqa: E402
from django.db.models import F  # noqa: E402

from accounts.models import Account  # noqa: E402
from billing.errors import AlreadySettled, BillingError, InsufficientCredits  # noqa: E402
from billing.ledger import ledger, writer  # noqa: E402
from billing.ledger.charges import ChargeRule  # noqa: E402
from billing.ledger.holds import PlacedHold  # noqa: E402
from billing.models import CreditAccount  # noqa: E402
from billing.models import Hold as HoldRow  # noqa: E402
from tests.billing.payers import ask, end, payer  # noqa: E402


def main(mode: str, threads: int, *arguments: str) -> None:
    if pool_size := os.environ.get("POOL_SIZE"):
        connection.settings_dict["OPTIONS"]["pool"] |= {"min_size": 1, "max_size": int(pool_size)}
    work = MODES[mode](*arguments)
    connection.close()
    together = threading.Barrier(threads)
    results: list[object] = []

    def run() -> None:
        together.wait()
        results.append(work(together))
        connection.close()

    running = [threading.Thread(target=run) for _ in range(threads)]
    tell("ready")
    sys.stdin.readline()
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    tell(json.dumps(results))


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


RULES: tuple[ChargeRule, ...] = ("finished", "finished", "cut", "void")

Work = Callable[[threading.Barrier], object]


def hold(account_id: str, amount_nano: str) -> Work:
    """Hold once through the writer; say whether that was granted."""
    principal = payer(Account.objects.get(pk=account_id))

    def work(together: threading.Barrier) -> bool:
        try:
            patiently(ask(principal, int(amount_nano)))
        except InsufficientCredits:
            return False
        return True

    return work


def patiently(request: ledger.HoldRequest) -> PlacedHold:
    """Hold without the second's patience of a caller, for a machine that is slow today."""
    return writer._holds.submit(request, timeout_s=60)


def naive_hold(account_id: str, amount_nano: str) -> Work:
    def work(together: threading.Barrier) -> bool:
        account = CreditAccount.objects.get(pk=int(account_id))
        together.wait()
        if account.posted_nano - account.held_nano < int(amount_nano):
            return False
        account.held_nano += int(amount_nano)
        account.save()
        return True

    return work


def settle(account_id: str, hold_id: str, cost_nano: str) -> Work:
    """Settle one and the same hold; say whether it was this thread that did."""
    settlement = end(PlacedHold(uuid.UUID(hold_id), int(account_id), 0, 0, 0), int(cost_nano))

    def work(together: threading.Barrier) -> bool:
        try:
            writer.settle(settlement, timeout_s=60)
        except AlreadySettled:
            return False
        return True

    return work


def naive_settle(account_id: str, hold_id: str, cost_nano: str) -> Work:
    def work(together: threading.Barrier) -> bool:
        is_open = HoldRow.objects.filter(id=hold_id).exists()
        together.wait()
        if is_open:
            posted = F("posted_nano") - int(cost_nano)
            CreditAccount.objects.filter(pk=int(account_id)).update(posted_nano=posted)
        return is_open

    return work


def stop_at(account_id: str, failpoint: str) -> Work:
    """Go as far as the failpoint, say which hold it is about, and wait there to be killed."""
    principal = payer(Account.objects.get(pk=account_id))

    def work(together: threading.Barrier) -> None:
        held = patiently(ask(principal, 10**9))
        if failpoint == "settlement_not_committed":
            with transaction.atomic():
                ledger.settle([end(held, 10**9)])
                wait_at_failpoint(held)
        if failpoint == "settlement_committed":
            writer.settle(end(held, 10**9), timeout_s=60)
        wait_at_failpoint(held)

    return work


def wait_at_failpoint(held: PlacedHold) -> None:
    tell(held.generation_id.hex)
    time.sleep(60)


def leave_in_haste(account_id: str, number: str) -> Work:
    """Queue settlements that nobody waits for, and end as at a SIGTERM."""
    principal = payer(Account.objects.get(pk=account_id))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

    def work(together: threading.Barrier) -> None:
        holds = [patiently(ask(principal, 1)) for _ in range(int(number))]
        for held in holds:
            writer._settlements.post(end(held, 1))
        os.kill(os.getpid(), signal.SIGTERM)

    return work


def obey(account_id: str) -> Work:
    """Hold and settle as the lines of the standard input say, and tell what came of each."""
    principal = payer(Account.objects.get(pk=account_id))
    holds: list[PlacedHold] = []

    def work(together: threading.Barrier) -> None:
        for line in sys.stdin:
            try:
                if line == "hold\n":
                    holds.append(writer.hold(ask(principal, 10**9)))
                else:
                    writer.settle(end(holds.pop(), 10**9), timeout_s=1)
                tell("done")
            except BillingError as error:
                tell(type(error).__name__)

    return work


def trade(seed: str, *account_ids: str) -> Work:
    """Hold and settle at random, with answers of every kind, until killed."""
    principals = [
        payer(account, key_id=key_id)
        for account in Account.objects.filter(pk__in=account_ids)
        for key_id in (1, 2)
    ]
    chance = random.Random(seed)

    def work(together: threading.Barrier) -> None:
        while True:
            wanted = chance.randrange(10**9)
            try:
                held = patiently(ask(chance.choice(principals), wanted, wanted // 2))
            except InsufficientCredits:
                continue
            rule = chance.choice(RULES)
            if chance.random() < 0.9:
                settlement = end(held, chance.randrange(2 * 10**9), rule)
                writer.settle(settlement, timeout_s=chance.choice((0.001, 60)))

    return work


MODES: dict[str, Callable[..., Work]] = {
    function.__name__: function
    for function in (hold, naive_hold, settle, naive_settle, stop_at, leave_in_haste, obey, trade)
}

if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
