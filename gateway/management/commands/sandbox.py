"""`manage.py sandbox`: serve the emulated upstreams until interrupted."""

import signal
import threading
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from sandbox.core.credentials import OPENAI_COMPATIBLE_API_KEY
from sandbox.server import Sandbox


class Command(BaseCommand):
    """Serves all provider protocols on loopback and prints how to point XRouter at them."""

    help = "Serve emulators of all providers until interrupted."
    requires_system_checks: list[str] = []  # noqa: RUF012

    def add_arguments(self, parser: CommandParser) -> None:
        for emulator in Sandbox().emulators:
            parser.add_argument(f"--{emulator.port_name}-port", type=int, default=emulator.port)

    def handle(self, *args: Any, **options: Any) -> None:
        stopped = threading.Event()

        def stop(number: int, frame: FrameType | None) -> None:
            stopped.set()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        try:
            ports = {
                emulator.name: options[f"{emulator.port_name}_port"]
                for emulator in Sandbox().emulators
            }
            with Sandbox(ports) as sandbox:
                self.stdout.write(_environment(sandbox))
                self.stdout.flush()
                stopped.wait()
        except (OSError, OverflowError) as error:  # no port has such a number
            raise CommandError(f"The sandbox cannot listen: {error}") from error


def _environment(sandbox: Sandbox) -> str:
    lines = [
        f"# {emulator.title} is emulated at {sandbox.origin(emulator.name)}"
        for emulator in sandbox.emulators
    ]
    lines += [
        f"# The OpenAI-compatible server has its paths under /v1 and asks for {OPENAI_COMPATIBLE_API_KEY}.",
        "# Run XRouter with this environment to be answered by them; Ctrl+C stops them.",
    ]
    lines += [f"export {name}={value}" for name, value in sandbox.environment().items()]
    return "\n".join(lines)
