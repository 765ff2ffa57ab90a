"""What the periodic tasks of accounts clear away, and what they leave."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone
from oauth2_provider.models import AccessToken, Grant

from accounts.models import OneClickCode
from accounts.oauth import one_click
from accounts.tasks import clear_stale
from tests.accounts.oauth_clients import browser_of, new_app, person

pytestmark = pytest.mark.django_db


def test_expired_sessions_and_codes_go_and_live_ones_stay():
    SessionStore().save()
    codes = [
        one_click.new_code(
            user=person(), callback_url="https://a.example.ru/", code_challenge="c" * 43
        )
        for _ in range(2)
    ]
    assert len(codes) == 2
    clear_stale()
    assert (Session.objects.count(), OneClickCode.objects.count()) == (1, 2)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    OneClickCode.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    clear_stale()
    assert (Session.objects.count(), OneClickCode.objects.count()) == (0, 0)


def test_where_an_ended_session_was_is_forgotten_and_of_a_live_one_kept():
    live, ended = browser_of(person()), browser_of(person())
    for browser in (live, ended):
        browser.get("/cabinet/keys/")
    ended.session.delete()
    clear_stale()
    kept = UserSession.objects.values_list("session_key", flat=True)
    assert list(kept) == [live.session.session_key]


def test_tokens_stay_for_usage_names_them():
    new_app().token(person())
    AccessToken.objects.update(expires=timezone.now() - timedelta(days=1))
    clear_stale()
    assert AccessToken.objects.count() == 1
    assert not Grant.objects.exists()
