"""The server of the sandbox: many connections, hang-ups, the request log, starting and stopping."""

import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests

from sandbox.core.exchange import Reported
from sandbox.server import Sandbox
from tests.sandbox.callers import GigaChatCaller, YandexCaller, question

ROOT = pathlib.Path(__file__).parents[2]
STREAM = {
    "model": "GigaChat-2",
    "messages": [{"role": "user", "content": "Привет"}],
    "stream": True,
}

UNDER_GEVENT = """
from gevent import monkey; monkey.patch_all()
import gevent, http.client, json
from urllib.parse import urlsplit
from sandbox.core.credentials import YANDEX_API_KEY, YANDEX_FOLDER_ID
from sandbox.server import Sandbox

BODY = json.dumps({
    "modelUri": f"gpt://{YANDEX_FOLDER_ID}/yandexgpt",
    "completionOptions": {"stream": True},
    "messages": [{"role": "user", "text": "Привет sandbox:slow=0.5"}],
})
HEADERS = {"Authorization": f"Api-Key {YANDEX_API_KEY}", "Content-Type": "application/json"}

with Sandbox() as sandbox:
    address = urlsplit(sandbox.yandex_origin)

    def ask(number):
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
        connection.request("POST", "/foundationModels/v1/completion", BODY, HEADERS)
        body = connection.getresponse().read()
        connection.close()
        return b"STATUS_FINAL" in body

    asking = [gevent.spawn(ask, number) for number in range(100)]
    gevent.joinall(asking, timeout=40)
    print(sum(bool(one.value) for one in asking))
"""


def test_an_exchange_is_recorded(sandbox: Sandbox, gigachat: GigaChatCaller) -> None:
    response = gigachat.chat(STREAM, headers={"X-Session-ID": "s-1"})
    oauth, recorded = sandbox.requests
    assert oauth.body == {"scope": "GIGACHAT_API_PERS"}
    assert (recorded.provider, recorded.method) == ("gigachat", "POST")
    assert recorded.path == "/api/v1/chat/completions"
    assert recorded.headers["x-session-id"] == "s-1"
    assert recorded.body == STREAM
    assert recorded.status == 200
    assert recorded.finished
    assert recorded.closed_by_client_at is None
    usage = json.loads(response.text.split("\n\n")[-3].removeprefix("data: "))["usage"]
    reported = Reported(usage["prompt_tokens"], usage["completion_tokens"])
    assert recorded.usage == reported
    assert sandbox.requests.usage() == {response.headers["X-Request-ID"]: reported}


def test_an_upload_is_recorded_without_its_bytes(
    sandbox: Sandbox, gigachat: GigaChatCaller
) -> None:
    gigachat.upload()
    (recorded,) = sandbox.requests.of("gigachat", "/files")
    assert recorded.body == {
        "file": {"filename": "cat.png", "type": "image/png", "bytes": 8},
        "purpose": "general",
    }


def test_the_journal_can_be_emptied(sandbox: Sandbox, yandex: YandexCaller) -> None:
    yandex.ask("Привет")
    assert len(sandbox.requests) == 1
    sandbox.requests.clear()
    assert list(sandbox.requests) == []


def test_a_connection_serves_many_requests(sandbox: Sandbox) -> None:
    address = urlsplit(sandbox.yandex_origin)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)
    ports = set()
    try:
        for _ in range(3):
            connection.request("POST", "/foundationModels/v1/completion", "{}")
            response = connection.getresponse()
            assert response.status == 401
            assert response.read()
            ports.add(connection.sock.getsockname()[1])
    finally:
        connection.close()
    assert len(ports) == 1


def test_a_body_without_a_length_is_refused(sandbox: Sandbox) -> None:
    url = f"{sandbox.yandex_origin}/foundationModels/v1/completion"
    with requests.Session() as session:
        session.trust_env = False
        response = session.post(url, data=iter([b"{}"]), timeout=20)
    assert response.status_code == 411


def test_five_hundred_streams_run_at_once(sandbox: Sandbox) -> None:
    everyone = threading.Barrier(500)
    body = question("Привет sandbox:slow=0.5", {"stream": True})

    def ask(_: int) -> bool:
        with YandexCaller(sandbox) as caller:
            everyone.wait(60)
            return b"STATUS_FINAL" in caller.complete(body, timeout=60).content

    with ThreadPoolExecutor(500) as pool:
        assert all(pool.map(ask, range(500)))
    assert sum(recorded.finished for recorded in sandbox.requests) == 500


def test_a_free_slot_is_free_at_once(sandbox: Sandbox, yandex: YandexCaller) -> None:
    sandbox.settings.yandex_parallel = 1
    for _ in range(30):
        assert yandex.ask("Привет")


def test_a_slot_is_freed_by_a_client_that_leaves(sandbox: Sandbox, yandex: YandexCaller) -> None:
    sandbox.settings.yandex_parallel = 1
    body = question("Привет sandbox:pause=30", {"stream": True})
    with yandex.complete(body, stream=True):
        assert yandex.complete(question("Привет")).status_code == 429
    ticking = threading.Event()
    for _ in range(200):
        if yandex.complete(question("Привет")).status_code == 200:
            break
        ticking.wait(0.05)
    else:
        pytest.fail("the slot was never freed")


def test_a_sandbox_can_be_stopped_amid_a_stream() -> None:
    with Sandbox() as sandbox, YandexCaller(sandbox) as caller:
        body = question("Привет sandbox:pause=30", {"stream": True})
        response = caller.complete(body, stream=True)
        sandbox.stop()
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            assert response.content
        assert sandbox.requests[-1].closed_by_client_at is None


def test_a_sandbox_can_be_started_again() -> None:
    sandbox = Sandbox()
    for _ in range(2):
        with sandbox, YandexCaller(sandbox) as caller:
            assert caller.ask("Привет")


def test_a_taken_port_is_an_error() -> None:
    with Sandbox() as first:
        taken = urlsplit(first.yandex_origin).port or 0
        second = Sandbox({"yandexgpt": taken})
        with pytest.raises(OSError, match="in use"):
            second.start()


def test_it_runs_under_gevent() -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNDER_GEVENT],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.stdout.strip(), done.stderr) == ("100", "")


def test_the_command_serves_until_it_is_interrupted() -> None:
    ports = [part for name in ("gigachat", "yandex", "openai") for part in (f"--{name}-port", "0")]
    command = [sys.executable, "manage.py", "sandbox", *ports]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        assert process.stdout is not None
        exported: dict[str, str] = {}
        while "YANDEX_IAM_URL" not in exported:
            line = process.stdout.readline()
            assert line, "the command ended early"
            name, _, value = line.removeprefix("export ").strip().partition("=")
            exported[name] = value
        with requests.Session() as session:
            session.trust_env = False
            models = session.get(f"{exported['GIGACHAT_BASE_URL']}/models", timeout=20)
            tokens = session.post(exported["YANDEX_IAM_URL"], json={}, timeout=20)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert models.status_code == 401
    assert tokens.status_code == 400


def test_the_command_says_which_port_cannot_be() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "sandbox", "--gigachat-port", "99999"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "port must be 0-65535" in done.stderr
    assert "Traceback" not in done.stderr
