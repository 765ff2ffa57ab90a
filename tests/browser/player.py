"""What people do in the playground, and what their browser sends for it."""

import re
from typing import Any

from playwright.sync_api import Request

from tests.browser.visitors import Visitor

PLAYGROUND = "/cabinet/playground/?model=gigachat-pro"
COMPLETIONS = re.compile("/cabinet/playground/completions$")


def ask(visitor: Visitor, question: str) -> None:
    visitor.fill("Message", question)
    visitor.press("Send")


def bodies_of(visitor: Visitor) -> list[Any]:
    """Return a list that every chat's body is added to as it is sent."""
    sent: list[Any] = []

    def note(request: Request) -> None:
        if COMPLETIONS.search(request.url):
            sent.append(request.post_data_json)

    visitor.page.on("request", note)
    return sent
