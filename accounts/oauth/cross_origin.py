"""CORS for any origin: no cookie counts on these paths."""

from django.http import HttpResponse

PREFLIGHT_MAX_AGE_S = 86_400


def preflight(methods: str) -> HttpResponse:
    """Answer a CORS preflight."""
    response = HttpResponse(status=204)
    response.headers["Access-Control-Allow-Methods"] = f"{methods}, OPTIONS"
    response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
    response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_MAX_AGE_S)
    return allow_any_origin(response)


def allow_any_origin(response: HttpResponse) -> HttpResponse:
    """Allow any origin to read the response."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
