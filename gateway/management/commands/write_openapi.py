"""The OpenAPI document as the file that is kept beside the code."""

from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand

from gateway.api.schema.openapi.document import document

PUBLIC_URL = "http://localhost:8000"
"""The default address: the file must not change with the environment of who writes it."""


def rendered() -> bytes:
    """Return the file as it should be."""
    return orjson.dumps(
        document(PUBLIC_URL), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    )


class Command(BaseCommand):
    """Write docs/openapi.json."""

    help = "Write docs/openapi.json from the code."

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.BASE_DIR) / "docs" / "openapi.json"
        path.write_bytes(rendered())
        self.stdout.write(str(path))
