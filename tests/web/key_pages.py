"""What the tests of the keys' pages fill in and read."""

import re

from django.test import Client

from accounts.keys.key_format import KEY_PATTERN
from accounts.models import APIKey
from tests.gateway.customers import field_value

PAGE = "/cabinet/keys/"
ENGLISH = {"Accept-Language": "en"}


def form_token(client: Client) -> str:
    return field_value(client.get(PAGE).content.decode(), "form_token")


def create(client: Client, name: str = "CI", **fields: object):
    """Send the form as the page gives it."""
    result = {"name": name, "form_token": form_token(client), **fields}
    return client.post(PAGE, result, headers=ENGLISH)


def shown_key(answer) -> str:
    """Return the raw key on a page."""
    found = re.search(KEY_PATTERN, answer.content.decode())
    assert found is not None
    return found[0]


def address(key: APIKey, action: str = "") -> str:
    return f"{PAGE}{key.hash}/{action}"
