"""The free and the paid tier, and the limits that a balance gives."""

from typing import Literal, NamedTuple

from django.conf import settings

from infra.credits import NANO_PER_CREDIT

FREE_REQUESTS, FREE_WINDOW_S, FREE_DAY_REQUESTS = 20, 60, 200
PAID_REQUESTS_MAX, PAID_WINDOW_S = 500, 1


class Tier(NamedTuple):
    """The limits of an account: `requests` in any rolling `window_s`, and so many at once.

    `day_requests` None means: as many a day as the window lets through.
    """

    name: Literal["free", "paid"]
    requests: int
    window_s: int
    day_requests: int | None
    concurrency: int

    @property
    def is_free(self) -> bool:
        return self.name == "free"


def tier_of(posted_nano: int) -> Tier:
    """Return the tier of a posted balance; the paid one allows a request a second per credit, rounded up."""
    if posted_nano <= 0:
        return Tier(
            "free", FREE_REQUESTS, FREE_WINDOW_S, FREE_DAY_REQUESTS, settings.FREE_CONCURRENCY
        )
    credits_begun = -(-posted_nano // NANO_PER_CREDIT)
    requests = min(PAID_REQUESTS_MAX, credits_begun)
    return Tier("paid", requests, PAID_WINDOW_S, None, settings.PAID_CONCURRENCY)
