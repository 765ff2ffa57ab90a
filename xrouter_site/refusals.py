"""What `manage.py doctor` says when the settings are refused: every wrong variable, not the first alone."""

import json
import os
import subprocess
import sys
from typing import NoReturn

STAND_INS = {
    "DATABASE_URL": "postgres://localhost/xrouter",
    "REDIS_URL": "redis://localhost",
    "SECRET_KEY": "".join(map(chr, range(ord("0"), ord("z")))),
    "YANDEX_FOLDER_ID": "folder",
    "YOOKASSA_SHOP_ID": "1",
    "YOOKASSA_SECRET_KEY": "secret",
}
"""What is read for a refused variable that others need: without it they would be refused in its place."""


def is_doctor() -> bool:
    """Say whether this process is `manage.py doctor`."""
    return [os.path.basename(word) for word in sys.argv[:2]] == ["manage.py", "doctor"]


def report(first: str) -> NoReturn:
    """Print a failure for each refused variable, in the forms of the command, and exit with status 1."""
    checks = []
    for refusal in _all(first):
        message, _, remedy = refusal.partition(": ")
        name = f"settings {_variable(refusal)}"
        checks.append({"name": name, "status": "failure", "message": message, "remedy": remedy})
    if "--json" in sys.argv:
        sys.stdout.write(json.dumps({"checks": checks}, ensure_ascii=False, indent=2) + "\n")
    else:
        for check in checks:
            sys.stdout.write("FAILURE {name}: {message}. {remedy}\n".format_map(check))
    sys.exit(1)


def _all(first: str) -> list[str]:
    """Start again without the values that were refused, until nothing new is."""
    environment, found = dict(os.environ), {_variable(first): first}
    refused = _variable(first)
    while True:
        environment.pop(refused, None)
        if refused in STAND_INS:
            environment[refused] = STAND_INS[refused]
        again = subprocess.run(
            [
                sys.executable,
                "-c",
                "import xrouter_site; from django.conf import settings; settings.DEBUG",
            ],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        refusal = again.stderr.strip()
        refused = _variable(refusal)
        if again.returncode != 1 or "\n" in refusal or refused in found:
            return list(found.values())
        found[refused] = refusal


def _variable(refusal: str) -> str:
    return refusal.partition(" ")[0]
