"""/v1/model_map: the account's own names for models, read and replaced as a whole."""

from collections.abc import Mapping

from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from rest_framework.request import Request

from accounts import users
from accounts.audit.acting import acting, address_of
from accounts.errors import CredentialStoreUnavailable, InvalidModelMap
from accounts.model_map.changing import replace_entries
from accounts.model_map.stored import entries_of
from gateway.api.body import read_object
from gateway.api.json_response import JSONResponse
from gateway.api.schema.model_map import read_model_map
from gateway.api.schema.unknown_fields import ignored_header, ignored_of, is_strict
from gateway.api.view import View
from gateway.pipeline.admission.model_map import check_targets, without_effect
from gateway.pipeline.errors import InvalidParameter

PATH_NAME_MAX_CHARS = 64


class ModelMapView(View):
    """GET: the map. PUT: another in its place. Names that the catalogue knows have no effect and are named."""

    scope = "keys"

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]  # as in View
        if isinstance(exc, OperationalError | InterfaceError):
            exc = CredentialStoreUnavailable()
        if isinstance(exc, InvalidModelMap):
            path = _path(exc.name)
            exc = InvalidParameter(f"{path} {exc}", param=path)
        return super().handle_exception(exc)

    def get(self, request: Request) -> HttpResponse:
        return _answer(entries_of(self.caller.account_id))

    def put(self, request: Request) -> HttpResponse:
        body = read_model_map(read_object(request._request))
        ignored = ignored_of(request, body)
        entries = body.data or {}
        check_targets(entries)
        unused = [_path(name) for name in without_effect(entries)]
        if unused and is_strict(request):
            raise InvalidParameter(f"{unused[0]} means nothing here.", param=unused[0])
        with acting(self.caller.user_id, address_of(request._request)):
            replace_entries(users.account(self.caller.account_id), entries)
        return ignored_header(_answer(entries), [*ignored, *unused])


def _answer(entries: Mapping[str, str]) -> JSONResponse:
    return JSONResponse({"data": dict(entries)})


def _path(name: str) -> str:
    return f"data.{name[:PATH_NAME_MAX_CHARS]}" if name else "data"
