"""The overview: the newcomer's way, the balance, the forecast, the chart, the last requests."""

import datetime as dt
import re

import pytest
from django.test import Client
from django.utils import timezone

from accounts import suspension
from billing.ledger import ledger
from billing.models import CreditAccount, Generation
from billing.usage.forecast import forecast
from gateway.catalog import snapshot
from gateway.models import LanguageModel
from infra.credits import NANO_PER_CREDIT as CREDIT
from infra.moscow_time import midnight
from tests.billing.usage_rows import ago
from tests.gateway.customers import ANNA, BORIS, XSS, a_key, a_request, customer

pytestmark = pytest.mark.django_db

PAGE = "/cabinet/"
TODAY = dt.date(2026, 11, 22)
NOON = midnight(TODAY) + dt.timedelta(hours=12)
CYRILLIC = re.compile(r"[А-Яа-яЁё]+")


def days(*amounts: int) -> dict[dt.date, int]:
    """Return spending by day, the last of them today."""
    return {
        TODAY - dt.timedelta(days=back): amount for back, amount in enumerate(reversed(amounts))
    }


def test_a_stranger_is_sent_to_log_in(client):
    answer = client.get(PAGE)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


def test_a_newcomer_sees_three_steps_and_no_empty_table(client):
    customer(client)
    page = client.get(PAGE, headers={"Accept-Language": "en"}).content.decode()
    for step in ("1. Create a key", "2. Send a request", "3. Top up"):
        assert step in page
    assert "http://localhost:8000/v1/chat/completions" in page
    assert "YOUR_KEY" in page
    assert "gigachat-basic" in page
    assert "<table" not in page


def test_without_a_model_the_second_step_says_so(client):
    customer(client)
    LanguageModel.objects.update(enabled=False, updated_at=timezone.now())
    snapshot.reset()
    page = client.get(PAGE, headers={"Accept-Language": "en"}).content.decode()
    snapshot.reset()
    assert "2. Send a request" in page
    assert "No model is served at this moment." in page


def test_one_click_on_the_overview_makes_a_key(client):
    account = customer(client)
    page = client.get(PAGE).content.decode()
    token = re.search(r'name="form_token" value="([^"]+)"', page)
    name = re.search(r'name="name" value="([^"]+)"', page)
    assert token is not None
    assert name is not None
    answer = client.post("/cabinet/keys/", {"form_token": token[1], "name": name[1]})
    assert answer.status_code == 200
    assert account.api_keys.get().name == "Мой первый ключ"
    assert 'class="badge badge-good"' in client.get(PAGE).content.decode()


def test_the_page_is_read_in_both_languages(client):
    key = a_key(customer(client, roubles=50), name="shell")
    a_request(key, cost_nano=CREDIT)
    russian = client.get(PAGE, headers={"Accept-Language": "ru"}).content.decode()
    assert "Последние запросы" in russian
    assert "49,00\N{NO-BREAK SPACE}₽" in russian
    english = client.get(PAGE, headers={"Accept-Language": "en"}).content.decode()
    assert "Last requests" in english
    assert "49.00\N{NO-BREAK SPACE}₽" in english
    assert set(CYRILLIC.findall(english)) <= {"Русский"}


def test_what_runs_is_shown_as_held(client):
    account = customer(client, roubles=10)
    key = a_key(account)
    a_request(key)
    CreditAccount.objects.filter(account=account).update(held_nano=3 * CREDIT)
    page = client.get(PAGE, headers={"Accept-Language": "en"}).content.decode()
    assert "Available: 7.00\N{NO-BREAK SPACE}₽" in page
    assert "running requests: 3.00\N{NO-BREAK SPACE}₽" in page


def test_the_tier_and_its_limits_follow_the_balance(client):
    account = customer(client)
    english = {"headers": {"Accept-Language": "en"}}
    page = client.get(PAGE, **english).content.decode()
    assert "Free tier" in page
    assert "200 requests of 200 are left today." in page
    ledger.top_up(account.pk, 7 * CREDIT, payment_id="payment")
    page = client.get(PAGE, **english).content.decode()
    assert "Paid tier" in page
    assert "7 requests a second." in page


def test_a_closed_free_tier_promises_no_requests_without_money(client, settings):
    settings.FREE_TIER = False
    customer(client)
    page = client.get(PAGE, headers={"Accept-Language": "en"}).content.decode()
    assert "It is closed at present: every model needs money on the balance." in page
    assert "Requests need money on it." in page
    assert "are left today" not in page


def test_the_chart_has_thirty_days_and_what_each_cost(client):
    key = a_key(customer(client, roubles=50))
    a_request(key, at=ago(days=2), cost_nano=3 * CREDIT // 2)
    a_request(key, at=ago(days=40), cost_nano=CREDIT)
    chart = client.get(PAGE, headers={"Accept-Language": "en"}).context["chart"]
    assert [number for number, bar in enumerate(chart.bars) if bar.segments] == [27]
    assert len(chart.bars) == 30
    assert [total for _, _, total in chart.legend] == ["1.50\N{NO-BREAK SPACE}₽"]


def test_the_last_days_are_summed_up_in_small(client):
    key = a_key(customer(client, roubles=50))
    for _ in range(3):
        a_request(key, at=ago(days=1), tokens_prompt=1000, tokens_completion=1)
    a_request(key, error_code="timeout", tokens_prompt=0, tokens_completion=0)
    shown = client.get(PAGE, headers={"Accept-Language": "en"}).context["sparklines"]
    assert [line.total for line in shown] == ["4", "3,003", "1"]


def test_a_quiet_account_needs_no_attention(client):
    key = a_key(customer(client, roubles=50))
    a_request(key, cost_nano=CREDIT)
    assert client.get(PAGE).context["matters"] == []


def test_what_needs_attention_is_told_the_worst_first(client):
    account = customer(client, roubles=12)
    key = a_key(account, name="Shop", limit_nano=10 * CREDIT)
    a_request(key, error_code="timeout")
    for back in (1, 2, 3):
        a_request(key, at=ago(days=back), cost_nano=3 * CREDIT)
    a_key(account, name="Bot", limit_nano=0)
    a_key(account, name="Off", limit_nano=0, disabled=True)
    shown = client.get(PAGE, headers={"Accept-Language": "en"}).context["matters"]
    assert [(matter.level, matter.text) for matter in shown] == [
        ("error", "The key “Bot” has used up its limit."),
        ("warning", "At this pace the balance lasts for about 1 more day."),
        ("warning", "The key “Shop” has used 90 % of its limit."),
        ("warning", "1 request of today failed."),
        ("info", "No mail will tell you when the balance runs low."),
    ]
    assert all(client.get(matter.address).status_code == 200 for matter in shown)


def test_a_suspended_account_is_told_so_once(client):
    account = customer(client)
    suspension.suspend(account=account, reason="Sells keys.")
    shown = client.get(PAGE, headers={"Accept-Language": "en"})
    assert shown.status_code == 200
    assert shown.content.decode().count("suspended") == 1


def test_a_suspended_account_is_not_asked_to_top_up(client):
    account = customer(client, roubles=50)
    a_request(a_key(account))
    assert "Top up" in client.get(PAGE, headers={"Accept-Language": "en"}).content.decode()
    suspension.suspend(account=account, reason="Sells keys.")
    assert "Top up" not in client.get(PAGE, headers={"Accept-Language": "en"}).content.decode()


def test_the_last_ten_requests_are_shown_newest_first(client):
    key = a_key(customer(client, roubles=50))
    ids = [a_request(key, at=ago(minutes=20 - number)) for number in range(12)]
    page = client.get(PAGE).content.decode()
    shown = re.findall(r"/cabinet/generations/(gen-[0-9a-f]{32})/", page)
    assert shown == ids[:1:-1]


def test_nothing_of_others_is_shown(client):
    a_key(customer(client, ANNA))
    stranger = Client()
    key = a_key(customer(stranger, BORIS, roubles=77), name="Boris's key")
    generation_id = a_request(key, cost_nano=CREDIT)
    page = client.get(PAGE, headers={"Accept-Language": "en"}).content.decode()
    assert generation_id not in page
    assert "0.00\N{NO-BREAK SPACE}₽" in page
    assert "76.00" not in page


def test_the_name_of_a_key_is_inert(client):
    key = a_key(customer(client), name=XSS)
    a_request(key)
    page = client.get(PAGE).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_the_page_only_reads(client):
    account = customer(client, roubles=5)
    a_request(a_key(account))
    before = Generation.objects.count(), account.api_keys.count()
    client.get(PAGE)
    assert client.post(PAGE).status_code == 405
    assert (Generation.objects.count(), account.api_keys.count()) == before


def test_a_steady_pace_says_when_the_balance_ends():
    # Seven whole days and half of today, a rouble a day.
    result = forecast(15 * CREDIT, days(*[CREDIT] * 7, CREDIT // 2), NOON)
    assert result is not None
    assert result.daily_nano == CREDIT
    assert result.ends_at == NOON + dt.timedelta(days=15)


def test_older_days_do_not_count_for_the_pace():
    result = forecast(10 * CREDIT, days(1000 * CREDIT, *[CREDIT] * 7, CREDIT // 2), NOON)
    assert result is not None
    assert result.daily_nano == CREDIT


def test_the_pace_of_a_new_account_is_that_of_its_own_days():
    result = forecast(10 * CREDIT, days(2 * CREDIT, 2 * CREDIT, CREDIT), NOON)
    assert result is not None
    assert result.daily_nano == 2 * CREDIT


@pytest.mark.parametrize(
    ("posted_nano", "spent"),
    [
        (0, days(CREDIT, CREDIT, CREDIT)),
        (10 * CREDIT, {}),
        (10 * CREDIT, days(CREDIT, CREDIT)),
        (10 * CREDIT, days(CREDIT, CREDIT, CREDIT, 0, 0, 0, 0, 0, 0, 0, 0)),
    ],
    ids=["no balance", "no spending", "two days", "long ago"],
)
def test_too_little_is_known_for_a_forecast(posted_nano, spent):
    assert forecast(posted_nano, spent, NOON) is None


def test_a_balance_for_years_has_no_date():
    result = forecast(10**6 * CREDIT, days(CREDIT, CREDIT, CREDIT), NOON)
    assert result is not None
    assert result.ends_at is None


def test_the_forecast_is_shown_once_three_days_have_spending(client):
    key = a_key(customer(client, roubles=100))
    english = {"headers": {"Accept-Language": "en"}}
    for back in (1, 2):
        a_request(key, at=ago(days=back), cost_nano=CREDIT)
    assert "needs spending on 3" in client.get(PAGE, **english).content.decode()
    a_request(key, at=ago(days=3), cost_nano=CREDIT)
    assert "At the pace of the last 7 days" in client.get(PAGE, **english).content.decode()
