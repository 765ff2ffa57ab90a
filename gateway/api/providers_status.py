"""GET /v1/providers/status: how the providers are, by the requests of the last five minutes."""

from typing import TypedDict

from django.http import HttpResponse
from rest_framework.request import Request

from gateway import upstreams
from gateway.api.view import JSONResponse, View
from gateway.health import monitor
from gateway.health.status import ProviderStatus, Word


class StatusCard(TypedDict):
    """A provider. `latency_ms` is the median time to the first token; None where nothing was measured."""

    status: Word
    latency_ms: int | None
    success_rate: float
    last_updated: str


class ProvidersStatusView(View):
    """Needs no key. Every provider that is served is there."""

    def get(self, request: Request) -> HttpResponse:
        found = monitor.current().status(upstreams.served(is_test=False))
        return JSONResponse({"data": {one.provider: _card(one) for one in found}})


def _card(status: ProviderStatus) -> StatusCard:
    return StatusCard(
        status=status.word,
        latency_ms=status.first_token_ms,
        success_rate=status.success_rate,
        last_updated=status.at.isoformat(),
    )
