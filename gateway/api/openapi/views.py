"""The document as an answer of the API, and as a page for people."""

import functools

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from rest_framework.request import Request

from gateway.api.openapi.document import document
from gateway.api.view import JSONResponse, View


class OpenAPIView(View):
    """GET /v1/openapi.json; needs no key."""

    def get(self, request: Request) -> HttpResponse:
        return JSONResponse(orjson.Fragment(_encoded(settings.PUBLIC_URL)))


@require_safe
def api_reference(request: HttpRequest) -> HttpResponse:
    """Render the document with Swagger UI, all of whose files are our own static ones."""
    return render(request, "docs/api.html")


@functools.cache
def _encoded(public_url: str) -> bytes:
    return orjson.dumps(document(public_url))
