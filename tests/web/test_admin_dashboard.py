"""The first page of the operators' admin, and what it shows to whom."""

import re

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Permission
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import users
from accounts.models import User
from billing.models import ProcessLease
from gateway.health import monitor
from gateway.health.events import Note
from tests.accounts.operators import seat
from tests.accounts.sign_in import text_of
from tests.billing.payers import CREDIT, PROCESS, open_account, payer
from tests.billing.usage_rows import ago, use

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:No directory at:UserWarning"),
]


@pytest.fixture
def operator_client() -> Client:
    operator = User.objects.create_superuser("operator@example.ru")
    return seat(Client(headers={"accept-language": "en"}), operator)


def figure(page: str, label: str) -> str:
    """Return what stands under a label, today's and yesterday's."""
    found = re.search(rf"<dt>{label}</dt>(.*?)</div>", page, re.DOTALL)
    assert found is not None
    return " ".join(re.sub(r"<[^>]+>|&nbsp;|\xa0", " ", found[1]).split())


def test_the_day_stands_beside_the_one_before(operator_client: Client) -> None:
    ProcessLease.objects.create(process_id=PROCESS, renewed_at=Now())
    account = open_account(10 * CREDIT)
    use(payer(account), timezone.now(), CREDIT, model_id="a", upstream_cost_nano=CREDIT // 4)
    use(payer(account), timezone.now(), 0, model_id="a", error_code="provider_error")
    use(payer(account), ago(days=1), 2 * CREDIT, model_id="b")

    page = operator_client.get("/admin/").content.decode()

    assert figure(page, "Requests") == "2 1"
    assert figure(page, "Errors") == "1 50.0 % 0 · 0.0 %"
    assert figure(page, "Revenue") == "1.00 ₽ 2.00 ₽"
    assert figure(page, "Cost upstream") == "0.25 ₽ 0.00 ₽"
    assert figure(page, "Margin") == "0.75 ₽ 75.0 % 2.00 ₽ · 100.0 %"
    assert figure(page, "Active accounts") == "1 1"
    assert figure(page, "New users") == f"{User.objects.count()} 0"
    assert 'scope="row">a<' in page
    assert 'scope="row">b<' not in page


def test_the_providers_are_there_as_they_are(operator_client: Client) -> None:
    for _ in range(30):
        monitor.current().note(Note("yandexgpt", "environment", "yandexgpt/latest", "failed"))
    page = text_of(operator_client.get("/admin/"))
    assert "gigachat Operational" in page
    assert "yandexgpt Does not answer 30 0 %" in page.replace("\xa0", " ")


def test_helpers_without_the_books_see_no_money(operator_client: Client) -> None:
    helper = User.objects.create_user("helper@example.ru")
    User.objects.filter(pk=helper.pk).update(is_staff=True)
    helper.user_permissions.add(Permission.objects.get(codename="view_apikey"))
    page = seat(Client(headers={"accept-language": "en"}), helper).get("/admin/")
    assert page.status_code == 200
    assert "Revenue" not in page.content.decode()
    assert reverse("admin:accounts_apikey_changelist") in page.content.decode()


@pytest.mark.parametrize("label", ["accounts", "billing", "gateway"])
def test_the_page_of_an_app_lists_its_tables_alone(operator_client: Client, label: str) -> None:
    answer = operator_client.get(reverse("admin:app_list", args=[label]))
    page = answer.content.decode()
    assert answer.context["title"] == apps.get_app_config(label).verbose_name
    assert "admin-day" not in page
    main = page.partition("<main")[2]
    tables = set(re.findall(r'href="/admin/(\w+)/\w+/"', main))
    assert tables == {label}


def test_an_empty_list_says_so_and_a_search_without_a_hit_leads_back(
    operator_client: Client,
) -> None:
    path = reverse("admin:billing_codebatch_changelist")
    assert "None yet." in operator_client.get(path).content.decode()
    page = operator_client.get(path, {"q": "nothing"}).content.decode()
    assert "Nothing fits." in page
    assert "changelist-form" in page


def test_no_page_of_the_admin_holds_a_script_or_a_style_of_its_own(operator_client: Client) -> None:
    account = users.register(email="natasha@example.ru")
    paths = [
        "/admin/",
        reverse("admin:accounts_user_changelist"),
        reverse("admin:accounts_user_change", args=[account.owner_id]),
        reverse("admin:accounts_user_history", args=[account.owner_id]),
        reverse("admin:billing_price_add"),
        reverse("admin:billing_creditaccount_adjust", args=[account.pk]),
        reverse("admin:gateway_route_changelist"),
        reverse("admin:gateway_languagemodel_add"),
    ]
    for path in paths:
        answer = operator_client.get(path, follow=True)
        page = answer.content.decode()
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy.split("; ")
        assert "unsafe" not in policy
        assert not re.search(r"<style|<script>| style=| on[a-z]+=\"|javascript:", page), path
        assert "https://" not in re.sub(r'xmlns="[^"]+"', "", page).replace(settings.PUBLIC_URL, "")


def test_the_admin_has_the_colours_of_the_site() -> None:
    colour = re.compile(r"#[0-9a-f]{6}\b")
    ours, sites = (
        set(colour.findall((settings.BASE_DIR / "static" / name).read_text()))
        for name in ("admin.css", "xrouter.css")
    )
    assert ours
    assert ours <= sites
