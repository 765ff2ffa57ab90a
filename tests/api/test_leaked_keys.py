"""POST /v1/keys/leaked: real keys are frozen and their owners told; nobody learns which are real."""

import itertools
import json

import pytest
from django.core import mail
from django.test import Client

from accounts.keys import issuing
from accounts.models import SecurityEvent
from accounts.security import mails
from tests.accounts.people import NATASHA, new_key

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]

networks = itertools.count(1)
"""Each report comes from a network of its own, unless a test says from which."""


def report(body, *, address: str = "", path: str = "/v1/keys/leaked", **headers):
    address = address or f"198.51.{next(networks)}.7"
    text = body if isinstance(body, str) else json.dumps(body)
    return Client().post(
        path, text, content_type="application/json", REMOTE_ADDR=address, headers=headers
    )


def status(raw: str) -> int:
    return Client().get("/v1/key", headers={"Authorization": f"Bearer {raw}"}).status_code


def code(raw: str) -> str:
    answer = Client().get("/v1/key", headers={"Authorization": f"Bearer {raw}"})
    return str(answer.json()["error"]["code"])


@pytest.mark.parametrize("path", ["/v1/keys/leaked", "/v1/keys/leaked/", "/api/v1/keys/leaked"])
def test_what_is_real_is_frozen_and_the_answer_is_the_same(
    path, django_capture_on_commit_callbacks
):
    key, raw = new_key()
    _, other = new_key()
    with django_capture_on_commit_callbacks() as callbacks:
        answers = [
            report({"keys": keys}, path=path)
            for keys in ([raw, "nonsense", "", raw], ["xr-live-" + "0" * 49], [raw])
        ]
    assert {(answer.status_code, answer.content) for answer in answers} == {
        (202, b'{"data":{"status":"accepted"}}')
    }
    assert code(raw) == "key_frozen"
    assert status(other) == 200
    event = SecurityEvent.objects.get()
    assert (event.signal, event.api_key, event.account) == ("leaked_key", key, key.account)
    mails.send(event.pk)
    assert (mail.outbox[0].to, len(mail.outbox)) == ([NATASHA], 1)
    assert str(key) in mail.outbox[0].body
    assert raw not in mail.outbox[0].body
    assert callbacks


def test_a_test_key_is_frozen_and_a_revoked_one_passed_over():
    key, raw = new_key(is_test=True)
    gone, gone_raw = new_key()
    issuing.revoke(key=gone)
    assert report({"keys": [raw, gone_raw]}).status_code == 202
    assert code(raw) == "key_frozen"
    assert code(gone_raw) == "invalid_api_key"
    assert [event.api_key for event in SecurityEvent.objects.all()] == [key]


@pytest.mark.parametrize(
    "body",
    [{}, {"keys": []}, {"keys": None}, {"keys": "xr-live-x"}, {"keys": {}}, {"keys": [1]},
     {"keys": [None]}, {"keys": [["x"]]}, {"keys": ["x"] * 101}, [], "", "{", "null"],
    ids=str,
)  # fmt: skip
def test_a_body_of_another_shape_is_refused(body):
    answer = report(body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] in {"keys", None}


def test_a_body_of_a_stranger_is_bounded():
    assert report({"keys": ["x" * 70_000]}).status_code == 413
    assert report({"keys": ["x" * 600] * 100}).status_code == 202


@pytest.mark.parametrize("credential", ["Bearer nonsense", "Basic x", ""])
def test_a_credential_is_neither_needed_nor_judged(credential):
    assert report({"keys": ["x"]}, Authorization=credential).status_code == 202


def test_a_network_may_report_ten_times_a_minute():
    statuses = [
        report({"keys": ["x"]}, address=f"203.0.113.{each}").status_code for each in range(11)
    ]
    assert statuses == [202] * 10 + [429]
    refused = report({"keys": ["x"]}, address="203.0.113.99")
    assert refused.json()["error"]["metadata"]["limit_source"] == "leaked"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert report({"keys": ["x"]}, address="203.0.114.1").status_code == 202
    assert report({"keys": ["x"]}, address="127.0.0.1").status_code == 202


def test_only_a_post_is_answered():
    answer = Client().get("/v1/keys/leaked")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST, OPTIONS")
