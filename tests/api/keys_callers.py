"""Who calls /v1/keys."""

from typing import Any

import orjson
import pytest
from django.test import Client

from tests.accounts.oauth_clients import App, new_app, person
from tests.api.documented import check

ANNA = "anna@example.ru"


class KeysCaller:
    """An application that a person let manage their keys."""

    def __init__(self, email: str = "natasha@example.ru", scope: str = "keys") -> None:
        self.app: App = new_app()
        self.user = person(email)
        self.token = self.app.token(self.user, scope=scope)

    def call(
        self, method: str, path: str = "", body: Any = None, query: str = "", **headers: str
    ) -> Any:
        return Client().generic(
            method,
            f"/v1/keys{path}{query}",
            body if isinstance(body, str) else orjson.dumps(body) if body is not None else b"",
            content_type="application/json" if body is not None else "",
            headers={"Authorization": f"Bearer {self.token}"} | headers,
        )

    def create(self, **body: Any) -> dict[str, Any]:
        response = self.call("POST", body={"name": "Продажи"} | body)
        assert response.status_code == 201, response.content
        check(response.json(), "CreatedKey")
        created: dict[str, Any] = response.json()
        return created


@pytest.fixture
def caller() -> KeysCaller:
    return KeysCaller()


def refused(response: Any, status: int, code: str, param: str | None = None) -> None:
    assert response.status_code == status, response.content
    check(response.json(), "Error")
    error = response.json()["error"]
    assert (error["code"], error["param"]) == (code, param)
