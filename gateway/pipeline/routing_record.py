"""Why a request went where it went, as `/v1/generation` tells it. Pure."""

from collections.abc import Sequence
from typing import Any

from gateway.pipeline.attempts import Skipped
from gateway.pipeline.router import Candidate, Routing

MOST_LEFT_OUT = 8
MOST_REASON_CHARACTERS = 200


def routing_record(
    routing: Routing, affordable: Sequence[Candidate], skipped: Sequence[Skipped]
) -> dict[str, Any]:
    """Return `{"strategy", "candidates": [{"provider", "model", "reasons"}], "left_out": [{…, "reason"}]}`.

    `affordable` are the candidates that the hold paid for; `skipped` those that were not asked after all.
    """
    paid = {(one.route.provider, one.model.id) for one in affordable}
    left_out = [
        *((one.provider, one.model, one.reason) for one in skipped),
        *(
            (one.route.provider, one.model.id, "the balance does not reach for it")
            for one in routing.candidates
            if (one.route.provider, one.model.id) not in paid
        ),
        *((one.provider, one.model, one.reason) for one in routing.left_out),
    ]
    return {
        "strategy": routing.strategy,
        "candidates": [
            {
                "provider": one.route.provider,
                "model": one.model.id,
                "reasons": list(one.reasons),
            }
            for one in routing.candidates
        ],
        "left_out": [
            {"provider": provider, "model": model, "reason": reason[:MOST_REASON_CHARACTERS]}
            for provider, model, reason in left_out[:MOST_LEFT_OUT]
        ],
    }
