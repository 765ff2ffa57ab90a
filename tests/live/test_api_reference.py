"""The Python examples of the API reference, run as a reader runs them, are answered and not refused."""

import html
import os
import re
import subprocess
import sys

import pytest

from tests.live.service import Service
from web.public.code_samples import KEY_PLACEHOLDER

GIVE_UP_S = 120
SECTIONS = (
    "chat",
    "responses",
    "embeddings",
    "moderations",
    "models",
)  # Anthropic's client: see clients/


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_python_of_the_reference_runs(service: Service, language: str):
    with service.http() as client:
        pages = [
            client.get(f"/docs/api/{section}/", headers={"Accept-Language": language}).text
            for section in SECTIONS
        ]
    programs = [
        html.unescape(re.sub(r"<[^>]+>", "", found))
        for page in pages
        for found in re.findall(r'<code id="sample-\w+-python">(.*?)</code>', page, re.DOTALL)
    ]
    program = "\n".join(programs).replace(KEY_PLACEHOLDER, service.fresh_key(balance="100"))
    program = re.sub(r"http://localhost:\d+", service.url, program)
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        env={"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"},
        text=True,
        encoding="utf-8",
        timeout=GIVE_UP_S,
    )
    assert done.returncode == 0, done.stderr
    assert "'error'" not in done.stdout
    assert len(done.stdout.splitlines()) >= len(programs) == 12
