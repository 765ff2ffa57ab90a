"""Bodies of Anthropic's Messages API, and how events are read."""

import base64
from typing import Any

import orjson

JSON = dict[str, Any]
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
SERVER_TOOL = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
HELLO = [{"role": "user", "content": "Привет"}]


def user(*content: Any) -> JSON:
    return {"role": "user", "content": list(content)}


def events_of(body: bytes) -> list[JSON]:
    """Return the events of a stream, comments left out; each name must be its data's type."""
    events = []
    for frame in body.decode().strip().split("\n\n"):
        if frame.startswith(":"):
            continue
        name, _, data = frame.removeprefix("event: ").partition("\ndata: ")
        events.append(orjson.loads(data))
        assert events[-1]["type"] == name
    return events
