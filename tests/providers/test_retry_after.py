"""Retry-After in either form, and whatever else a provider may write there, from each adapter."""

from collections.abc import Callable
from contextlib import closing

import pytest

from gateway.providers._shared.http_client import Deadline
from gateway.providers._shared.retry_after import WAIT_S_MAX, retry_after_s
from gateway.providers.chat_types import ChatRequest, Message
from gateway.providers.errors import ProviderRateLimited
from gateway.providers.gigachat.adapter import GigaChat
from gateway.providers.openai_compatible.adapter import OpenAICompatible
from gateway.providers.yandexgpt.adapter import YandexGPT
from tests.providers.asking import HANG_S
from tests.providers.canned import CannedRequest, CannedServer, Step, reply

NOW_S = 1_795_300_000.0  # Saturday, 21 November 2026, 22:26:40 GMT
ABSURD = [
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Fri, 31 Dec 9999 23:59:59 -2359",
    "Sat, 01 Jan 0000 00:00:00 GMT",
    "Sat, 01 Jan 0001 00:00:00 +2359",
    "Fri, 31 Dec 99999999999999999999 23:59:59 GMT",
    "Fri, 31 Dec 2026 23:59:59 +99999999999999999999",
    "Fri, 31 Dec 2026 99999999999:59:59 GMT",
    "9" * 400,
    "1e999",
    "-1e999",
    "inf",
    "nan",
    "-5",
    ",",
    "Fri",
]
PROVIDERS: dict[str, Callable[[str], GigaChat | YandexGPT | OpenAICompatible]] = {
    "gigachat": lambda url: GigaChat(
        base_url=url, auth_url=f"{url}/oauth", credentials="a2V5", scope="GIGACHAT_API_PERS"
    ),
    "yandexgpt": lambda url: YandexGPT(base_url=url, folder_id="b1g", api_key="AQVNkey"),
    "openai_compatible": lambda url: OpenAICompatible("server", base_url=url, api_key=None),
}


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        (None, None),
        ("7", 7.0),
        ("0", 0.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("Sat, 21 Nov 2026 22:27:10 GMT", 30.0),
        ("Sat, 21 Nov 2026 22:27:10", 30.0),
        ("Sat, 21 Nov 2020 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", WAIT_S_MAX),
        ("9" * 200, WAIT_S_MAX),
        ("soon", None),
        ("", None),
        ("inf", None),
        ("nan", None),
    ],
)
def test_both_forms_are_read(header: str | None, wait_s: float | None) -> None:
    assert retry_after_s(header, now_s=NOW_S) == wait_s


@pytest.mark.parametrize("header", ABSURD)
def test_no_header_is_an_exception(header: str) -> None:
    wait_s = retry_after_s(header, now_s=NOW_S)
    assert wait_s is None or 0 <= wait_s <= WAIT_S_MAX


@pytest.mark.parametrize("header", ABSURD)
@pytest.mark.parametrize("name", PROVIDERS)
def test_an_absurd_wait_is_still_a_refusal(name: str, header: str) -> None:
    def answer(request: CannedRequest) -> list[Step]:
        if request.target == "/oauth":
            return [reply('{"access_token": "token"}')]
        return [reply("{}", status=429, Retry_After=header)]

    with CannedServer(answer) as server:
        provider = PROVIDERS[name](server.url)
        request = ChatRequest(messages=(Message("user", "Привет"),))
        with closing(provider), pytest.raises(ProviderRateLimited) as raised:
            list(provider.stream(request, upstream_id="m", cancel_token=Deadline(HANG_S)))
    wait_s = raised.value.retry_after_s
    assert wait_s is None or 0 <= wait_s <= WAIT_S_MAX
