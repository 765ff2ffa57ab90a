"""Floods of log-ins, sign-ups and resets: 429, the same for known and unknown addresses."""

import pytest
from django.core import mail

from accounts import users
from tests.accounts.people import NATASHA
from tests.accounts.sign_in import PASSWORD, ask_for_password, browser, log_in, sign_up, text_of

pytestmark = pytest.mark.django_db


def guesses(email: str, times: int) -> list[int]:
    return [
        browser()
        .post(
            "/accounts/login/",
            {"login": (email, email.upper())[number % 2], "password": f"wrong {number}"},
            REMOTE_ADDR=f"203.0.113.{number}",
        )
        .status_code
        for number in range(times)
    ]


@pytest.mark.parametrize("email", [NATASHA, "nobody@example.ru"])
def test_guessing_at_one_address_ends_for_a_network_whosever_the_address_is(email):
    users.register(email=NATASHA, password=PASSWORD)
    assert guesses(email, 12) == [422] * 10 + [429] * 2
    answer = browser().post(
        "/accounts/login/", {"login": email, "password": PASSWORD}, REMOTE_ADDR="203.0.113.99"
    )
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "900")
    assert "Too many attempts" in text_of(answer)


@pytest.mark.parametrize("elsewhere", ["198.51.100.7", "127.0.0.1", "10.0.0.1", "2001:db8::1"])
def test_the_right_password_from_another_network_is_always_judged(elsewhere):
    users.register(email=NATASHA, password=PASSWORD)
    assert guesses(NATASHA, 11)[-1] == 429
    right = {"login": NATASHA, "password": PASSWORD}
    assert browser().post("/accounts/login/", right, REMOTE_ADDR=elsewhere).status_code == 302
    other = {"login": "anna@example.ru", "password": "wrong"}
    assert browser().post("/accounts/login/", other, REMOTE_ADDR="203.0.113.1").status_code == 422


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
            "BACKEND": "infra.fallback_cache.FallbackRedisCache",
            "LOCATION": "redis://127.0.0.1:1/2",
        }
    }
    users.register(email=NATASHA, password=PASSWORD)
    assert log_in(browser()).status_code == 302
    assert sign_up(browser(), email="new@example.ru").status_code == 302
    assert ask_for_password(browser()).status_code == 302
