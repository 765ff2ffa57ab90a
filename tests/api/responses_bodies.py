"""Bodies of OpenAI's Responses API, for its tests."""

import base64
from typing import Any

JSON = dict[str, Any]
PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
PICTURE = {"type": "input_image", "image_url": PNG}
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL: JSON = {
    "type": "function",
    "name": "get_weather",
    "description": "Погода в городе",
    "parameters": SCHEMA,
    "strict": True,
}
PATCH: JSON = {
    "type": "custom",
    "name": "apply_patch",
    "description": "Правка файлов",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
}
SEARCH = {"type": "web_search", "external_web_access": True}
NAMESPACE = {"type": "namespace", "name": "agents", "description": "", "tools": [TOOL]}


def user(*parts: Any) -> JSON:
    return {"role": "user", "content": list(parts)}


def text(words: str, kind: str = "input_text") -> JSON:
    return {"type": kind, "text": words}


def output(identity: str, given: Any) -> JSON:
    return {"type": "function_call_output", "call_id": identity, "output": given}
