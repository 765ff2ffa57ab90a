"""/robots.txt: search engines read the public pages, and nothing that is somebody's own."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

PRIVATE = ("/accounts/", "/admin/", "/api/", "/cabinet/", "/oauth/", "/v1/")


@require_safe
def robots_txt(request: HttpRequest) -> HttpResponse:
    """Answer in the form of RFC 9309."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in PRIVATE)]
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain; charset=utf-8")
