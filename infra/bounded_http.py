"""A transport of `requests` with a total time and a size: its own time-outs count from byte to byte."""

import contextlib
import io
import socket
import ssl
import time
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from infra.cut_at import cut_at


class BoundedAdapter(HTTPAdapter):
    """Carries one request, within `total_s` from now and with an answer of `bytes_max` at most.

    Raises requests.ReadTimeout when the time is over, requests.ContentDecodingError at more bytes. With
    `tls` that context alone says whom to trust.
    """

    def __init__(
        self,
        *,
        connect_timeout_s: float,
        total_s: float,
        bytes_max: int,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._timeouts_s = connect_timeout_s, total_s
        self._deadline_s = time.monotonic() + total_s
        self._bytes_max = bytes_max
        self._tls = tls
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=self._tls)
        deadline_s = self._deadline_s

        class Plain(_Cut, HTTPConnection):
            end_s = deadline_s

        class Secure(_Cut, HTTPSConnection):
            end_s = deadline_s

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

    def cert_verify(self, *arguments: Any) -> None:
        if self._tls is None:
            super().cert_verify(*arguments)  # type: ignore[no-untyped-call]

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        try:
            response = super().send(request, stream=True, timeout=self._timeouts_s)
            with contextlib.closing(response.raw) as answer:
                body = answer.read(self._bytes_max + 1, decode_content=True)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            self._refuse_late(request, error)
            if isinstance(error, requests.RequestException):
                raise
            raise requests.ConnectionError(error, request=request) from error
        self._refuse_late(request)  # a head that was cut looks like one that has ended
        if len(body) > self._bytes_max:
            raise requests.exceptions.ContentDecodingError("The answer has too many bytes.")
        response.raw = io.BytesIO(body)
        return response

    def _refuse_late(
        self, request: requests.PreparedRequest, error: Exception | None = None
    ) -> None:
        if time.monotonic() >= self._deadline_s:
            raise requests.ReadTimeout(error, request=request) from error


class _Cut:
    """Mixes into a connection of urllib3's: it is shut down at its end, handshake and head included."""

    end_s: float
    _watch: contextlib.ExitStack | None = None

    def _new_conn(self) -> socket.socket:
        connected: socket.socket = super()._new_conn()  # type: ignore[misc]  # of what it is mixed into
        self._watch = contextlib.ExitStack()
        self._watch.enter_context(cut_at(self.end_s, connected))
        return connected

    def close(self) -> None:
        super().close()  # type: ignore[misc]
        if self._watch is not None:
            self._watch.close()
