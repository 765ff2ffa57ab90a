"""/.well-known/security.txt (RFC 9116): where to report a vulnerability."""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from web.public.manual import POLICY

GOOD_FOR = timedelta(days=90)


@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """Name the operator's address. Raises Http404 where none is set."""
    if not settings.SUPPORT_EMAIL:
        raise Http404
    expires = (datetime.now(UTC) + GOOD_FOR).replace(microsecond=0)
    lines = (
        f"Contact: mailto:{settings.SUPPORT_EMAIL}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: ru, en",
        f"Canonical: {settings.PUBLIC_URL}{request.path}",
        f"Policy: {settings.PUBLIC_URL}{POLICY['en'].address}",
    )
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
