"""A plain HTTP caller of the emulated OpenAI-compatible server, written from OpenAI's reference alone."""

import json
from typing import Any

import requests

from sandbox.core.credentials import OPENAI_COMPATIBLE_API_KEY
from tests.sandbox.callers import TIMEOUT_S, SandboxCaller, sse

USER = {"role": "user", "content": "Сколько планет?"}


class OpenAICaller(SandboxCaller):
    """Calls the emulator with the sandbox's key."""

    def call(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str | None] | None = None,
        **request: Any,
    ) -> requests.Response:
        sent: dict[str, str | None] = {"Authorization": f"Bearer {OPENAI_COMPATIBLE_API_KEY}"}
        return self.session.request(
            method,
            f"{self.sandbox.openai_origin}/v1{path}",
            headers={k: v for k, v in {**sent, **(headers or {})}.items() if v is not None},
            **{"timeout": TIMEOUT_S, **request},
        )

    def chat(self, body: Any, **request: Any) -> requests.Response:
        return self.call("POST", "/chat/completions", json=body, **request)

    def ask(self, text: str, **fields: Any) -> dict[str, Any]:
        """Return the whole answer to one user message."""
        response = self.chat(chat_body(text, **fields))
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def stream(self, text: str, **fields: Any) -> list[dict[str, Any]]:
        """Return the events of a whole stream, which must end in `[DONE]`."""
        response = self.chat(chat_body(text, **{"stream": True, **fields}))
        assert response.status_code == 200, response.text
        events = list(sse(response.content))
        assert events.pop() == "[DONE]"
        return [json.loads(event) for event in events]


def chat_body(text: str = "Сколько планет?", **changes: Any) -> dict[str, Any]:
    """Return a good body with changes; an ellipsis drops a field."""
    turn = {"role": "user", "content": text}
    body = {"model": "qwen3-8b", "messages": [turn], **changes}
    return {name: value for name, value in body.items() if value is not ...}


def text_of(events: list[dict[str, Any]]) -> str:
    deltas = [event["choices"][0]["delta"] for event in events if event["choices"]]
    return "".join(delta.get("content") or "" for delta in deltas)
