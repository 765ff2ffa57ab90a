"""Is the service set up right?"""

import dataclasses
import json
import logging
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from gateway.doctor.examination import examine

MARKS = {"ok": "ok     ", "warning": "WARNING", "failure": "FAILURE"}


class Command(BaseCommand):
    """manage.py doctor [--json]: one line a check, exit status 1 on a failure.

    `--json` prints `{"checks": [{"name", "status", "message", "remedy"}]}`.
    """

    help = "Look at every setting, store, credential, certificate and clock, and say what to mend."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        logging.disable()  # what is wrong is told by the checks, a line each
        try:
            self._examine(is_json=options["json"])
        finally:
            logging.disable(logging.NOTSET)

    def _examine(self, *, is_json: bool) -> None:
        found = []
        for check in examine():
            found.append(check)
            if not is_json:
                self.stdout.write(
                    f"{MARKS[check.status]} {check.name}: {check.message} {check.remedy}"
                )
        if is_json:
            checks = [dataclasses.asdict(check) for check in found]
            self.stdout.write(json.dumps({"checks": checks}, ensure_ascii=False, indent=2))
        if any(check.status == "failure" for check in found):
            sys.exit(1)
