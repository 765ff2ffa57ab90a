"""GET /v1/providers/status: the health of each provider, measured on requests of the last five minutes."""

from typing import TypedDict

from django.http import HttpResponse
from rest_framework.request import Request

from gateway import upstreams
from gateway.api.json_response import JSONResponse
from gateway.api.view import View
from gateway.health import monitor
from gateway.health.status import ProviderStatus, Word


class ProviderStatusCard(TypedDict):
    """One provider. `latency_ms` is the median time to the first token; None without measurements."""

    status: Word
    latency_ms: int | None
    success_rate: float
    last_updated: str


class ProvidersStatusView(View):
    """Lists every provider that is served; no credential is needed."""

    def get(self, request: Request) -> HttpResponse:
        found = monitor.current().status(upstreams.served(is_test=False))
        return JSONResponse({"data": {status.provider: _card(status) for status in found}})


def _card(status: ProviderStatus) -> ProviderStatusCard:
    return ProviderStatusCard(
        status=status.word,
        latency_ms=status.first_token_ms,
        success_rate=status.success_rate,
        last_updated=status.at.isoformat(),
    )
