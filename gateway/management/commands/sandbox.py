"""`manage.py sandbox`: serve the emulated upstreams until interrupted."""

import signal
import threading
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gateway.sandbox.credentials import (
    GIGACHAT_CREDENTIALS,
    GIGACHAT_SCOPE,
    OPENAI_COMPATIBLE_API_KEY,
    YANDEX_API_KEY,
    YANDEX_FOLDER_ID,
)
from gateway.sandbox.server import Sandbox

_GIGACHAT_PORT, _YANDEX_PORT, _OPENAI_PORT = 9801, 9802, 9803


class Command(BaseCommand):
    """Serves all provider protocols on loopback and prints how to point XRouter at them."""

    help = "Serve emulators of all providers until interrupted."
    requires_system_checks: list[str] = []  # noqa: RUF012

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--gigachat-port", type=int, default=_GIGACHAT_PORT)
        parser.add_argument("--yandex-port", type=int, default=_YANDEX_PORT)
        parser.add_argument("--openai-port", type=int, default=_OPENAI_PORT)

    def handle(self, *args: Any, **options: Any) -> None:
        stopped = threading.Event()

        def stop(number: int, frame: FrameType | None) -> None:
            stopped.set()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        try:
            with Sandbox(
                options["gigachat_port"], options["yandex_port"], options["openai_port"]
            ) as sandbox:
                self.stdout.write(_environment(sandbox))
                self.stdout.flush()
                stopped.wait()
        except OSError as error:
            raise CommandError(f"The sandbox cannot listen: {error}") from error


def _environment(sandbox: Sandbox) -> str:
    variables = {
        "GIGACHAT_CREDENTIALS": GIGACHAT_CREDENTIALS,
        "GIGACHAT_SCOPE": GIGACHAT_SCOPE,
        "GIGACHAT_AUTH_URL": f"{sandbox.gigachat_origin}/api/v2/oauth",
        "GIGACHAT_BASE_URL": f"{sandbox.gigachat_origin}/v1",
        "YANDEX_API_KEY": YANDEX_API_KEY,
        "YANDEX_FOLDER_ID": YANDEX_FOLDER_ID,
        "YANDEX_BASE_URL": sandbox.yandex_origin,
        "YANDEX_IAM_URL": f"{sandbox.yandex_origin}/iam/v1/tokens",
    }
    exports = "\n".join(f"export {name}={value}" for name, value in variables.items())
    return (
        f"# GigaChat is emulated at {sandbox.gigachat_origin}, YandexGPT at "
        f"{sandbox.yandex_origin},\n# an OpenAI-compatible server at {sandbox.openai_origin}/v1 with the key "
        f"{OPENAI_COMPATIBLE_API_KEY}.\n# Run XRouter with this environment to be answered by them; "
        f"Ctrl+C stops them.\n{exports}"
    )
