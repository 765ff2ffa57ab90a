"""The units of money, and the bounds that every amount of it keeps."""

from zoneinfo import ZoneInfo

NANO_PER_CREDIT = 1_000_000_000
MAX_AMOUNT_NANO = 10**18
"""No movement and no cost is larger, so that eight of them, and their sums, fit a BIGINT."""
MAX_BALANCE_NANO = 8 * MAX_AMOUNT_NANO
MOSCOW = ZoneInfo("Europe/Moscow")
