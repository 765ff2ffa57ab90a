"""Floods of log-ins, sign-ups and resets: 429, the same for known and unknown addresses."""

import pytest
from django.core import mail

from accounts import users
from tests.accounts.people import NATASHA
from tests.accounts.sign_in import PASSWORD, ask_for_password, browser, log_in, sign_up, text_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("email", [NATASHA, "nobody@example.ru"])
def test_guessing_at_one_address_ends_whoever_guesses_and_whosever_it_is(email):
    users.register(email=NATASHA, password=PASSWORD)
    answers = [
        browser().post(
            "/accounts/login/",
            {"login": spelling, "password": f"wrong {number}"},
            REMOTE_ADDR=f"203.0.113.{number}",
        )
        for number in range(6)
        for spelling in (email, email.upper())
    ]
    assert [answer.status_code for answer in answers] == [422] * 10 + [429] * 2
    assert answers[-1].headers["Retry-After"] == "900"
    assert "Too many attempts" in text_of(answers[-1])


def test_successful_log_ins_do_not_use_up_the_guesses():
    users.register(email=NATASHA, password=PASSWORD)
    for _ in range(12):
        assert log_in(browser()).status_code == 302


@pytest.mark.parametrize(
    ("send", "rate"),
    [(lambda number: log_in(browser(), email=f"{number}@example.ru"), 30),
     (lambda number: sign_up(browser(), email=f"{number}@example.ru"), 20),
     (lambda number: ask_for_password(browser(), f"{number}@example.ru"), 20)],
    ids=["log-in", "sign-up", "reset"],
)  # fmt: skip
def test_a_flood_from_one_address_is_refused(send, rate):
    statuses = [send(number).status_code for number in range(2 * rate + 2)]
    assert 429 not in statuses[:rate]
    assert 429 in statuses  # a new minute may have begun in between, once
    answer = next(
        answer for answer in (send(1000 + number) for number in range(rate + 1))
        if answer.status_code == 429
    )  # fmt: skip
    assert 0 < int(answer.headers["Retry-After"]) <= 60


@pytest.mark.parametrize("email", [NATASHA, "nobody@example.ru"])
def test_nobody_is_flooded_with_resets(email):
    users.register(email=NATASHA)
    statuses = [ask_for_password(browser(), email).status_code for _ in range(7)]
    assert statuses == [302] * 5 + [429] * 2
    assert len(mail.outbox) == 5


@pytest.mark.parametrize("email", [NATASHA, "new@example.ru"])
def test_nobody_is_flooded_with_confirmations_and_the_answer_stays_the_same(email):
    users.register(email=NATASHA)
    answers = {
        (answer.status_code, answer.headers["Location"])
        for answer in (sign_up(browser(), email=email) for _ in range(7))
    }
    assert answers == {(302, "/accounts/confirm-email/")}
    assert len(mail.outbox) == 5
    client = browser()
    sign_up(client, email=email)
    client.post("/accounts/confirm-email/")
    assert "Several mails" in text_of(client.get("/accounts/confirm-email/"))


def test_with_redis_away_people_still_get_in(settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "xrouter_site.cache.SteadyRedisCache",
            "LOCATION": "redis://127.0.0.1:1/2",
        }
    }
    users.register(email=NATASHA, password=PASSWORD)
    assert log_in(browser()).status_code == 302
    assert sign_up(browser(), email="new@example.ru").status_code == 302
    assert ask_for_password(browser()).status_code == 302
