"""The house rules that no linter knows."""

import ast
import pathlib
import re
import subprocess
import sys
from collections import defaultdict

import pytest
from django.core.management import call_command

from tests.servers import variables

PROJECT = pathlib.Path(__file__).parent.parent
PACKAGES = ("xrouter_site", "web", "gateway", "billing", "accounts", "infra", "sandbox")
TREES = {
    path.relative_to(PROJECT): ast.parse(path.read_text())
    for package in PACKAGES
    for path in sorted((PROJECT / package).rglob("*.py"))
    if path.name != "__init__.py" and "migrations" not in path.parts
}
GIVEN_BY_DJANGO = {"Command", "Meta", "Migration"}

IMPORT_WITHOUT_DJANGO = """
import importlib, pkgutil, sys
for name in ("django", "rest_framework", "celery"):
    sys.modules[name] = None
for package in ("gateway.providers", "sandbox"):
    module = importlib.import_module(package)
    for found in pkgutil.walk_packages(module.__path__, package + "."):
        importlib.import_module(found.name)
        print(found.name)
"""


@pytest.mark.django_db
def test_no_change_of_a_model_lacks_its_migration():
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)


def test_adapters_and_sandbox_need_no_framework():
    result = subprocess.run(
        [sys.executable, "-c", IMPORT_WITHOUT_DJANGO],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "gateway.providers.base" in result.stdout


def test_the_example_environment_names_each_variable_once():
    files = ("xrouter_site/settings.py", "xrouter_site/payment_settings.py", "gunicorn.conf.py")
    source = "".join((PROJECT / file).read_text() for file in files)
    read = re.findall(r'(?:env[a-z_]*\.[a-z_]+|environ\.get|text)\(\s*"([A-Z_]+)"', source)
    named = variables()
    assert len(read) > 30
    assert sorted(set(named)) == sorted(named)
    assert set(read) <= set(named)


def test_a_module_says_what_lives_there():
    silent = [str(path) for path, tree in TREES.items() if not ast.get_docstring(tree)]
    assert silent == []


def test_no_class_name_is_defined_twice():
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name not in GIVEN_BY_DJANGO:
                places[node.name].append(f"{path}:{node.lineno}")
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
