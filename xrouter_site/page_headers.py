"""The headers of every page: what it may load, a nonce of its own, and who may keep it."""

from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_cache_control

PERSONAL = ("/cabinet/", "/accounts/", "/admin/")
"""Paths whose pages are about one person: no shared cache may keep them."""


class PageHeadersMiddleware(CSPMiddleware):
    """The content security policy, with a nonce in every answer, and who may cache it.

    It stands before what may refuse a request early, so that such an answer has them too.
    """

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        str(request.csp_nonce)  # type: ignore[attr-defined]  # made now, for the header needs it

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        answer: HttpResponseBase = super().process_response(request, response)
        answer.headers.setdefault("X-Content-Type-Options", "nosniff")
        answer.headers.setdefault("Referrer-Policy", "same-origin")
        if request.path_info.startswith(PERSONAL):
            patch_cache_control(answer, private=True)
        return answer
