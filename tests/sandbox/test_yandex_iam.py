"""The exchange of a service account's JWT for an IAM token."""

import re
import time
from typing import Any

import pytest

from sandbox.server import Sandbox
from tests.sandbox.callers import YandexCaller

ALIEN_KEY = Sandbox().service_account_key()


def wrong_jwts(now_s: int) -> dict[str, dict[str, Any]]:
    """Return what makes a JWT wrong, by its name, at a moment."""
    return {
        "an unknown key": {"header_kid": ALIEN_KEY["id"]},
        "signed by another key": {"header_secret": ALIEN_KEY["private_key"]},
        "signed as RS256": {"header_alg": "RS256"},
        "signed as PS512": {"header_alg": "PS512"},
        "signed with a shared secret": {"header_alg": "HS256", "header_secret": "s" * 32},
        "of another account": {"iss": ALIEN_KEY["service_account_id"]},
        "without an issuer": {"iss": None},
        "for another audience": {"aud": "http://127.0.0.1/iam/v1/tokens"},
        "for an audience with a slash": {"aud": "https://iam.api.cloud.yandex.net/iam/v1/tokens/"},
        "without an audience": {"aud": None},
        "that lives too long": {"exp": now_s + 4200},
        "that has expired": {"iat": now_s - 3700, "exp": now_s - 100},
        "that begins in the future": {"iat": now_s + 1800, "exp": now_s + 3600},
        "that ends before it begins": {"iat": now_s, "exp": now_s - 1},
        "in milliseconds": {"iat": now_s * 1000, "exp": now_s * 1000 + 3_600_000},
        "with times as fractions": {"iat": now_s + 0.5, "exp": now_s + 3600.5},
        "without an expiry": {"exp": None},
        "without an issue time": {"iat": None},
    }


@pytest.mark.parametrize("name", wrong_jwts(0))
def test_a_wrong_jwt_is_refused_in_the_flat_form(
    sandbox: Sandbox, yandex: YandexCaller, name: str
) -> None:
    change = wrong_jwts(int(time.time()))[name]
    response = yandex.exchange(sandbox.service_account_key(), **change)
    assert response.status_code == 401, response.text
    refusal = response.json()
    assert set(refusal) == {"code", "message", "details"}
    assert refusal["code"] == 16
    assert refusal["details"][0]["requestId"] == response.headers["x-request-id"]


def test_the_key_id_and_the_account_are_not_interchangeable(
    sandbox: Sandbox, yandex: YandexCaller
) -> None:
    key = sandbox.service_account_key()
    swapped = {"header_kid": key["service_account_id"], "iss": key["id"]}
    assert yandex.exchange(key, **swapped).status_code == 401


@pytest.mark.parametrize("body", [{}, {"jwt": 5}, {"token": "x"}, []])
def test_a_body_without_a_jwt_is_invalid(yandex: YandexCaller, body: Any) -> None:
    response = yandex.call("/iam/v1/tokens", body)
    assert response.status_code == 400
    assert response.json()["code"] == 3


def test_a_jwt_that_is_no_jwt_is_refused(yandex: YandexCaller) -> None:
    assert yandex.call("/iam/v1/tokens", {"jwt": "a.b.c"}).status_code == 401


def test_a_good_jwt_gives_a_token_that_expires_with_nanoseconds(
    sandbox: Sandbox, yandex: YandexCaller
) -> None:
    answer = yandex.exchange(sandbox.service_account_key()).json()
    assert set(answer) == {"iamToken", "expiresAt"}
    assert answer["iamToken"].startswith("t1.")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", answer["expiresAt"])


def test_the_key_has_the_shape_of_the_file_that_yandex_gives_out() -> None:
    assert set(ALIEN_KEY) == {
        "id", "service_account_id", "created_at", "key_algorithm", "public_key", "private_key",
    }  # fmt: skip
    first, second = ALIEN_KEY["private_key"].splitlines()[:2]
    assert first == (
        "PLEASE DO NOT REMOVE THIS LINE! Yandex.Cloud SA Key ID <" + ALIEN_KEY["id"] + ">"
    )
    assert second == "-----BEGIN PRIVATE KEY-----"
    assert ALIEN_KEY["key_algorithm"] == "RSA_2048"
