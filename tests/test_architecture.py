"""The house rules that no linter knows."""

import ast
import pathlib
import re
import subprocess
import sys

import pytest
from django.core.management import call_command

from tests.servers import variables

PROJECT = pathlib.Path(__file__).parent.parent
PACKAGES = ("xrouter_site", "accounts", "billing", "gateway")
MODULES = sorted(
    path.relative_to(PROJECT)
    for package in PACKAGES
    for path in (PROJECT / package).rglob("*.py")
    if path.name != "__init__.py" and "migrations" not in path.parts
)

IMPORT_WITHOUT_DJANGO = """
import importlib, pkgutil, sys
for name in ("django", "rest_framework", "celery"):
    sys.modules[name] = None
for package in ("gateway.providers", "gateway.sandbox"):
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
    source = (PROJECT / "xrouter_site/settings.py").read_text()
    source += (PROJECT / "gunicorn.conf.py").read_text()
    read = re.findall(r'(?:env\.[a-z_]+|environ\.get|number)\(\s*"([A-Z_]+)"', source)
    named = variables()
    assert len(read) > 30
    assert sorted(set(named)) == sorted(named)
    assert set(read) <= set(named)


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_is_short_and_says_what_lives_there(path):
    source = (PROJECT / path).read_text()
    assert len(source.splitlines()) <= 300
    assert ast.get_docstring(ast.parse(source))
