"""Serves the emulated upstreams over HTTP/1.1, each on a loopback port of its own."""

import logging
import socket
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from types import TracebackType
from typing import Self

from sandbox.ai_studio import AIStudioEmulator
from sandbox.core.controls import Settings
from sandbox.core.credentials import ServiceAccountKey
from sandbox.core.delivery import ClientGone, Delivery, is_aborting
from sandbox.core.exchange import Emulator, ProviderName, SandboxRequest, SandboxResponse
from sandbox.core.faults import Faults
from sandbox.core.request_log import RequestLog
from sandbox.core.scenario import Scenario
from sandbox.gigachat.emulator import GigaChatEmulator
from sandbox.openai_compatible.emulator import OpenAICompatibleEmulator

logger = logging.getLogger(__name__)

EMULATORS: tuple[Callable[[Settings, Scenario], Emulator], ...] = (
    GigaChatEmulator,
    AIStudioEmulator,
    OpenAICompatibleEmulator,
)
"""What a sandbox serves: the one place that names them all."""
_MAX_BODY_BYTES = 100 * 2**20
_IDLE_S = 75.0
_STOP_S = 5.0


class Sandbox:
    """All upstreams, running from `start()` to `stop()` or inside a `with`.

    `ports` are by the emulators' names; 0, and one that is not named, is any free port. `requests`, `faults`
    and `settings` are for tests: what came in, what is to go wrong next, and how the upstreams behave.
    """

    def __init__(
        self,
        ports: Mapping[ProviderName, int] | None = None,
        host: str = "127.0.0.1",
        scenario: Scenario | None = None,
    ) -> None:
        self.requests = RequestLog()
        self.faults = Faults()
        self.settings = Settings()
        speaking = scenario or Scenario()
        self.emulators = [emulator(self.settings, speaking) for emulator in EMULATORS]
        self._ports = ports or {}
        self._host = host
        self._servers: dict[ProviderName, _SandboxServer] = {}

    def origin(self, name: ProviderName) -> str:
        """Return scheme, host and port of a running emulator."""
        return self._servers[name].origin

    def environment(self) -> dict[str, str]:
        """Return the environment variables that point XRouter to the running emulators."""
        return {
            name: value
            for emulator in self.emulators
            for name, value in emulator.environment(self.origin(emulator.name)).items()
        }

    @property
    def gigachat_origin(self) -> str:
        """Return scheme, host and port of the emulated GigaChat."""
        return self.origin("gigachat")

    @property
    def yandex_origin(self) -> str:
        """Return scheme, host and port of the emulated YandexGPT and its IAM."""
        return self.origin("yandexgpt")

    @property
    def openai_origin(self) -> str:
        """Return scheme, host and port of the emulated OpenAI-compatible server."""
        return self.origin("openai_compatible")

    def service_account_key(self) -> ServiceAccountKey:
        """Return an authorized key that this sandbox accepts, generated on the first call."""
        [yandex] = (
            emulator for emulator in self.emulators if isinstance(emulator, AIStudioEmulator)
        )
        return yandex.service_accounts.key()

    def start(self) -> Self:
        """Begin to serve all upstreams. Raises OSError if a port is taken."""
        try:
            for emulator in self.emulators:
                port = self._ports.get(emulator.name, 0)
                server = _SandboxServer((self._host, port), emulator, self)
                self._servers[emulator.name] = server
                server.start()
        except OSError:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End all connections and free the ports."""
        while self._servers:
            _, server = self._servers.popitem()
            server.stop()

    def reset(self) -> None:
        """Forget requests and faults and restore the settings."""
        self.requests.clear()
        self.faults.clear()
        self.settings.reset()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class _SandboxServer(ThreadingTCPServer):
    """One emulator behind a port, a thread for each connection."""

    allow_reuse_address = True
    request_queue_size = 1024
    daemon_threads = True

    def __init__(self, address: tuple[str, int], emulator: Emulator, sandbox: Sandbox) -> None:
        super().__init__(address, _SandboxHandler)
        self.emulator = emulator
        self.sandbox = sandbox
        self.stopping = False
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        self._thread = threading.Thread(
            target=self.serve_forever, args=(0.1,), name=f"sandbox-{emulator.name}", daemon=True
        )

    @property
    def origin(self) -> str:
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.stopping = True
        self.shutdown()
        self._thread.join()
        with self._changed:
            for connection in self._open:
                _hang_up(connection)
            self._changed.wait_for(lambda: not self._open, timeout=_STOP_S)
        self.server_close()

    # socketserver's own hooks around the life of a connection.

    def process_request(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        if isinstance(request, socket.socket):
            with self._changed:
                self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        if not isinstance(request, socket.socket):
            return super().shutdown_request(request)
        # An orderly shutdown first would turn a reset into an end of the stream.
        if is_aborting(request):
            self.close_request(request)
        else:
            super().shutdown_request(request)
        with self._changed:
            self._open.discard(request)
            self._changed.notify_all()


class _SandboxHandler(BaseHTTPRequestHandler):
    """Reads requests from one connection and has them answered."""

    server: _SandboxServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _IDLE_S

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def _exchange(self) -> None:
        request = self._read_request()
        if request is None:
            self.close_connection = True
            return
        sandbox, emulator = self.server.sandbox, self.server.emulator
        recorded = sandbox.requests.record(emulator.name, request)
        try:
            with ExitStack() as held:
                delivery = Delivery(self.connection, recorded, sandbox.settings, held)
                if not delivery.deliver(self._answer(request, held)):
                    self.close_connection = True
        except ClientGone:
            self.close_connection = True
            if not self.server.stopping:
                recorded.closed_by_client_at = time.time()
        finally:
            self.connection.settimeout(self.timeout)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _exchange

    def _answer(self, request: SandboxRequest, held: ExitStack) -> SandboxResponse:
        sandbox, emulator = self.server.sandbox, self.server.emulator
        try:
            answer = emulator.answer(request, held)
        except Exception:
            logger.exception("The sandbox failed at %s %s", request.method, request.path)
            return emulator.refuse(500).answer
        fault = sandbox.faults.take(emulator.name, request.path) if answer.ok else None
        return answer if fault is None else fault.change(answer, emulator)

    def _read_request(self) -> SandboxRequest | None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            self.send_error(411)
            return None
        if int(length) > _MAX_BODY_BYTES:
            self.send_error(413)
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            return None
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = self.path.partition("?")[0]
        return SandboxRequest(self.command, path, headers, body, str(uuid.uuid4()))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Leave the log to those who read the request log."""


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        logger.debug("A connection was gone before the sandbox ended it")
