"""GET /health, /health/ready and /health/live: whether this process serves, and whether it answers at all."""

from django.http import HttpRequest, JsonResponse

from gateway.api.readiness import report
from infra.version import VERSION


def ready(request: HttpRequest) -> JsonResponse:
    """Answer `{"status", "version", "parts", "jobs"}`: 200, or 503 without a database that the code can use.

    Redis and the jobs are shown and decide nothing: requests go on without them.
    """
    found = report()
    is_ready = found["parts"].get("migrations") == "applied"
    status = "ok" if is_ready else "unavailable"
    document = {"status": status, "version": VERSION, **found}
    return JsonResponse(document, status=200 if is_ready else 503)


def live(request: HttpRequest) -> JsonResponse:
    """Answer 200; no store is asked."""
    return JsonResponse({"status": "ok", "version": VERSION})
