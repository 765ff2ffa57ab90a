"""/cabinet/security/: keys that wait for their owner, events, sessions, a suspension with its reason."""

import re

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY
from django.core.cache import cache
from django.test import Client

from accounts import suspension, users
from accounts.keys import freezing
from accounts.models import APIKey, EventConfirmation
from accounts.security import events, leaks
from accounts.security.models import Signal
from accounts.signin import session_list
from accounts.signin.session_list import device_of
from tests.accounts.oauth_clients import browser_of, person
from tests.accounts.people import NATASHA, account_of, new_key
from tests.accounts.sign_in import PASSWORD, browser, is_logged_in, log_in

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]
PAGE = "/cabinet/security/"
NETWORKS = {"networks": [f"198.51.{number}.0/24" for number in range(6)]}
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def natasha() -> Client:
    return browser_of(person(), headers={"accept-language": "en"})


def page(client: Client) -> str:
    answer = client.get(PAGE)
    assert answer.status_code == 200
    return answer.content.decode()


def key_now(key: APIKey) -> APIKey:
    return APIKey.objects.get(pk=key.pk)


def test_a_slowed_key_is_fast_after_one_click_and_the_event_stays_as_confirmed(natasha):
    key, _ = new_key()
    event = events.raise_event(Signal.MANY_NETWORKS, key_id=key.pk, evidence=NETWORKS)
    assert event is not None
    shown = page(natasha)
    assert "slowed to 60 a minute" in shown
    assert "198.51.5.0/24" in shown
    assert str(key) in shown
    answer = natasha.post(f"{PAGE}events/{event.pk}/confirm/")
    assert answer.headers["Location"] == PAGE
    assert key_now(key).slowed_requests_per_minute is None
    shown = page(natasha)
    assert "slowed to" not in shown
    assert "198.51.5.0/24" in shown
    assert EventConfirmation.objects.get().by == person()
    natasha.post(f"{PAGE}events/{event.pk}/confirm/")
    assert EventConfirmation.objects.count() == 1


def test_a_key_slowed_for_two_reasons_waits_for_both(natasha):
    key, _ = new_key()
    networks = events.raise_event(Signal.MANY_NETWORKS, key_id=key.pk, evidence=NETWORKS)
    spending = events.raise_event(
        Signal.UNUSUAL_SPENDING,
        key_id=key.pk,
        evidence={"of": "key", "spent_nano": 123_456_789_012, "mean_nano": 1_234_567_890},
    )
    assert networks is not None
    assert spending is not None
    assert "spent 123.46\N{NO-BREAK SPACE}₽ today" in page(natasha)
    natasha.post(f"{PAGE}events/{networks.pk}/confirm/")
    assert key_now(key).slowed_requests_per_minute == 60
    natasha.post(f"{PAGE}events/{spending.pk}/confirm/")
    assert key_now(key).slowed_requests_per_minute is None


def test_one_click_at_the_key_confirms_all_that_slowed_it(natasha):
    key, _ = new_key()
    other, _ = new_key()
    for slowed in (key, other):
        events.raise_event(Signal.MANY_NETWORKS, key_id=slowed.pk, evidence=NETWORKS)
    spending = {"of": "key", "spent_nano": 10**12, "mean_nano": 10**9}
    events.raise_event(Signal.UNUSUAL_SPENDING, key_id=key.pk, evidence=spending)
    path = f"{PAGE}keys/{key.hash}/confirm/"
    assert path in page(natasha)
    assert natasha.post(path).headers["Location"] == PAGE
    assert key_now(key).slowed_requests_per_minute is None
    assert key_now(other).slowed_requests_per_minute == 60
    assert events.open_events().get().api_key == other
    assert path not in page(natasha)


def test_a_frozen_key_is_thawed_by_one_button(natasha):
    key, raw = new_key()
    leaks.report([raw])
    shown = page(natasha)
    assert "Somebody reported this key as leaked." in shown
    assert f"{PAGE}keys/{key.hash}/thaw/" in shown
    assert natasha.post(f"{PAGE}keys/{key.hash}/thaw/").headers["Location"] == PAGE
    assert key_now(key).frozen_at is None
    assert "Thaw the key" not in page(natasha)
    assert EventConfirmation.objects.get().event.signal == Signal.LEAKED_KEY
    leaks.report([raw])
    assert key_now(key).frozen_at is not None  # a second leak is another event
    assert "Thaw the key" in page(natasha)


def test_a_suspended_account_reads_why_and_thaws_nothing(natasha):
    key, raw = new_key()
    leaks.report([raw])
    account = account_of()
    suspension.suspend(account=account, reason="Spam <b>to</b> others")
    shown = page(natasha)
    assert "Spam &lt;b&gt;to&lt;/b&gt; others" in shown
    assert "Thaw the key" not in shown
    natasha.post(f"{PAGE}keys/{key.hash}/thaw/")
    assert key_now(key).frozen_at is not None
    assert "its keys stay frozen" in page(natasha)


def test_anothers_events_keys_and_sessions_do_not_exist(natasha):
    key, _ = new_key("pierre@example.ru")
    freezing.freeze([key.pk], "strange")
    event = events.raise_event(Signal.MANY_NETWORKS, key_id=key.pk, evidence=NETWORKS)
    browser_of(person("pierre@example.ru")).get(PAGE)
    session = UserSession.objects.get(user=person("pierre@example.ru"))
    assert event is not None
    assert str(key) not in page(natasha)
    for path in (
        f"events/{event.pk}/confirm/",
        f"keys/{key.hash}/thaw/",
        f"sessions/{session.pk}/end/",
        f"sessions/{2**62}/end/",
        f"sessions/{2**80}/end/",
        f"events/{2**80}/confirm/",
        f"keys/{key.hash}/confirm/",
        "keys/none/thaw/",
        "keys/none/confirm/",
    ):
        assert natasha.post(PAGE + path).status_code == 404
        assert natasha.get(PAGE + path).status_code == 405
    assert key_now(key).frozen_at is not None


@pytest.mark.parametrize("digest", ["%00", "a%00b", "0" * 64, "x" * 999])
@pytest.mark.parametrize("act", ["confirm", "thaw"])
def test_a_key_that_cannot_be_is_unknown(natasha, digest, act):
    assert natasha.post(f"{PAGE}keys/{digest}/{act}/").status_code == 404


def test_every_kind_of_event_has_its_words(natasha):
    account = account_of()
    new_key()
    for signal, evidence in (
        (Signal.MODERATION_REFUSALS, {"refused": 11, "requests": 20}),
        (Signal.ABANDONED_REQUESTS, {"left": 21, "requests": 30}),
        (Signal.UNUSUAL_SPENDING, {"of": "account", "spent_nano": 10**12, "mean_nano": 10**9}),
    ):
        assert events.raise_event(signal, account_id=account.pk, evidence=evidence)
    shown = page(natasha)
    for text in (
        "11 of the last 20",
        "Of 30 requests",
        "The account spent 1,000.00\N{NO-BREAK SPACE}₽",
    ):
        assert text in shown
    assert shown.count("It was me") == 3
    assert "Nothing was noticed" in page(
        browser_of(person("pierre@example.ru"), headers={"accept-language": "en"})
    )


def test_sessions_are_listed_with_device_network_and_last_use_and_others_end():
    owner = account_of().owner
    owner.set_password(PASSWORD)
    owner.save()
    here, there = browser(), browser(REMOTE_ADDR="203.0.113.77", HTTP_USER_AGENT=FIREFOX)
    third = browser()
    for client in (here, there, third):
        assert log_in(client).status_code == 302
    shown = page(here)
    assert "Firefox, Windows" in shown
    assert "203.0.113.0/24" in shown
    assert "203.0.113.77" not in shown
    assert shown.count("<h3") == 3 + 1
    ended = UserSession.objects.get(session_key=there.session.session_key)
    assert f"{PAGE}sessions/{ended.pk}/end/" in shown
    own = UserSession.objects.get(session_key=here.session.session_key)
    assert here.post(f"{PAGE}sessions/{own.pk}/end/").status_code == 404
    assert here.post(f"{PAGE}sessions/{ended.pk}/end/").headers["Location"] == PAGE
    assert [is_logged_in(client) for client in (here, there, third)] == [True, False, True]
    here.post(f"{PAGE}sessions/end-others/")
    assert [is_logged_in(client) for client in (here, third)] == [True, False]
    assert "Firefox" not in page(here)


def test_a_person_has_so_many_sessions_at_most(monkeypatch):
    monkeypatch.setattr(session_list, "KEPT_MOST", 3)
    users.register(email="pierre@example.ru", password=PASSWORD)
    clients = [browser() for _ in range(5)]
    for client in clients:
        log_in(client, email="pierre@example.ru")
    assert [is_logged_in(client) for client in clients] == [False, False, True, True, True]
    assert UserSession.objects.count() == 3


def test_many_sessions_are_listed_in_few_queries_and_those_that_open_nothing_are_not(
    natasha, django_assert_max_num_queries
):
    others = [browser_of(person()) for _ in range(12)]
    for other in others:
        other.get(PAGE)
    gone, old = others[:2]
    gone.session.delete()
    session = old.session
    session[HASH_SESSION_KEY] = "of another password"
    session.save()
    with django_assert_max_num_queries(20):
        shown = page(natasha)
    assert shown.count("/cabinet/security/sessions/") == 10 + 1  # and that which ends all others
    assert UserSession.objects.count() == 11


def test_the_last_use_of_a_session_is_noted_once_a_minute(natasha):
    natasha.get(PAGE)
    cache.clear()
    session = UserSession.objects.get()
    UserSession.objects.update(last_seen_at=session.created_at.replace(year=2020))
    natasha.get(PAGE, REMOTE_ADDR="198.51.100.4")
    seen = UserSession.objects.get()
    assert (seen.ip, seen.last_seen_at.year > 2020) == ("198.51.100.4", True)
    natasha.get(PAGE, REMOTE_ADDR="203.0.113.4")
    assert UserSession.objects.get().ip == "198.51.100.4"
    cache.clear()
    natasha.get(PAGE, REMOTE_ADDR="")
    assert UserSession.objects.get().ip == "0.0.0.0"
    assert "0.0.0.0" not in page(natasha)


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [(FIREFOX, "Firefox, Windows"),
     ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
      "Chrome, Linux"),
     ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 YaBrowser/25.1 Safari/537.36",
      "Yandex Browser, Windows"),
     ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Safari/604",
      "Safari, iPhone"),
     ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
      "Chrome, Android"),
     ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537 Chrome/140 Safari/537 Edg/140.0",
      "Edge, macOS"),
     ("curl/8", ""), ("<script>", "")],
)  # fmt: skip
def test_a_device_is_named_as_people_know_it(user_agent, device):
    assert device_of(user_agent) == device


def test_both_languages_have_the_page_and_nobody_else_it():
    assert re.search("[а-яё]", page(browser_of(person())), re.IGNORECASE)
    assert Client().get(PAGE).headers["Location"] == f"/accounts/login/?next={PAGE}"
    assert NATASHA in page(browser_of(person()))
