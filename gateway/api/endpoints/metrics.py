"""GET /metrics: the service's metrics in Prometheus' text format."""

import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST

from accounts.client_address import is_loopback, is_trusted_proxy
from gateway.api.metrics.gauges import set_gauges
from gateway.api.metrics.stores import StoreMetrics
from infra import metrics

_FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP")


def metrics_page(request: HttpRequest) -> HttpResponse:
    """Answer who may read it; to all others there is nothing here, or a 401 where a token is set."""
    if not _may_read(request):
        if not settings.METRICS_TOKEN:
            return HttpResponse(status=404)
        return HttpResponse(status=401, headers={"WWW-Authenticate": 'Bearer realm="metrics"'})
    set_gauges()
    text = metrics.exposition(StoreMetrics())
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    """Whether the peer scrapes for itself, from this machine or as a proxy of ours, or has the token."""
    peer = request.META.get("REMOTE_ADDR", "")
    is_forwarded = any(header in request.headers for header in _FORWARDED)
    if not is_forwarded and (is_loopback(peer) or is_trusted_proxy(peer)):
        return True
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return (
        bool(settings.METRICS_TOKEN)
        and scheme.lower() == "bearer"
        and secrets.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
    )
