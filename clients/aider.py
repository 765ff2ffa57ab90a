"""aider, as a program: one message in a git repository of its own, with a streamed answer and a whole one."""

import os
import pathlib
import subprocess
import sys
import tempfile

from clients import trial

PROGRAM = pathlib.Path(sys.executable).with_name("aider")
OPTIONS = (
    "--yes-always", "--no-pretty", "--no-auto-commits", "--no-gitignore", "--no-detect-urls",
    "--no-check-update", "--no-show-release-notes", "--no-show-model-warnings", "--analytics-disable",
)  # fmt: skip


def chat(model: str) -> trial.Answered:
    ways = ("--stream", "--no-stream")
    return trial.Answered({way: trial.ANSWER in _printed(model, way) for way in ways})


def _printed(model: str, way: str) -> str:
    """Return what the program prints. Raises CalledProcessError."""
    command = [
        PROGRAM, *OPTIONS, way, f"--model=openai/{model}", f"--openai-api-base={trial.BASE_URL}",
        f"--openai-api-key={trial.API_KEY}", f"--message={trial.QUESTION}",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as repository:
        _run(["git", "init", "--quiet"], repository)
        return _run(command, repository)


def _run(command: list[str | pathlib.Path], folder: str) -> str:
    done = subprocess.run(  # noqa: S603
        command,
        cwd=folder,
        env=os.environ | {"HOME": folder},
        check=True,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    return done.stdout


trial.run("aider-chat", "litellm", "openai", chat=chat)
