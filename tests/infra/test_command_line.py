"""What is said of a command whose database is not there, or not made yet."""

import os
import pathlib
import subprocess
import sys

import pytest
from django.db import DatabaseError, OperationalError

from infra import command_line
from tests.servers import PROJECT

COMMANDS = (("issue_key", "anna@example.com"), ("audit_ledger",))


def said(url: str, *command: str, under: tuple[str, ...] = ()) -> str:
    """Return the one line that a command ends with on a database."""
    done = subprocess.run(
        [*under, sys.executable, "manage.py", *command],
        cwd=PROJECT,
        env={"PATH": "/usr/bin:/bin", "SECRET_KEY": "of-the-tests-alone-" + "0" * 40, "DATABASE_URL": url},
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    return line


@pytest.mark.parametrize("command", COMMANDS)
def test_a_database_that_is_away_is_named_in_one_line(command: tuple[str, ...]):
    line = said("postgres://nobody@127.0.0.1:9/none", *command)
    assert line.startswith("CommandError: DATABASE_URL names what cannot be used")
    assert "refused" in line


@pytest.mark.parametrize("command", COMMANDS)
def test_an_empty_database_is_told_to_be_migrated(command: tuple[str, ...], tmp_path: pathlib.Path):
    assert said(f"sqlite:///{tmp_path}/empty.sqlite3", *command).endswith("manage.py migrate")


def test_a_full_disk_is_not_told_to_be_migrated(tmp_path: pathlib.Path):
    no_room = ("prlimit", "--fsize=200000")
    line = said(f"sqlite:///{tmp_path}/full.sqlite3", "migrate", "-v0", under=no_room)
    assert line.startswith(
        "CommandError: migrate failed: d"
    )  # disk I/O error; database or disk is full


@pytest.mark.parametrize("argument", [b"anna\xff@example.com", "Анна".encode("cp1251")])
def test_an_argument_in_another_encoding_is_told(argument: bytes, tmp_path: pathlib.Path):
    line = said(f"sqlite:///{tmp_path}/none.sqlite3", "issue_key", os.fsdecode(argument))
    assert line.startswith("CommandError: an argument is not in UTF-8: ['issue_key', '")


@pytest.mark.django_db
def test_what_the_store_refuses_any_command_is_one_line(monkeypatch: pytest.MonkeyPatch):
    def fail(arguments: list[str]) -> None:
        raise OperationalError("database or\ndisk is full")

    monkeypatch.setattr(command_line._CommandLine, "execute", fail)
    with pytest.raises(
        SystemExit, match=r"CommandError: issue_key failed: database or disk is full$"
    ):
        command_line.execute(["manage.py", "issue_key"])


def test_ctrl_c_ends_a_command_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def interrupt(arguments: list[str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line._CommandLine, "execute", interrupt)
    with pytest.raises(SystemExit) as ended:
        command_line.execute(["manage.py", "audit_ledger"])
    assert ended.value.code == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.django_db
def test_a_fault_of_the_command_itself_is_not_hidden(monkeypatch: pytest.MonkeyPatch):
    def fail(arguments: list[str]) -> None:
        raise DatabaseError("no such column")

    monkeypatch.setattr(command_line._CommandLine, "execute", fail)
    with pytest.raises(DatabaseError, match="no such column"):
        command_line.execute([])
