"""JSON as operators read it, and moments in their own clock."""

import pytest
from django.test import Client
from django.utils import translation

from accounts.audit.plain_values import shown_json
from accounts.models import User
from tests.accounts.oauth_clients import new_app
from tests.accounts.operators import seat


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        ([], "-"),
        ({}, "-"),
        (["chat", "usage"], "chat, usage"),
        ({"refused": 3}, "refused: 3"),
        ([{"model": "a", "ms": 7}, {"model": "b"}], "1:\n  model: a\n  ms: 7\n2:\n  model: b"),
        ({"changes": [{"added": {}}], "is_on": True}, "changes:\n  1:\n    added: -\nis_on: Yes"),
    ],
)
def test_json_is_shown_without_brackets(value, shown):
    with translation.override("en"):
        assert shown_json(value) in {shown, f"<pre>{shown}</pre>"}


def test_what_came_from_outside_is_escaped():
    assert "&lt;b&gt;" in shown_json({"a": "<b>", "c": 1})


@pytest.mark.django_db
def test_moments_of_an_application_are_in_the_operator_s_clock():
    app = new_app()
    client = seat(Client(), User.objects.create_superuser("root@example.ru"))
    address = f"/admin/accounts/oauthapplication/{app.application.pk}/change/"
    page = client.get(address).content.decode()
    assert "+00:00" not in page
    assert "None" not in page
    assert "/admin/r/" not in page
