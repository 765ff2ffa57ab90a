"""What the document says in prose, and its examples: by operation and by error code, in texts.json."""

from pathlib import Path
from typing import Any

import orjson

JSONObject = dict[str, Any]

_TEXTS: JSONObject = orjson.loads(Path(__file__).with_name("texts.json").read_bytes())

OPERATION_TEXTS: dict[str, JSONObject] = _TEXTS["operations"]
"""Operation id → `summary`, `description`, `answer`, and the examples of body and answer."""

ERROR_TEXTS: dict[str, JSONObject] = _TEXTS["errors"]
"""Error code → `when` it comes, and the `message`, `param` and `metadata` of its `example`."""
