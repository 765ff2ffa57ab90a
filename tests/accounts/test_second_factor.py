"""The second factor: set up with a phone, asked for at log-in, lost and found by recovery codes."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.cache import cache
from django.core.management import CommandError, call_command

from accounts import users
from accounts.models import User
from accounts.signin import second_factor
from tests.accounts.let_in import is_live, live_token
from tests.accounts.people import NATASHA
from tests.accounts.sign_in import (
    PASSWORD,
    ask_for_password,
    browser,
    enrol,
    is_logged_in,
    log_in,
    mail_text,
    new_password,
    text_of,
    totp,
)

pytestmark = pytest.mark.django_db
CODES_PATH = "/accounts/2fa/recovery-codes/"


@pytest.fixture
def natasha() -> User:
    return users.register(email=NATASHA, password=PASSWORD).owner


@pytest.fixture
def client(natasha):
    client = browser()
    log_in(client)
    return client


def codes_of(client) -> list[str]:
    return re.findall(r"^\d{8}$", client.get(f"{CODES_PATH}download/").content.decode(), re.M)


def give(client, code):
    return client.post("/accounts/2fa/authenticate/", {"code": code})


def test_the_password_alone_lets_nobody_in_any_more(client):
    secret = enrol(client)
    phone = browser()
    assert log_in(phone).headers["Location"] == "/accounts/2fa/authenticate/"
    assert not is_logged_in(phone)
    wrong = give(phone, f"{(int(totp(secret)) + 1) % 1_000_000:06}")
    assert wrong.status_code == 422
    assert "wrong or was used" in text_of(wrong)
    assert give(phone, totp(secret)).headers["Location"] == "/cabinet/"
    assert is_logged_in(phone)


@pytest.mark.parametrize("periods_later", [-1, 1])
def test_slow_hands_and_slow_clocks_get_in(client, periods_later):
    secret = enrol(client, -periods_later)
    phone = browser()
    log_in(phone)
    assert give(phone, totp(secret, periods_later)).status_code == 302


def test_a_code_is_taken_once_in_all_the_time_that_it_is_valid(client):
    secret = enrol(client)
    code = totp(secret, 1)
    log_in(first := browser())
    assert give(first, code).status_code == 302
    # The library forgets a used code after one period; this one lives for three.
    cache_key = f"allauth.mfa.totp.used?user={User.objects.get().pk}&code={code}"
    assert cache.delete(cache_key)
    log_in(second := browser())
    assert give(second, code).status_code == 422
    assert not is_logged_in(second)


def test_the_code_that_set_it_up_is_used_up_too(client):
    secret = enrol(client)
    log_in(phone := browser())
    assert give(phone, totp(secret, -1)).status_code == 422
    assert give(phone, totp(secret)).status_code == 302


def test_a_recovery_code_lets_in_once(client):
    enrol(client)
    codes = codes_of(client)
    assert len(set(codes)) == 10
    log_in(phone := browser())
    assert give(phone, codes[3]).status_code == 302
    log_in(thief := browser())
    assert give(thief, codes[3]).status_code == 422
    assert codes[3] not in codes_of(client)


def test_new_recovery_codes_end_the_old_ones(client):
    enrol(client)
    old = codes_of(client)
    client.post(f"{CODES_PATH}generate/")
    assert not set(old) & set(codes_of(client))
    log_in(phone := browser())
    assert give(phone, old[0]).status_code == 422


def test_the_secrets_lie_encrypted_and_open_with_a_former_key(client, settings):
    secret = enrol(client)
    codes = codes_of(client)
    stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in stored
    assert not any(code in stored for code in codes)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret of the tests alone, long enough for anyone"
    log_in(phone := browser())
    assert give(phone, totp(secret)).status_code == 302
    settings.SECRET_KEY_FALLBACKS = []
    log_in(phone := browser())
    assert give(phone, totp(secret, 1)).status_code == 422


def test_one_that_was_set_up_on_an_older_version_still_opens(client, settings):
    enrol(client)
    settings.SECRET_KEY_FALLBACKS = ["old-secret-old-secret-0123456789abcdefXYZ"]
    Authenticator.objects.filter(type=Authenticator.Type.TOTP).update(
        data={
            "secret": "gAAAAABrEMNgOqu1WBy_ILIOqI9jBwW7An6x7020t2h-bmYc2md_WsdXCP7o6NNG5E61ZE"
            "oDGRAiS939wewDiy32CPEZcChGoZ8f9B5PRtL8i6yxBhnmOyrloKSiVFxbsS-5OaAd_dae"
        }
    )
    log_in(phone := browser())
    assert give(phone, totp("ZSDQTIE2K22JQX6EEZWTQVGUZ7TMUOXC")).status_code == 302


def test_turning_it_off_deletes_the_codes_and_ends_what_applications_may(client, natasha):
    enrol(client)
    token = live_token(natasha)
    assert client.get("/accounts/2fa/totp/deactivate/").status_code == 200
    assert Authenticator.objects.count() == 2
    assert client.post("/accounts/2fa/totp/deactivate/").headers["Location"] == "/accounts/2fa/"
    assert not Authenticator.objects.exists()
    assert not is_live(token)
    assert log_in(browser()).headers["Location"] == "/cabinet/"


def test_a_second_press_of_a_button_leads_to_the_overview(client):
    overview = "/accounts/2fa/"
    secret = enrol(client)
    again = client.post("/accounts/2fa/totp/activate/", {"code": totp(secret)})
    assert again.headers["Location"] == overview
    assert client.get("/accounts/2fa/totp/activate/").headers["Location"] == overview

    for _press in range(2):
        answer = client.post("/accounts/2fa/totp/deactivate/")
        assert answer.headers["Location"] == overview
    assert not Authenticator.objects.exists()


def test_an_operator_can_take_it_away_from_whoever_lost_it(client, natasha):
    enrol(client)
    token = live_token(natasha)
    second_factor.reset(user=natasha)
    assert not second_factor.is_set_up(natasha)
    assert not is_live(token)


@pytest.mark.django_db(transaction=True)
def test_people_are_told_of_every_change(client):
    enrol(client)
    assert "turned on" in mail_text()
    client.post(f"{CODES_PATH}generate/")
    assert "New recovery codes" in mail_text()
    client.post("/accounts/2fa/totp/deactivate/")
    assert "turned off" in mail_text()
    assert {recipient for message in mail.outbox for recipient in message.to} == {NATASHA}


def test_a_new_password_does_not_lead_around_it(client):
    secret = enrol(client)
    phone = browser()
    ask_for_password(phone)
    assert new_password(phone).headers["Location"] == "/accounts/2fa/authenticate/"
    assert not is_logged_in(phone)
    assert give(phone, totp(secret)).status_code == 302


@pytest.mark.parametrize(
    "path", ["totp/activate/", "totp/deactivate/", "recovery-codes/", "recovery-codes/generate/",
             "recovery-codes/download/"],
)  # fmt: skip
def test_an_old_log_in_must_prove_itself_again(client, natasha, path):
    enrol(client)
    if path == "totp/activate/":
        Authenticator.objects.all().delete()
    old = browser()
    old.force_login(natasha)
    answer = old.get(f"/accounts/2fa/{path}")
    assert answer.headers["Location"].startswith("/accounts/reauthenticate/?next=")
    answer = old.post(answer.headers["Location"], {"password": PASSWORD})
    assert answer.headers["Location"] == f"/accounts/2fa/{path}"
    assert old.get(f"/accounts/2fa/{path}").status_code == 200


def test_the_key_is_shown_as_a_picture_that_the_content_policy_allows(client):
    page = client.get("/accounts/2fa/totp/activate/")
    assert 'src="data:image/svg+xml;base64,' in page.content.decode()
    assert "img-src 'self' data:" in page.headers["Content-Security-Policy"]


def test_codes_cannot_be_guessed_for_long(client):
    secret = enrol(client)
    log_in(thief := browser())
    for number in range(10):
        give(thief, f"{number:06}")
    assert give(thief, totp(secret)).status_code == 422
    assert not is_logged_in(thief)


def test_an_operator_resets_a_second_factor_from_the_shell(natasha, client):
    enrol(client)
    call_command("reset_second_factor", NATASHA.upper())
    assert not second_factor.is_set_up(natasha)
    with pytest.raises(CommandError, match="has no second factor"):
        call_command("reset_second_factor", NATASHA)
    with pytest.raises(CommandError, match="Nobody has"):
        call_command("reset_second_factor", "nobody@example.ru")
