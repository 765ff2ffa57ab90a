"""Sign-in over https: names of cookies, and what Django's own check for deployment says."""

import json
import os
import subprocess
import sys

import pytest

from tests.servers import PROJECT

NAMES = (
    *("SESSION_COOKIE_NAME", "SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY"),
    *("SESSION_COOKIE_SAMESITE", "SESSION_COOKIE_DOMAIN", "SESSION_COOKIE_PATH"),
    *("CSRF_COOKIE_NAME", "CSRF_COOKIE_SECURE", "CSRF_COOKIE_DOMAIN", "CSRF_COOKIE_PATH"),
)
PRINT = f"""
import json, django
from django.conf import settings
print(json.dumps([getattr(settings, name) for name in {NAMES}]))
"""
SECRET_KEY = "k3Yq8vN1sT6wZ0xC4bM7jH2gF5dS9aPq-lOiUyTrEwQ_mNbVcXz"


def run(*arguments: str, public_url: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "DJANGO_SETTINGS_MODULE": "xrouter_site.settings",
        "PUBLIC_URL": public_url,
        "SECRET_KEY": SECRET_KEY,
        "EMAIL_URL": "smtp://mail.example.ru:25",
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT, env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("public_url", "prefix", "is_secure"),
    [("https://api.example.ru", "__Host-", True), ("http://localhost:8000", "", False)],
)
def test_cookies_belong_to_this_host_alone_where_it_is_https(public_url, prefix, is_secure):
    result = run("-c", PRINT, public_url=public_url)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == [
        *(f"{prefix}sessionid", is_secure, True, "Lax", None, "/"),
        *(f"{prefix}csrftoken", is_secure, None, "/"),
    ]


def test_the_check_for_deployment_finds_nothing():
    result = run(
        "manage.py", "check", "--deploy", "--fail-level", "WARNING",
        public_url="https://api.example.ru",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
