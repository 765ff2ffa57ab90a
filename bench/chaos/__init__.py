"""Chaos: money under random requests, random kills and restarted stores, checked to the last nano-credit.

`.venv/bin/python -m bench.chaos --seed 1 --requests 10000 --seconds 600`

A gunicorn with several workers serves over a PostgreSQL and a Redis of its own, the sandbox for its
upstreams. One seed draws the operations: plain and streamed answers, clients that leave, upstreams that
fail, cut or fall silent, top-ups told of twice, refunds, keys exchanged, stores restarted. Every two
seconds a random worker is killed, where one serves. Afterwards all leases lapse, one sweep runs, and
the books are compared with what the callers saw and with a ledger of plain Python (`verdict`). The seed
stands in the report; the exit status is 1 when anything is violated.
"""
