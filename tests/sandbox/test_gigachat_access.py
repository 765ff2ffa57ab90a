"""What GigaChat refuses before it reads a chat: tokens, headers, paths; and its other endpoints."""

import base64
import http.client
import json
import time
import uuid
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandbox.core.credentials import GIGACHAT_CREDENTIALS, GIGACHAT_SCOPE
from sandbox.server import Sandbox
from tests.sandbox.callers import GigaChatCaller

CHAT = {"model": "GigaChat-2", "messages": [{"role": "user", "content": "Привет"}]}
OTHER_KEY = base64.b64encode(f"{uuid.uuid4()}:{uuid.uuid4()}".encode()).decode()

OAUTH_REFUSALS: dict[str, tuple[dict[str, Any], dict[str, Any], int, int]] = {
    "scope unknown": ({}, {"data": {"scope": "GIGACHAT_API_ALL"}}, 400, 1),
    "key not base64": ({"Authorization": "Basic not-a-key"}, {}, 400, 4),
    "key cut short": ({"Authorization": f"Basic {GIGACHAT_CREDENTIALS[:-3]}"}, {}, 400, 4),
    "key encoded twice": (
        {"Authorization": f"Basic {base64.b64encode(GIGACHAT_CREDENTIALS.encode()).decode()}"},
        {}, 400, 4,
    ),
    "key missing": ({"Authorization": None}, {}, 400, 4),
    "scope missing": ({}, {"data": {"grant": "x"}}, 400, 5),
    "body sent as JSON": ({}, {"data": None, "json": {"scope": GIGACHAT_SCOPE}}, 400, 5),
    "key wrong": ({"Authorization": f"Basic {OTHER_KEY}"}, {}, 401, 6),
    "key of another scope": ({}, {"data": {"scope": "GIGACHAT_API_CORP"}}, 400, 7),
}  # fmt: skip

RQUIDS = {
    "missing": None,
    "not a uuid": "12345",
    "a uuid of version 1": str(uuid.uuid1()),
    "a constant": "6f0b1291-c7f3-43c6-0000-000000000000",
}


@pytest.mark.parametrize(
    ("headers", "request_", "status", "code"), OAUTH_REFUSALS.values(), ids=OAUTH_REFUSALS.keys()
)
def test_a_token_is_refused_with_a_code(
    gigachat: GigaChatCaller,
    headers: dict[str, Any], request_: dict[str, Any], status: int, code: int,
) -> None:  # fmt: skip
    response = gigachat.oauth(headers, **request_)
    assert response.status_code == status, response.text
    refusal = response.json()
    assert set(refusal) == {"code", "message"}
    assert refusal["code"] == code


@pytest.mark.parametrize("rquid", RQUIDS.values(), ids=RQUIDS.keys())
def test_a_token_request_needs_a_uuid4(gigachat: GigaChatCaller, rquid: str | None) -> None:
    response = gigachat.oauth({"RqUID": rquid})
    assert response.status_code == 400
    assert set(response.json()) == {"code", "message"}


def test_a_token_request_needs_a_fresh_uuid4(gigachat: GigaChatCaller) -> None:
    rquid = str(uuid.uuid4())
    assert gigachat.oauth({"RqUID": rquid}).status_code == 200
    assert gigachat.oauth({"RqUID": rquid}).status_code == 400


@pytest.mark.parametrize("scheme", ["Basic", "Bearer"])
def test_a_token_is_long_and_expires_in_milliseconds(gigachat: GigaChatCaller, scheme: str) -> None:
    answer = gigachat.oauth({"Authorization": f"{scheme} {GIGACHAT_CREDENTIALS}"}).json()
    assert set(answer) == {"access_token", "expires_at"}
    assert len(answer["access_token"]) > 1000
    assert abs(answer["expires_at"] / 1000 - time.time() - 1800) < 30


@pytest.mark.parametrize("value", ["", "Bearer nonsense", f"Basic {GIGACHAT_CREDENTIALS}"])
def test_a_wrong_token_is_unauthorized(gigachat: GigaChatCaller, value: str) -> None:
    response = gigachat.chat(CHAT, headers={"Authorization": value})
    assert response.status_code == 401
    assert response.json() == {"status": 401, "message": "Unauthorized"}


def test_an_old_token_has_expired(sandbox: Sandbox, gigachat: GigaChatCaller) -> None:
    sandbox.settings.token_lifetime_s = -1
    response = gigachat.chat(CHAT)
    assert response.status_code == 401
    assert response.json() == {"status": 401, "message": "Token has expired"}


def test_a_token_outlives_the_sandbox_that_gave_it(gigachat: GigaChatCaller) -> None:
    with Sandbox() as other, GigaChatCaller(other) as caller:
        assert caller.chat(CHAT, headers={"Authorization": f"Bearer {gigachat.token}"}).ok


def test_a_request_without_a_user_agent_is_forbidden(gigachat: GigaChatCaller) -> None:
    address = urlsplit(gigachat.sandbox.gigachat_origin)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)
    headers = {"Authorization": f"Bearer {gigachat.token}"}
    try:
        connection.request("GET", "/api/v1/models", headers=headers)
        response = connection.getresponse()
        body = json.loads(response.read())
    finally:
        connection.close()
    assert response.status == 403
    assert body == {"status": 403, "message": "Unauthorized"}


@pytest.mark.parametrize("body", [b"{", b"", b"\xff\xfe", b'{"model": NaN}', b"[]", b'"text"'])
def test_a_body_that_is_not_a_json_object_is_invalid(gigachat: GigaChatCaller, body: bytes) -> None:
    response = gigachat.call(
        "POST", "/chat/completions", data=body, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 400
    assert response.json() == {
        "status": 400,
        "message": "Your request contains invalid JSON syntax.",
    }


def test_a_body_of_another_media_type_is_refused(gigachat: GigaChatCaller) -> None:
    assert gigachat.call("POST", "/chat/completions", data={"model": "x"}).status_code == 415


def test_a_wrong_path_answers_a_page(gigachat: GigaChatCaller) -> None:
    response = gigachat.call("POST", "/completions", json=CHAT)
    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")


def test_a_wrong_method_is_refused(gigachat: GigaChatCaller) -> None:
    assert gigachat.call("GET", "/chat/completions").status_code == 405


@pytest.mark.parametrize("model", ["GigaChat-9", "gigachat"])
def test_an_unknown_model_has_no_card(gigachat: GigaChatCaller, model: str) -> None:
    response = gigachat.call("GET", f"/models/{model}")
    assert response.status_code == 404
    assert response.json() == {"status": 404, "message": "No such model"}


TOKEN_COUNTS: dict[str, tuple[dict[str, Any], int]] = {
    "unknown model": ({"model": "x", "input": ["а"]}, 404),
    "input missing": ({"model": "GigaChat-2"}, 422),
    "input as text": ({"model": "GigaChat-2", "input": "а"}, 422),
    "messages": ({"model": "GigaChat-2", "messages": []}, 422),
}
EMBEDDINGS: dict[str, tuple[dict[str, Any], int]] = {
    "unknown model": ({"model": "x", "input": ["а"]}, 404),
    "a chat model": ({"model": "GigaChat-2", "input": ["а"]}, 404),
    "input as text": ({"model": "Embeddings", "input": "а"}, 422),
    "input empty": ({"model": "Embeddings", "input": []}, 422),
    "dimensions": ({"model": "Embeddings", "input": ["а"], "dimensions": 64}, 422),
    "encoding_format": ({"model": "Embeddings", "input": ["а"], "encoding_format": "float"}, 422),
    "text over the limit": ({"model": "Embeddings", "input": ["да " * 513]}, 413),
}


@pytest.mark.parametrize(("body", "status"), TOKEN_COUNTS.values(), ids=TOKEN_COUNTS.keys())
def test_a_wrong_token_count_is_refused(
    gigachat: GigaChatCaller, body: dict[str, Any], status: int
) -> None:
    assert gigachat.call("POST", "/tokens/count", json=body).status_code == status


@pytest.mark.parametrize(("body", "status"), EMBEDDINGS.values(), ids=EMBEDDINGS.keys())
def test_wrong_embeddings_are_refused(
    gigachat: GigaChatCaller, body: dict[str, Any], status: int
) -> None:
    assert gigachat.call("POST", "/embeddings", json=body).status_code == status


PNG = {"file": ("a.png", b"\x89PNG", "image/png")}
UPLOADS: dict[str, tuple[dict[str, Any], int]] = {
    "no purpose": ({"files": PNG}, 422),
    "another purpose": ({"files": PNG, "data": {"purpose": "assistants"}}, 422),
    "no file": ({"files": {"other": PNG["file"]}, "data": {"purpose": "general"}}, 422),
    "a form without parts": ({"data": {"purpose": "general"}}, 415),
    "a type that is not taken": (
        {"files": {"file": ("a.gif", b"GIF", "image/gif")}, "data": {"purpose": "general"}}, 422,
    ),
    "no type": ({"files": {"file": ("a", b"GIF")}, "data": {"purpose": "general"}}, 422),
    "no file name": ({"files": {"file": (None, b"GIF"), "purpose": (None, b"general")}}, 422),
    "a picture over 15 MB": (
        {"files": {"file": ("a.png", bytes(15 * 2**20 + 1), "image/png")},
         "data": {"purpose": "general"}}, 413,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("upload", "status"), UPLOADS.values(), ids=UPLOADS.keys())
def test_a_wrong_upload_is_refused(
    gigachat: GigaChatCaller, upload: dict[str, Any], status: int
) -> None:
    response = gigachat.call("POST", "/files", **upload)
    assert response.status_code == status, response.text


def test_an_unknown_file_is_not_found(gigachat: GigaChatCaller) -> None:
    for method, path in [("GET", ""), ("GET", "/content"), ("POST", "/delete")]:
        assert gigachat.call(method, f"/files/{uuid.uuid4()}{path}").status_code == 404


def test_a_file_is_not_deleted_by_delete(gigachat: GigaChatCaller) -> None:
    file = gigachat.upload()
    assert gigachat.call("DELETE", f"/files/{file}").status_code == 405
    assert gigachat.call("GET", f"/files/{file}").status_code == 200


def test_one_request_too_many_at_once_is_refused(
    sandbox: Sandbox, gigachat: GigaChatCaller
) -> None:
    sandbox.settings.gigachat_parallel = 1
    slow = {**CHAT, "stream": True, "messages": [{"role": "user", "content": "sandbox:pause=5"}]}
    with gigachat.chat(slow, stream=True):
        refused = gigachat.chat(CHAT)
        assert refused.status_code == 429
        assert refused.json() == {"status": 429, "message": "Too many requests"}
