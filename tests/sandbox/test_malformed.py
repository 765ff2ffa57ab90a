"""Answers whose bytes are wrong: garbage, odd framing, usage that cannot be."""

import gzip
import json
from typing import Any, Literal

import pytest

from sandbox.core import faults
from sandbox.core.exchange import ProviderName, Reported
from sandbox.server import Sandbox
from tests.sandbox.both_providers import Both, each_mode, each_provider, events, is_finished


@each_provider
@each_mode
@pytest.mark.parametrize("kind", ["html", "bad_json", "long_line", "invalid_utf8"])
def test_garbage_is_not_json(
    sandbox: Sandbox, both: Both, provider: ProviderName, streamed: bool, kind: Any
) -> None:
    sandbox.faults.push(provider, faults.garbage(kind))
    response = both.ask(provider, streamed=streamed)
    assert response.status_code == 200
    body = response.content.removeprefix(b"data: ").strip()
    assert not is_json(body)
    if kind == "long_line":
        assert len(body) >= 2 * 2**20


@each_provider
@each_mode
@pytest.mark.parametrize(("kind", "value"), [("null_choices", None), ("wrong_types", "nonsense")])
def test_garbage_may_have_the_right_names(
    sandbox: Sandbox, both: Both, provider: ProviderName, streamed: bool, kind: Any, value: Any
) -> None:
    sandbox.faults.push(provider, faults.garbage(kind))
    (body,) = events(both.ask(provider, streamed=streamed).content)
    holder = body["result"] if provider == "yandexgpt" else body
    assert holder["choices" if provider == "gigachat" else "alternatives"] == value


@each_provider
def test_garbage_may_follow_good_events(
    sandbox: Sandbox, both: Both, provider: ProviderName
) -> None:
    sandbox.faults.push(provider, faults.garbage("null_choices", after_events=3))
    assert len(list(events(both.ask(provider, streamed=True).content))) == 4


@each_provider
@each_mode
def test_a_body_may_drip(
    sandbox: Sandbox, both: Both, provider: ProviderName, streamed: bool
) -> None:
    whole = both.ask(provider, "Привет", streamed=streamed).content
    sandbox.faults.push(provider, faults.drip(interval_s=0.0001))
    dripped = both.ask(provider, "Привет", streamed=streamed)
    assert len(dripped.content) == len(whole)


@each_provider
def test_split_cuts_letters_between_chunks(
    sandbox: Sandbox, both: Both, provider: ProviderName
) -> None:
    sandbox.settings.split = 3
    chunks = list(both.ask(provider, streamed=True, stream=True).raw.stream(decode_content=False))
    assert max(map(len, chunks)) <= 3
    assert any(not is_utf8(chunk) for chunk in chunks)
    assert is_finished(b"".join(chunks))


@each_provider
@each_mode
def test_a_body_may_be_compressed_unasked(
    sandbox: Sandbox, both: Both, provider: ProviderName, streamed: bool
) -> None:
    sandbox.faults.push(provider, faults.compressed())
    response = both.ask(provider, streamed=streamed, stream=True)
    assert response.headers["Content-Encoding"] == "gzip"
    raw = b"".join(response.raw.stream(decode_content=False))
    assert list(events(gzip.decompress(raw)))


@each_provider
@each_mode
def test_usage_may_be_missing_or_absurd(
    sandbox: Sandbox, both: Both, provider: ProviderName, streamed: bool
) -> None:
    both.ask(provider, streamed=streamed)
    good = sandbox.requests[-1].usage
    assert good is not None
    assert good.completion_tokens > 0
    expected: dict[Literal["absent", "negative", "absurd"], Reported | None] = {
        "absent": None,
        "negative": Reported(-5, -5),
        "absurd": Reported(10**12, 10**12),
    }
    for kind, usage in expected.items():
        sandbox.faults.push(provider, faults.wrong_usage(kind))
        body = both.ask(provider, streamed=streamed).content
        assert (b'"usage"' in body) is (usage is not None)
        assert sandbox.requests[-1].usage == usage


def is_json(data: bytes) -> bool:
    try:
        json.loads(data.decode())
    except ValueError:
        return False
    return True


def is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
