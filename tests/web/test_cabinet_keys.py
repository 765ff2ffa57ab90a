"""The pages of keys: they are listed, changed, switched off, replaced and revoked, and nobody else's."""

import re
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from django.test import Client
from django.utils import timezone

from accounts import suspension
from accounts.errors import InvalidCredential
from accounts.keys import freezing, issuing, key_principal
from accounts.keys.bearer import authenticate
from accounts.keys.key_format import digest_of
from accounts.models import APIKey
from accounts.principal import KeyRate
from billing.ledger.key_budgets import KeyStanding, standings
from billing.models import Spending
from infra.credits import NANO_PER_CREDIT as CREDIT
from tests.billing.usage_rows import ago, begin
from tests.gateway.customers import BORIS, XSS, a_key, a_request, customer
from tests.web.key_pages import ENGLISH, PAGE, address, create, form_token, shown_key

pytestmark = pytest.mark.django_db

CYRILLIC = re.compile(r"[А-Яа-яЁё]+")


def test_a_stranger_is_sent_to_log_in(client):
    key = a_key(customer(Client()))
    for path in (PAGE, address(key), address(key, "switch/"), address(key, "revoke/")):
        answer = client.post(path, {"name": "x", "disabled": "yes"})
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/login/")
    key.refresh_from_db()
    assert (key.name, key.disabled, key.revoked_at) == ("shell", False, None)


def test_the_form_needs_a_csrf_token():
    client = Client(enforce_csrf_checks=True)
    account = customer(client)
    key = a_key(account)
    for path in (PAGE, address(key), address(key, "switch/"), address(key, "revoke/")):
        assert client.post(path, {"name": "x", "disabled": "yes"}).status_code == 403
    assert [key.name for key in APIKey.objects.filter(revoked_at=None)] == ["shell"]


def test_a_key_that_ends_with_the_calendar_is_shown_as_any_other(client):
    key = a_key(customer(client), expires_at=datetime.max.replace(tzinfo=UTC))
    assert "until 31 Dec 9999 23:59" in client.get(PAGE, headers=ENGLISH).content.decode()
    assert client.get(address(key)).status_code == 200


def test_a_key_is_renamed_and_bounded(client):
    key = a_key(customer(client), rate=KeyRate(5, 1))
    page = client.get(address(key), headers=ENGLISH).content.decode()
    assert 'value="5"' in page
    answer = client.post(
        address(key),
        {"name": "Robot", "limit": "0.25", "limit_reset": "daily", "allowed_ips": "10.0.0.1"},
        headers=ENGLISH,
    )
    assert answer.status_code == 302
    key.refresh_from_db()
    assert (key.name, key.limit_nano, key.limit_reset) == ("Robot", CREDIT // 4, "daily")
    assert (key.rate_requests, key.rate_window_s) == (None, None)
    assert key.allowed_ips == ["10.0.0.1/32"]
    page = client.get(address(key), headers=ENGLISH).content.decode()
    assert 'value="0.25"' in page
    assert "The key is changed." in page


def test_a_form_saved_as_it_was_shown_changes_nothing(client):
    account = customer(client)
    key = a_key(
        account,
        limit_nano=CREDIT // 8,
        limit_reset="monthly",
        rate=KeyRate(3, 7),
        allowed_models=["retired-model", "gigachat-pro"],
        allowed_ips=["10.0.0.0/8"],
        concurrency=4,
    )
    over = datetime(2026, 1, 31, 12, 0, 7, tzinfo=UTC)
    APIKey.objects.filter(pk=key.pk).update(expires_at=over)
    page = client.get(address(key)).content.decode()
    assert 'value="retired-model"' in page
    assert 'value="2026-01-31T15:00"' in page
    form = {
        "name": key.name,
        "limit": "0.125",
        "limit_reset": "monthly",
        "rate_requests": "3",
        "rate_window_s": "7",
        "allowed_models": key.allowed_models,
        "allowed_ips": "10.0.0.0/8",
        "concurrency": "4",
        "expires_at": "2026-01-31T15:00",
    }
    assert client.post(address(key), form).status_code == 302
    before = APIKey.objects.filter(pk=key.pk).values().get()
    key.refresh_from_db()
    assert {name: getattr(key, name) for name in before} == before
    assert (key.limit_nano, key.rate_window_s) == (CREDIT // 8, 7)
    assert key.allowed_models == ["retired-model", "gigachat-pro"]
    assert (key.concurrency, key.expires_at) == (4, over)


def test_a_wrong_change_changes_nothing(client):
    key = a_key(customer(client))
    answer = client.post(address(key), {"name": "New", "allowed_ips": "nonsense"}, headers=ENGLISH)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "nonsense" in page
    assert "<h1>shell</h1>" in page
    key.refresh_from_db()
    assert key.name == "shell"


def test_a_key_is_switched_off_and_on(client):
    customer(client)
    raw = shown_key(create(client))
    key = APIKey.objects.get(digest=digest_of(raw))
    assert client.post(address(key, "switch/"), {"disabled": "yes"}).status_code == 302
    with pytest.raises(InvalidCredential):
        authenticate(f"Bearer {raw}")
    assert "switched off" in client.get(PAGE, headers=ENGLISH).content.decode()
    client.post(address(key, "switch/"), {"disabled": "no"})
    assert authenticate(f"Bearer {raw}")


def test_a_revoked_key_opens_nothing_and_moves_to_its_own_list(client):
    customer(client)
    raw = shown_key(create(client, "Old one"))
    key = APIKey.objects.get(digest=digest_of(raw))
    answer = client.post(address(key, "revoke/"), follow=True, headers=ENGLISH)
    assert "is revoked for good" in answer.content.decode()
    with pytest.raises(InvalidCredential):
        authenticate(f"Bearer {raw}")
    assert address(key) not in client.get(PAGE).content.decode()
    assert address(key) in client.get(PAGE, {"list": "revoked"}).content.decode()
    page = client.get(address(key), headers=ENGLISH).content.decode()
    assert "cannot be changed" in page
    assert 'name="name"' not in page


def test_a_revoked_key_stays_as_it_was(client):
    key = a_key(customer(client))
    issuing.revoke(key=key)
    for path, form in (
        (address(key), {"name": "New"}),
        (address(key, "switch/"), {"disabled": "yes"}),
    ):
        answer = client.post(path, form, follow=True, headers=ENGLISH)
        assert "This key is revoked and cannot be changed." in answer.content.decode()
    key.refresh_from_db()
    assert (key.name, key.disabled) == ("shell", False)


def test_a_foreign_key_is_as_unknown_as_one_that_never_was(client):
    foreign = a_key(customer(Client(), BORIS), name="Boris's key")
    customer(client)
    for known in (foreign.hash, "0" * 64, "x"):
        for action, form in (
            ("", {"name": "Mine"}),
            ("switch/", {"disabled": "yes"}),
            ("revoke/", {}),
        ):
            assert client.post(f"{PAGE}{known}/{action}", form).status_code == 404
        assert client.get(f"{PAGE}{known}/").status_code == 404
    assert "Boris" not in client.get(PAGE).content.decode()
    foreign.refresh_from_db()
    assert (foreign.name, foreign.disabled, foreign.revoked_at) == ("Boris's key", False, None)


def test_reading_changes_nothing(client):
    key = a_key(customer(client))
    before = list(APIKey.objects.values())
    for path in (PAGE, f"{PAGE}?name=x&form_token={form_token(client)}", address(key)):
        assert client.get(path).status_code == 200
    for action in ("switch/", "revoke/"):
        assert client.get(address(key, action), {"disabled": "yes"}).status_code == 405
    assert list(APIKey.objects.values()) == before


def test_a_name_is_inert_on_every_page(client):
    account = customer(client)
    created = create(client, XSS)
    key = APIKey.objects.get(account=account)
    APIKey.objects.filter(pk=key.pk).update(made_by=XSS)
    answers = [
        created,
        client.get(PAGE),
        client.get(address(key)),
        client.post(address(key), {"name": XSS, "limit": XSS, "allowed_ips": XSS}),
        client.post(address(key, "revoke/"), follow=True),
    ]
    for answer in answers:
        page = answer.content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


def test_the_list_says_who_made_a_key(client):
    key = a_key(customer(client))
    APIKey.objects.filter(pk=key.pk).update(made_by="Notebook")
    page = client.get(PAGE, headers=ENGLISH).content.decode()
    assert "made by the application Notebook" in page


def test_the_pages_are_in_both_languages(client):
    key = a_key(customer(client))
    for path, russian in ((PAGE, "Новый ключ"), (address(key), "Выключить или отозвать")):
        assert russian in client.get(path, headers={"Accept-Language": "ru"}).content.decode()
        english = client.get(path, headers=ENGLISH).content.decode()
        assert set(CYRILLIC.findall(english)) <= {"Русский"}
    english = create(client).content.decode()
    assert set(CYRILLIC.findall(english)) <= {"Русский"}


def test_many_keys_have_pages_and_few_queries(client, django_assert_max_num_queries):
    account = customer(client)
    for number in range(60):
        a_key(account, name=f"key-{number}", limit_nano=CREDIT, limit_reset="daily")
    client.get(PAGE)
    with django_assert_max_num_queries(15):
        page = client.get(PAGE).content.decode()
    assert "key-59<" in page
    assert "key-9<" not in page
    assert "key-9<" in client.get(PAGE, {"page": 2}).content.decode()


def test_a_budget_counts_its_own_period_and_what_is_held(client):
    account = customer(client, roubles=50)
    bounded = a_key(account, limit_nano=5 * CREDIT, limit_reset="daily")
    forever = a_key(account, limit_nano=5 * CREDIT)
    plain = a_key(account)
    for key in (bounded, forever, plain):
        a_request(key, at=ago(days=40), cost_nano=2 * CREDIT)
        a_request(key, cost_nano=CREDIT)
    held = begin(key_principal.principal_of(bounded), ago(seconds=1), CREDIT // 2)
    found = standings(
        {key.pk: key_principal.principal_of(key).budget for key in (bounded, forever, plain)}
    )
    today = Spending.objects.filter(credential_id=plain.pk).order_by("day").last()
    assert today is not None
    assert today.spent_nano == CREDIT
    recent = {"week_nano": CREDIT, "month_nano": CREDIT}
    assert found == {
        bounded.pk: KeyStanding(CREDIT, 3 * CREDIT, CREDIT * 3 // 2, CREDIT * 7 // 2, **recent),
        forever.pk: KeyStanding(CREDIT, 3 * CREDIT, 3 * CREDIT, 2 * CREDIT, **recent),
        plain.pk: KeyStanding(CREDIT, 3 * CREDIT, **recent),
    }
    assert held.amount_nano == CREDIT // 2


@pytest.mark.parametrize(("overlap_s", "works"), [("0", False), ("3600", True), ("604800", True)])
def test_a_key_is_replaced_and_lives_on_for_as_long_as_was_chosen(client, overlap_s, works):
    key, raw = issuing.issue(account=(account := customer(client)), user=account.owner, name="CI")
    answer = client.post(address(key, "rotate/"), {"overlap_s": overlap_s}, headers=ENGLISH)
    assert authenticate(f"Bearer {shown_key(answer)}").label == "CI"
    assert f"It replaces {key}" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    key.refresh_from_db()
    assert key.expires_at is not None
    left = key.expires_at - timezone.now()
    assert timedelta(0) <= timedelta(seconds=int(overlap_s)) - left < timedelta(minutes=1)
    if works:
        assert authenticate(f"Bearer {raw}")
    else:
        with pytest.raises(InvalidCredential):
            authenticate(f"Bearer {raw}")
    page = client.get(address(key), headers=ENGLISH).content.decode()
    assert str(key.successor) in page
    assert "Replace the key" not in page
    again = client.post(
        address(key, "rotate/"), {"overlap_s": overlap_s}, follow=True, headers=ENGLISH
    )
    assert "was replaced already" in again.content.decode()
    assert APIKey.objects.count() == 2


@pytest.mark.parametrize("overlap_s", ["", "1", "-3600", "9e9", "week"])
def test_only_the_offered_times_can_be_chosen(client, overlap_s):
    key = a_key(customer(client))
    answer = client.post(address(key, "rotate/"), {"overlap_s": overlap_s}, headers=ENGLISH)
    assert answer.status_code == 422
    assert 'id="id_overlap_s_error"' in answer.content.decode()
    assert APIKey.objects.count() == 1


def test_the_pages_say_from_where_a_key_was_used_and_what_state_it_is_in(client):
    account = customer(client)
    key, raw = issuing.issue(account=account, user=account.owner, name="CI")
    authenticate(f"Bearer {raw}", ip_address("203.0.113.7"))
    freezing.freeze([key.pk], "It was found in a public place.")
    freezing.slow([key.pk], 60)
    for path in (PAGE, address(key)):
        page = client.get(path, headers=ENGLISH).content.decode()
        assert "203.0.113.0/24" in page
        assert ">frozen<" in page
        assert ">slowed<" in page
    assert "It was found in a public place." in client.get(address(key)).content.decode()
    APIKey.objects.update(expires_at=timezone.now())
    for path in (PAGE, address(key)):
        assert ">expired<" in client.get(path, headers=ENGLISH).content.decode()


def test_a_suspended_account_is_told_why_on_every_page_and_makes_no_keys(client):
    account = customer(client)
    key = a_key(account)
    form = {"name": "CI", "form_token": form_token(client)}
    suspension.suspend(account=account, reason="Too many <b>complaints</b>.")
    for path in ("/cabinet/", PAGE, address(key), "/cabinet/billing/", "/cabinet/usage/"):
        page = client.get(path, headers=ENGLISH).content.decode()
        assert "The account is suspended since" in page
        assert "Too many &lt;b&gt;complaints&lt;/b&gt;." in page
    for path in (PAGE, address(key)):
        page = client.get(path, headers=ENGLISH).content.decode()
        assert ">refused<" in page
        assert ">works<" not in page
    answer = client.post(PAGE, form, headers=ENGLISH)
    assert answer.status_code == 422
    assert "A suspended account makes no keys." in answer.content.decode()
    client.post(address(key, "rotate/"), {"overlap_s": "0"})
    assert APIKey.objects.count() == 1
    offered = "".join(client.get(page).content.decode() for page in (PAGE, "/cabinet/billing/"))
    assert "form_token" not in offered
    assert 'id="top-up"' not in offered
    assert 'id="redeem"' not in offered
    suspension.resume(account=account)
    assert "suspended since" not in client.get(PAGE, headers=ENGLISH).content.decode()
