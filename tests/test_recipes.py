"""The recipes of CONTRIBUTING.md, followed: what they name is enough."""

import pathlib
import re
import shutil
import subprocess
import sys
from typing import Any

import pytest
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.test import Client
from django.urls import path

from gateway.moderation import seed
from gateway.moderation.search import Search
from tests.documents import PROJECT
from tests.gateway.customers import customer
from xrouter_site.urls import urlpatterns as site_urls

PACKAGES = ("xrouter_site", "web", "gateway", "billing", "accounts", "infra", "sandbox")
RECIPES = {
    "Add a provider": "tests/gateway/test_registry.py",
    "Add a request parameter": "tests/test_recipes.py",
    "Add an endpoint or a dialect": "tests/api/test_dialects.py",
    "Add a page": "tests/test_recipes.py",
    "Add a moderation rule": "tests/test_recipes.py",
}

# What the recipe of a parameter changes in code: file, a line of it, and what comes before that line.
PARAMETER = (
    (
        "gateway/api/schema/chat_request.py",
        "    seed: Annotated[int, WholeType(-(2**63), 2**63 - 1)] | None = None\n",
        "    typical_p: Fraction | None = None\n",
    ),
    (
        "gateway/api/schema/chat_request.py",
        "        seed=chat.seed,\n",
        "        typical_p=chat.typical_p,\n",
    ),
    (
        "gateway/providers/chat_types.py",
        "    seed: int | None = None\n",
        "    typical_p: float | None = None\n",
    ),
    ("gateway/providers/profile.py", '        "seed": None,\n', '        "typical_p": 1,\n'),
    ("gateway/providers/openai_compatible/payload.py", '    "seed",\n', '    "typical_p",\n'),
)
MODERATION_RULE = """
[[rules]]
name = "forbidden-fruit"
category = "illicit"
action = "block"
within_words = 3
words = "запретный плод"
near = "<get>, продать"
"""
PARAMETER_WORKS = """
import django
django.setup()
from dataclasses import replace
from gateway.api.schema.chat_request import read_completion_request
from gateway.api.schema.openapi.document import document
from gateway.pipeline.errors import InvalidParameter
from gateway.pipeline.routing.adaptation import adapt
from gateway.providers._shared.tool_names import ToolNames
from gateway.providers.errors import UnsupportedInput
from gateway.providers.gigachat.payload import completion_payload as gigachat
from gateway.providers.openai_compatible.payload import completion_payload as compatible
from gateway.providers.profile import ModelProfile, read_profile

def read(value):
    body = {"model": "x", "messages": [{"role": "user", "content": "hi"}], "typical_p": value}
    return read_completion_request(body, is_strict=False)

asked = read(0.5)
assert asked.ignored == ()
names = ToolNames(())
assert compatible(asked.request, upstream_id="x", names=names)["typical_p"] == 0.5
try:
    gigachat(asked.request, upstream_id="x", names=names)
except UnsupportedInput as error:
    assert error.param == "typical_p"
else:
    raise SystemExit("GigaChat took it.")
without = read_profile({}, context_tokens=100, max_output_tokens=50)
adapted, changes = adapt(asked.request, without)
assert adapted.typical_p is None
assert [str(change) for change in changes] == ["typical_p=ignored"]
assert adapt(read(1).request, without)[1] == ()
try:
    read(7)
except InvalidParameter as error:
    assert error.param == "typical_p"
else:
    raise SystemExit("7 was taken.")
schema = document("https://api.example.ru")["components"]["schemas"]["ChatCompletionRequest"]
assert "typical_p" in schema["properties"]
"""


def test_every_recipe_names_the_test_that_follows_it() -> None:
    text = (PROJECT / "CONTRIBUTING.md").read_text()
    sections = dict(re.findall(r"^## (Add .+?)\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL))

    assert set(sections) == set(RECIPES)
    assert [title for title, test in RECIPES.items() if f"`{test}`" not in sections[title]] == []


def test_a_parameter_is_added_in_at_most_five_files(tmp_path: pathlib.Path) -> None:
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / package, tmp_path / package, ignore=ignored)
    for file, line, before in PARAMETER:
        source = (tmp_path / file).read_text()
        assert source.count(line) == 1, f"{file}: {line}"
        (tmp_path / file).write_text(source.replace(line, before + line))

    result = subprocess.run(
        [sys.executable, "-c", PARAMETER_WORKS],
        cwd=tmp_path, env={"DJANGO_SETTINGS_MODULE": "xrouter_site.settings"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert result.returncode == 0, result.stderr
    assert len({file for file, _, _ in PARAMETER}) <= 5


@login_required
def example_page(request: HttpRequest) -> HttpResponse:
    return render(request, "cabinet/example.html")


urlpatterns = [path("cabinet/example/", example_page, name="example"), *site_urls]


@pytest.mark.django_db
def test_a_page_is_a_view_a_line_and_a_template(settings: Any, tmp_path: pathlib.Path) -> None:
    (tmp_path / "cabinet").mkdir()
    (tmp_path / "cabinet/example.html").write_text(
        '{% extends "cabinet/base.html" %}{% block title %}Example{% endblock %}'
        "{% block main %}<h1>Example</h1>{% endblock %}"
    )
    [engine] = settings.TEMPLATES
    settings.TEMPLATES = [engine | {"DIRS": [tmp_path, *engine["DIRS"]]}]
    settings.ROOT_URLCONF = __name__

    person = Client()
    customer(person)
    page = person.get("/cabinet/example/")

    assert page.status_code == 200
    assert "<h1>Example</h1>" in page.content.decode()
    assert 'href="/cabinet/keys/"' in page.content.decode()
    assert Client().get("/cabinet/example/").status_code == 302


def test_a_moderation_rule_is_a_block(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(seed.unsaved_rules())
    file = tmp_path / "seed.toml"
    file.write_text(seed.SEED_FILE.read_text() + MODERATION_RULE)
    monkeypatch.setattr(seed, "SEED_FILE", file)

    rules = seed.unsaved_rules()
    [broken] = Search([rules[-1].as_rule()]).find(["Продайте мне ЗАПРЕТНЫЕ\N{SOFT HYPHEN} плоды!"])

    assert len(rules) == before + 1
    rules[-1].full_clean(validate_unique=False, validate_constraints=False)
    assert broken.rule.category == "illicit"
    assert broken.excerpt == "Продайте мне ЗАПРЕТНЫЕ\N{SOFT HYPHEN} плоды!"
