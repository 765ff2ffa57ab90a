"""Plain HTTP callers of the two emulated upstreams, written from the vendors' reference alone."""

import json
import time
import uuid
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import jwt
import requests

from sandbox.core.credentials import (
    GIGACHAT_CREDENTIALS,
    GIGACHAT_SCOPE,
    YANDEX_API_KEY,
    YANDEX_FOLDER_ID,
    ServiceAccountKey,
)
from sandbox.server import Sandbox

TIMEOUT_S = 60
IAM_AUDIENCE = "https://iam.api.cloud.yandex.net/iam/v1/tokens"


class SandboxCaller:
    """A session that ignores the proxies of the environment."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.session = requests.Session()
        self.session.trust_env = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.session.close()


class GigaChatCaller(SandboxCaller):
    """Calls the GigaChat emulator with a token of its own."""

    _token: str | None = None

    @property
    def token(self) -> str:
        if self._token is None:
            self._token = str(self.oauth().json()["access_token"])
        return self._token

    def oauth(
        self, headers: dict[str, str | None] | None = None, **request: Any
    ) -> requests.Response:
        sent: dict[str, str | None] = {
            "RqUID": str(uuid.uuid4()),
            "Authorization": f"Basic {GIGACHAT_CREDENTIALS}",
            "Accept": "application/json",
        }
        request.setdefault("data", {"scope": GIGACHAT_SCOPE})
        return self.session.post(
            f"{self.sandbox.gigachat_origin}/api/v2/oauth",
            headers={k: v for k, v in {**sent, **(headers or {})}.items() if v is not None},
            **{"timeout": TIMEOUT_S, **request},
        )

    def call(
        self,
        method: str,
        path: str,
        *,
        base: str = "/api/v1",
        headers: dict[str, str] | None = None,
        **request: Any,
    ) -> requests.Response:
        return self.session.request(
            method,
            f"{self.sandbox.gigachat_origin}{base}{path}",
            headers={"Authorization": f"Bearer {self.token}", **(headers or {})},
            **{"timeout": TIMEOUT_S, **request},
        )

    def chat(self, body: dict[str, Any], **request: Any) -> requests.Response:
        return self.call("POST", "/chat/completions", json=body, **request)

    def ask(self, text: str, **fields: Any) -> dict[str, Any]:
        """Return the whole answer to one user message."""
        response = self.chat(
            {"model": "GigaChat-2", "messages": [{"role": "user", "content": text}], **fields}
        )
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def stream(self, text: str, **fields: Any) -> list[dict[str, Any]]:
        """Return the events of a whole stream, which must end in `[DONE]`."""
        body = {"model": "GigaChat-2", "messages": [{"role": "user", "content": text}]}
        response = self.chat({**body, "stream": True, **fields})
        assert response.status_code == 200, response.text
        events = list(sse(response.content))
        assert events.pop() == "[DONE]"
        return [json.loads(event) for event in events]

    def upload(self, name: str = "cat.png", kind: str = "image/png") -> str:
        response = self.call(
            "POST",
            "/files",
            files={"file": (name, b"\x89PNG\r\n--", kind)},
            data={"purpose": "general"},
        )
        assert response.status_code == 200, response.text
        return str(response.json()["id"])


class YandexCaller(SandboxCaller):
    """Calls the Yandex emulator with the sandbox's API key."""

    def call(
        self, path: str, body: Any, *, headers: dict[str, str | None] | None = None, **request: Any
    ) -> requests.Response:
        sent: dict[str, str | None] = {"Authorization": f"Api-Key {YANDEX_API_KEY}"}
        return self.session.post(
            f"{self.sandbox.yandex_origin}{path}",
            json=body,
            headers={k: v for k, v in {**sent, **(headers or {})}.items() if v is not None},
            **{"timeout": TIMEOUT_S, **request},
        )

    def complete(self, body: dict[str, Any], **request: Any) -> requests.Response:
        return self.call("/foundationModels/v1/completion", body, **request)

    def ask(self, text: str, options: dict[str, Any] | None = None, **fields: Any) -> Any:
        """Return the `result` of one user message."""
        response = self.complete(question(text, options, **fields))
        assert response.status_code == 200, response.text
        return response.json()["result"]

    def stream(self, text: str, options: dict[str, Any] | None = None, **fields: Any) -> list[Any]:
        """Return the `result` of every line of a stream."""
        response = self.complete(question(text, {"stream": True, **(options or {})}, **fields))
        assert response.status_code == 200, response.text
        return [json.loads(line)["result"] for line in response.content.splitlines()]

    def exchange(self, key: ServiceAccountKey, **changes: Any) -> requests.Response:
        """Exchange a JWT for an IAM token; `changes` spoil claims, `header_…` the header."""
        now = int(time.time())
        claims = {
            "iss": key["service_account_id"],
            "aud": IAM_AUDIENCE,
            "iat": now,
            "exp": now + 3600,
            **{k: v for k, v in changes.items() if not k.startswith("header_")},
        }
        token = jwt.encode(
            {name: value for name, value in claims.items() if value is not None},
            changes.get("header_secret", key["private_key"]),
            algorithm=changes.get("header_alg", "PS256"),
            headers={"kid": changes.get("header_kid", key["id"])},
        )
        return self.call("/iam/v1/tokens", {"jwt": token}, headers={"Authorization": None})


def question(text: str, options: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """Return the body of a Yandex completion with one user message."""
    return {
        "modelUri": model_uri("yandexgpt"),
        "completionOptions": {"stream": False, **(options or {})},
        "messages": [{"role": "user", "text": text}],
        **fields,
    }


def model_uri(model: str, scheme: str = "gpt") -> str:
    return f"{scheme}://{YANDEX_FOLDER_ID}/{model}"


def sse(body: bytes) -> Iterator[str]:
    """Yield the data of each event of a finished SSE body."""
    assert body.endswith(b"\n\n")
    for event in body.decode().split("\n\n")[:-1]:
        assert event.startswith("data: ")
        yield event.removeprefix("data: ")
