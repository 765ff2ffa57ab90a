"""The request that the landing shows, run as a reader runs it, is answered as the landing shows."""

import html
import os
import re
import subprocess
import sys

from tests.live.service import Service
from web.public.code_samples import KEY_PLACEHOLDER

GIVE_UP_S = 60


def test_the_python_of_the_landing_runs_without_money(service: Service):
    with service.http() as client:
        page = client.get("/").text
    found = re.search(r'<code id="sample-python">(.*?)</code>', page, re.DOTALL)
    assert found
    program = html.unescape(re.sub(r"<[^>]+>", "", found[1]))
    address = re.search(r'base_url="(.+?)/v1"', program)
    assert address
    program = program.replace(address[1], service.url)
    program = program.replace(KEY_PLACEHOLDER, service.fresh_key(balance="0"))
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        env={"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"},
        text=True,
        encoding="utf-8",
        timeout=GIVE_UP_S,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_no_answer_names_a_version_of_the_server(service: Service):
    with service.http() as client:
        for path in ("/", "/v1/models", "/health", "/static/theme.js"):
            assert client.get(path).headers.get_list("Server") == ["gunicorn"]


def test_an_answer_has_every_field_that_the_landing_shows(service: Service):
    with service.http() as client:
        answer = client.post(
            "/v1/chat/completions",
            json={"model": "gigachat-basic", "messages": [{"role": "user", "content": "Привет"}]},
        ).json()
        page = client.get("/").text
    figure = re.search(r"<figure.*?</figure>", page, re.DOTALL)
    assert figure
    text = html.unescape(re.sub(r"<[^>]+>", "", figure[0]))
    shown = set(re.findall(r'"([a-z_]+)":', text))
    assert shown == names(answer) & shown
    assert {"id", "model", "provider", "message", "content", "usage", "cost"} <= shown


def names(document: object) -> set[str]:
    """Return every name of a field in a JSON document."""
    if isinstance(document, list):
        return set().union(*map(names, document))
    if isinstance(document, dict):
        return set(document).union(*map(names, document.values()))
    return set()
