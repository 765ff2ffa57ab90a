"""A stream whose key or account is taken away ends with an error event; a plain answer is given."""

import uuid

import pytest

from tests.live.callers import LiveCall
from tests.live.service import Service

ENDS = {
    "revoked": "issuing.revoke(key=key)",
    "disabled": "issuing.edit(key=key, disabled=True)",
    "frozen": "freezing.freeze([key.pk], 'leaked')",
    "expired": "issuing.edit(key=key, expires_at=timezone.now() + timedelta(seconds=0.2))",
    "rotated out": "issuing.rotate(key=key, overlap_s=0)",
    "suspended": "suspension.suspend(account=key.account, reason='spam')",
    "shut out": "suspension.set_active(user=key.user, is_active=False)",
}
PROGRAM = """
import sys
from datetime import timedelta
from django.utils import timezone
from accounts import suspension
from accounts.keys import freezing, issuing
from accounts.keys.key_format import digest_of
from accounts.models import APIKey
for number, raw in enumerate(sys.argv[1:]):
    key = APIKey.objects.get(digest=digest_of(raw))
    {ends}
"""


def _body(text: str, **fields: object) -> dict[str, object]:
    messages = [{"role": "user", "content": text}]
    return {"model": "gigachat-pro", "messages": messages, "max_tokens": 500} | fields


def _program(*ends: str) -> str:
    """Return what ends the keys that are its arguments, each in its own way."""
    branches = [f"if number == {number}: {end}" for number, end in enumerate(ends)]
    return PROGRAM.format(ends="\n    ".join(branches))


@pytest.mark.both_stores
def test_a_stream_ends_with_its_credential_also_while_the_provider_is_silent(
    service: Service,
) -> None:
    keys = [service.key(f"{uuid.uuid4().hex[:12]}@example.com") for _ in ENDS]
    kept = service.fresh_key()
    text = "sandbox:long=200 sandbox:pause=50 Расскажи"
    streams = [LiveCall(service.port, key).send(_body(text, stream=True)) for key in keys]
    plain = LiveCall(service.port, keys[0]).send(_body("sandbox:slow=3 Привет"))
    others = LiveCall(service.port, kept).send(_body("sandbox:slow=3 Привет", stream=True))
    early = LiveCall(service.port, keys[1]).send(_body("sandbox:slow=50 Привет", stream=True))
    for stream in streams:
        stream.read_until(b'"content":"')

    service.console.run("-c", _program(*ENDS.values()), *keys)

    for end, stream in zip(ENDS, streams, strict=True):
        answer = stream.answer()
        assert (answer.status, answer.code) == (200, "invalid_api_key"), end
        assert answer.is_whole, end
        assert not answer.is_done, end
    before_its_first_event = early.answer()
    assert (before_its_first_event.status, before_its_first_event.code) == (401, "invalid_api_key")
    assert plain.answer().status == 200
    assert others.answer().is_done


@pytest.mark.both_stores
def test_what_was_delivered_is_charged_as_cut(service: Service) -> None:
    key = service.fresh_key()
    text = "sandbox:long=200 sandbox:pause=50 Расскажи"
    stream = LiveCall(service.port, key).send(_body(text, stream=True))
    stream.read_until(b'"content":"')
    service.console.run("-c", _program(ENDS["disabled"]), key)
    generation_id = stream.answer().generation_id
    service.console.run("-c", _program("issuing.edit(key=key, disabled=False)"), key)

    with service.http(key) as http:
        booked = http.get(f"/v1/generation?id={generation_id}").json()["data"]

    assert booked["cancelled"]
    assert booked["error_code"] == "credential_ended"
    assert booked["total_cost"] > 0
    assert booked["tokens_source"] == "estimated"
