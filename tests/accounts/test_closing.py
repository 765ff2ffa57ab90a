"""Leaving: what ends at once, and what an operator can still undo."""

import pytest

from accounts import suspension, users
from accounts.errors import AccountSuspended
from accounts.keys import issuing
from accounts.keys.bearer import authenticate
from tests.accounts.let_in import is_live, live_token
from tests.accounts.people import NATASHA
from tests.accounts.sign_in import PASSWORD, browser, is_logged_in, log_in, text_of

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


def test_closing_ends_keys_applications_and_every_log_in():
    account = users.register(email=NATASHA, password=PASSWORD)
    natasha = account.owner
    _, raw = issuing.issue(account=account, user=natasha, name="shell")
    token = live_token(natasha)
    client, phone = browser(), browser()
    log_in(client)
    log_in(phone)
    assert "every key" in text_of(client.get("/accounts/close/"))
    assert is_logged_in(client)
    assert client.post("/accounts/close/").headers["Location"] == "/accounts/inactive/"
    assert not is_logged_in(client)
    assert not is_logged_in(phone)
    assert not is_live(token)
    with pytest.raises(AccountSuspended):
        authenticate(f"Bearer {raw}")
    assert log_in(browser()).headers["Location"] == "/accounts/inactive/"

    suspension.set_active(user=natasha, is_active=True)
    assert log_in(browser()).headers["Location"] == "/cabinet/"
    assert authenticate(f"Bearer {raw}").account_id == account.pk


def test_an_old_log_in_must_prove_itself_first():
    natasha = users.register(email=NATASHA, password=PASSWORD).owner
    client = browser()
    client.force_login(natasha)
    assert client.get("/accounts/close/").headers["Location"].startswith("/accounts/reauthenticate")
    assert (
        client.post("/accounts/close/").headers["Location"].startswith("/accounts/reauthenticate")
    )
    natasha.refresh_from_db()
    assert natasha.is_active
