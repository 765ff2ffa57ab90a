"""A person in the cabinet, and what they see there."""

import html
import re
from collections.abc import Iterator

from django.test import Client
from django.urls import get_resolver

from accounts.models import Account

get_resolver().url_patterns  # noqa: B018 -- loads all pages, before a test's transaction may idle for that

HOSTILE_AMOUNTS = [
    "0",
    "-1",
    "0.001",
    "NaN",
    "1e308",
    "10^9",
    "1000000000",
    "1,000",
    "٥",
    "",
    " ",
    "9" * 99,
]
"""What nobody can top up by, or mean by an amount."""


def visitor(account: Account, *, language: str = "en", **options: bool) -> Client:
    """Return the browser of the account's owner, logged in."""
    client = Client(headers={"Accept-Language": language}, **options)  # type: ignore[arg-type]
    client.force_login(account.owner)
    return client


def text_of(answer) -> str:
    """Return what a page says in its main part, without its marks, blanks made one."""
    content = answer.content.decode()
    main = content[content.index("<main") : content.index("</main>")]
    words = html.unescape(re.sub(r"<script.*?</script>|<[^>]+>", " ", main, flags=re.DOTALL))
    return re.sub(r"\s+", " ", words)


def hidden_value(answer, name: str) -> str:
    """Return the value of a hidden field of a page."""
    found = re.search(rf'name="{name}" value="([^"]+)"', answer.content.decode())
    assert found is not None
    return found[1]


def streamed(answer) -> Iterator[str]:
    """Return the rows of a table that comes by the piece."""
    return iter(b"".join(answer.streaming_content).decode().splitlines())
