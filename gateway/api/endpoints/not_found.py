"""Any path of the API that is none: which one was asked for, and which is the nearest."""

import re
from difflib import get_close_matches
from typing import Any

from rest_framework.request import Request

from gateway.api.errors import BadRequest
from gateway.api.schema.openapi.operations import OPERATIONS
from gateway.api.view import View

MAX_PATH_CHARACTERS = 100
LEAST_LIKENESS = 0.6
_PATHS = tuple(dict.fromkeys(operation.path for operation in OPERATIONS))
_UNPRINTABLE = re.compile(r"[^!-~]")


class NotFoundView(View):
    """Any path under /v1 that is none of ours."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method != "OPTIONS":  # a browser whose preflight fails hides the refusal
            raise self.refusal(request)
        super().initial(request, *args, **kwargs)

    def refusal(self, request: Request) -> BadRequest:
        """Return what is said of the path."""
        path = _UNPRINTABLE.sub("?", request.path[:MAX_PATH_CHARACTERS])
        nearest = nearest_path(path)
        where = "GET /v1/openapi.json lists all paths."
        if nearest is not None:
            where = f"The nearest path is {nearest}."
        return BadRequest(f"There is nothing at {path}. {where}", status=404, code="not_found")


def nearest_path(path: str) -> str | None:
    """Return the path of the API that is most like `path`, under the same prefix; None if none is like it."""
    prefix = "/api" if path.startswith("/api/") else ""
    found = get_close_matches(path.removeprefix("/api"), _PATHS, n=1, cutoff=LEAST_LIKENESS)
    return prefix + found[0] if found else None
