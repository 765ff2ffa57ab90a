"""The breaker of one credential or route, as a value and its transitions. Pure.

Closed, it counts failures; open, it rests; when the rest is over it lets one request at a time try, and
closes when PROBES_TO_CLOSE of them went well. Times are milliseconds of the store's clock.
"""

from dataclasses import dataclass, replace

from gateway.health.events import Effect, HealthEvent

FAILURES_TO_OPEN = 5
ASKED_FOR_A_RATIO = 20
PROBES_TO_CLOSE = 2
PROBE_MS = 10_000
"""When a probe expires unless its process renews it, so that the probe of a dead process is not lost."""
DEGRADED_FAILURES = 2
DEGRADED_MS = 30_000
IDLE_MS = 15 * 60_000
"""A breaker that was not used for so long counts as new."""
TOUCH_MS = 60_000
"""How often a use is recorded, so that a request that changes nothing else needs no write."""

FIRST_REST_MS, LONGEST_REST_MS = 3_000, 12_000
QUICK_REFUSALS = 4
"""After so many refusals in a row there is no rest yet: the next request is a probe at once."""
FIRST_REFUSED_MS, LONGEST_REFUSED_MS = 1_000, 16_000


@dataclass(frozen=True, slots=True)
class Breaker:
    """`open_until_ms` is 0 when it is closed; `failures` are those in a row since the last success."""

    failures: int = 0
    first_route: str = ""
    is_spread: bool = False
    openings: int = 0
    refusals: int = 0
    open_until_ms: int = 0
    oks: int = 0
    probe: str = ""
    probe_until_ms: int = 0
    busy_until_ms: int = 0
    failed_at_ms: int = 0
    touched_ms: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it is open or half-open."""
        return self.open_until_ms > 0

    def is_out(self, now_ms: int) -> bool:
        """Whether no request may pass now."""
        return self.rest_ms(now_ms) > 0

    def rest_ms(self, now_ms: int) -> int:
        """Return how long until a request may pass; 0: at once."""
        if not self.open_until_ms:
            return 0
        return max(0, self.open_until_ms - now_ms, self.probe_until_ms - now_ms)

    def is_degraded(self, now_ms: int) -> bool:
        """Whether it is closed although the last requests failed."""
        return (
            self.failures >= DEGRADED_FAILURES
            and not self.is_open
            and now_ms - self.failed_at_ms < DEGRADED_MS
        )

    def is_busy(self, now_ms: int) -> bool:
        """Whether the provider has answered "too many requests" and its time is not over."""
        return self.busy_until_ms > now_ms

    def is_calm(self, now_ms: int) -> bool:
        """Whether a success would leave it as it is."""
        return (
            self.open_until_ms == 0 and self.failures == 0 and now_ms - self.touched_ms < TOUCH_MS
        )

    def is_idle(self, now_ms: int) -> bool:
        return now_ms - self.touched_ms > IDLE_MS


def after(breaker: Breaker, event: HealthEvent, now_ms: int, *, asked: int, failed: int) -> Breaker:
    """Return the breaker after an event; `asked` and `failed` are the part's in the last minute or less.

    A credential opens only when its failures are not of one route alone: that route has its own breaker.
    """
    is_probe = event.probe != "" and event.probe == breaker.probe
    now = breaker
    if now_ms - breaker.touched_ms >= TOUCH_MS:
        now = replace(breaker, touched_ms=now_ms)
    if event.effect == "good" and not now.is_open:
        return replace(now, failures=0, first_route="", is_spread=False) if now.failures else now
    if is_probe:
        now = replace(now, probe="", probe_until_ms=0)
    match event.effect:
        case "good" if is_probe:
            if now.oks + 1 < PROBES_TO_CLOSE:
                return replace(now, oks=now.oks + 1)
            return Breaker(busy_until_ms=now.busy_until_ms, touched_ms=now_ms)
        case "bad":
            return _after_failure(now, event, now_ms, is_probe, asked, failed)
        case "refuse" if is_probe or not now.is_open:
            return _opened(now, "refuse", now_ms)
        case "busy":
            return replace(now, busy_until_ms=max(now.busy_until_ms, now_ms + event.retry_after_ms))
    return now


def claimed(breaker: Breaker, token: str, now_ms: int) -> Breaker | None:
    """Return the breaker with its probe claimed by `token`; None where no probe is due."""
    if not breaker.is_open or breaker.is_out(now_ms):
        return None
    return replace(breaker, probe=token, probe_until_ms=now_ms + PROBE_MS, touched_ms=now_ms)


def renewed(breaker: Breaker, now_ms: int) -> Breaker:
    """Return the breaker with its probe prolonged."""
    return replace(breaker, probe_until_ms=now_ms + PROBE_MS, touched_ms=now_ms)


def _after_failure(
    now: Breaker, event: HealthEvent, now_ms: int, is_probe: bool, asked: int, failed: int
) -> Breaker:
    if now.is_open:
        return _opened(now, "bad", now_ms) if is_probe else now
    now = replace(
        now,
        failed_at_ms=now_ms,
        failures=now.failures + 1,
        first_route=now.first_route if now.failures else event.route,
        is_spread=now.failures > 0 and (now.is_spread or event.route != now.first_route),
    )
    is_route = event.part.startswith("r/")
    in_a_row = now.failures >= FAILURES_TO_OPEN and (is_route or now.is_spread)
    by_ratio = is_route and asked >= ASKED_FOR_A_RATIO and 4 * failed >= 3 * asked
    return _opened(now, "bad", now_ms) if in_a_row or by_ratio else now


def _opened(breaker: Breaker, by: Effect, now_ms: int) -> Breaker:
    openings = breaker.openings + (by == "bad")
    refusals = breaker.refusals + (by == "refuse")
    rest_ms = _failed_rest_ms(openings) if by == "bad" else _refused_rest_ms(refusals)
    return replace(
        breaker,
        openings=openings,
        refusals=refusals,
        oks=0,
        open_until_ms=now_ms + rest_ms,
        failed_at_ms=now_ms,
    )


def _failed_rest_ms(openings: int) -> int:
    return min(LONGEST_REST_MS, FIRST_REST_MS << min(openings - 1, 20))


def _refused_rest_ms(refusals: int) -> int:
    if refusals <= QUICK_REFUSALS:
        return 0
    return min(LONGEST_REFUSED_MS, FIRST_REFUSED_MS << min(refusals - QUICK_REFUSALS - 1, 20))
