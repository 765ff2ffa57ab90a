"""What `manage.py doctor` says when the settings are refused: every wrong variable, not the first alone."""

import json
import os
import subprocess
import sys
from typing import NoReturn


def is_doctor() -> bool:
    """Say whether this process is `manage.py doctor`."""
    return [os.path.basename(word) for word in sys.argv[:2]] == ["manage.py", "doctor"]


def report(first: str) -> NoReturn:
    """Print a failure for each refused variable, in the forms of the command, and exit with status 1."""
    checks = []
    for refusal in _all(first):
        message, _, remedy = refusal.partition(": ")
        name = f"settings {refusal.partition(' ')[0]}"
        checks.append({"name": name, "status": "failure", "message": message, "remedy": remedy})
    if "--json" in sys.argv:
        sys.stdout.write(json.dumps({"checks": checks}, ensure_ascii=False, indent=2) + "\n")
    else:
        for check in checks:
            sys.stdout.write("FAILURE {name}: {message}. {remedy}\n".format_map(check))
    sys.exit(1)


def _all(first: str) -> list[str]:
    """Start again without the variables that were refused, until nothing new is."""
    environment, found = dict(os.environ), [first]
    while environment.pop(found[-1].partition(" ")[0], None) is not None:
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
        if again.returncode != 1 or "\n" in refusal or refusal in found:
            break
        found.append(refusal)
    return found
