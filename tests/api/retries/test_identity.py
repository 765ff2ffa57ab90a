"""Which requests are the same one, and what tells so."""

from dataclasses import replace

import orjson
import pytest

from gateway.api.dialects.openai_chat import OPENAI_CHAT
from gateway.api.errors import BadRequest
from gateway.api.retries.identity import canonical, identity_of
from tests.api.retries.requests import BODY, CALLER, KEY, identity, request


@pytest.mark.parametrize("retry", [None, "", "-1", "one", "99999", "٣"])
def test_without_a_count_or_a_key_nothing_can_be_repeated(retry):
    headers = {} if retry is None else {"retry": retry}

    assert identity_of(request(**headers), BODY, CALLER, OPENAI_CHAT) is None


def test_a_person_on_a_page_has_no_credential_to_seal_with():
    person = replace(CALLER, credential_kind="session")

    assert identity_of(request(retry="1"), BODY, person, OPENAI_CHAT) is None


def test_a_retry_has_the_name_and_the_sealing_key_of_the_first():
    first, retry = identity(retry="0"), identity(retry="2", path="/v1/chat/completions/")

    assert (first.name, first.sealing_key) == (retry.name, retry.sealing_key)
    assert (first.retry, retry.retry) == (0, 2)


@pytest.mark.parametrize(
    "text",
    [
        '{"messages":[{"content":"Привет","role":"user"}],\n "model": "gigachat-pro"}',
        r'{"model":"gigachat-pro","messages":[{"role":"user","content":"\u041fривет"}]}',
    ],
)
def test_it_is_the_json_value_that_counts(text):
    assert identity(orjson.loads(text), retry="1").name == identity(retry="0").name


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ({"n": 1, "t": 0.0}, {"t": 0, "n": 1.0}, True),
        ({"n": [1.0, {"m": 2.0}]}, {"n": [1, {"m": 2}]}, True),
        ({"t": 1e3}, {"t": 1000}, True),
        ({"t": 0.1}, {"t": 0.10000000000000001}, True),
        ({"text": "t:1.0,"}, {"text": "t:1,"}, False),
        ({"n": 1}, {"n": True}, False),
        ({"n": 1}, {"n": "1"}, False),
        ({"n": None}, {}, False),
        ({"n": [1, 2]}, {"n": [2, 1]}, False),
        ({"b": 1.0, "a": 2**70}, {"a": 2**70, "b": 1}, True),
        ({"a": 2**70}, {"a": 2**70 + 1}, False),
    ],
)
def test_numbers_are_the_same_however_they_are_written(one, other, is_same):
    assert (canonical(one) == canonical(other)) is is_same


@pytest.mark.parametrize(
    "other",
    [
        {"key": KEY[:-1] + "b"},
        {"path": "/v1/completions"},
        {"path": "/api/v1/chat/completions"},
        {"body": BODY | {"seed": 1}},
    ],
    ids=str,
)
def test_another_caller_path_or_body_is_another_request(other):
    first, second = identity(retry="0"), identity(**other, retry="0")

    assert first.name != second.name
    assert first.sealing_key != second.sealing_key


def test_an_idempotency_key_names_the_run_and_the_body_seals_it():
    first = identity(keyed="order 7", retry="0")
    other = identity(BODY | {"seed": 1}, keyed="order 7")

    assert first.retry is None
    assert first.name == other.name
    assert first.body != other.body
    assert first.sealing_key != other.sealing_key
    assert identity(keyed="order 8").name != first.name
    assert identity(key=KEY[:-1] + "b", keyed="order 7").name != first.name


@pytest.mark.parametrize("value", ["", "x" * 256, "a\tb", "ключ", "\x7f"])
def test_a_wrong_idempotency_key_is_named(value):
    asked = request()
    asked.META["HTTP_IDEMPOTENCY_KEY"] = value

    with pytest.raises(BadRequest) as refusal:
        identity_of(asked, BODY, CALLER, OPENAI_CHAT)

    assert (refusal.value.status, refusal.value.param) == (400, "Idempotency-Key")


@pytest.mark.parametrize("value", ["x", "x" * 255, "order 7", "~!\"'"])
def test_any_printable_idempotency_key_will_do(value):
    assert identity(keyed=value).kept_s == 86_400
