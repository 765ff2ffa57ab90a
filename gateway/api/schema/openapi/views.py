"""The document as an answer of the API."""

import functools

import orjson
from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request

from gateway.api.json_response import JSONResponse
from gateway.api.schema.openapi.document import document
from gateway.api.view import View


class OpenAPIView(View):
    """GET /v1/openapi.json; needs no key."""

    def get(self, request: Request) -> HttpResponse:
        return JSONResponse(orjson.Fragment(_encoded(settings.PUBLIC_URL)))


@functools.cache
def _encoded(public_url: str) -> bytes:
    return orjson.dumps(document(public_url))
