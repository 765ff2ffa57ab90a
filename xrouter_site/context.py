"""What every page shows of the service itself: where it is reached, who runs it, where help is."""

from django.conf import settings
from django.http import HttpRequest

from infra.request_id import request_id


def site(request: HttpRequest) -> dict[str, str]:
    """Return the variables that each template has."""
    return {
        "public_url": settings.PUBLIC_URL,
        "operator_name": settings.OPERATOR_NAME,
        "support_email": settings.SUPPORT_EMAIL,
        "support_telegram": settings.SUPPORT_TELEGRAM,
        "support_issues_url": settings.SUPPORT_ISSUES_URL,
        "request_id": request_id.get(),
    }
