"""One running sandbox for the whole suite, emptied before each test, and callers for it."""

from collections.abc import Iterator

import pytest

from sandbox.server import Sandbox
from tests.sandbox.both_providers import Both
from tests.sandbox.callers import GigaChatCaller, YandexCaller
from tests.sandbox.openai_caller import OpenAICaller


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    running_sandbox.reset()
    return running_sandbox


@pytest.fixture
def gigachat(sandbox: Sandbox) -> Iterator[GigaChatCaller]:
    with GigaChatCaller(sandbox) as caller:
        yield caller


@pytest.fixture
def yandex(sandbox: Sandbox) -> Iterator[YandexCaller]:
    with YandexCaller(sandbox) as caller:
        yield caller


@pytest.fixture
def openai(sandbox: Sandbox) -> Iterator[OpenAICaller]:
    with OpenAICaller(sandbox) as caller:
        yield caller


@pytest.fixture
def both(gigachat: GigaChatCaller, yandex: YandexCaller) -> Both:
    return Both(gigachat, yandex)
