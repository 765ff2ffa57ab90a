"""An operator's tasks, from the first page of the desk: how many clicks each takes, and what comes of it.

Typing, and Enter in a field, is no click; a choice from a list is one.
"""

from itertools import count

import pytest

from sandbox.core.credentials import YANDEX_API_KEY
from tests.browser.conftest import Visit
from tests.browser.furnished import furnish
from tests.browser.test_first_request import top_up
from tests.browser.visitors import Site, Visitor

DESK = "/admin/"
_numbers = count(1)


@pytest.fixture
def customer(site: Site) -> tuple[str, int]:
    """Return the e-mail and the account's number of a customer with a balance."""
    email = f"customer-{next(_numbers)}@example.ru"
    return email, site.service.account_of(site.service.key(email))


def find_customer(operator: Visitor, email: str, account_id: int) -> None:
    operator.open(DESK)
    operator.page.locator("#find-customer").fill(email)
    operator.page.keyboard.press("Enter")
    operator.is_at(f"/admin/customers/{account_id}/")


def open_table(operator: Visitor, table: str) -> None:
    operator.open(DESK)
    operator.page.locator(f".model-{table} th a").click()
    operator.clicks += 1


def add_row(operator: Visitor, table: str) -> None:
    operator.open(DESK)
    operator.page.locator(f".model-{table} a.addlink").click()
    operator.clicks += 1


def choose(operator: Visitor, field: str, option: str) -> None:
    operator.page.locator(f"select[name={field}]").select_option(option)
    operator.clicks += 1


def write(operator: Visitor, **texts: str) -> None:
    """Write into fields by their names."""
    for field, text in texts.items():
        operator.page.locator(f"[name={field}]").fill(text)


def open_model(operator: Visitor, model_id: str) -> None:
    open_table(operator, "languagemodel")
    operator.page.locator("#searchbar").fill(model_id)
    operator.page.keyboard.press("Enter")
    operator.page.wait_for_url("**/?q=*")
    operator.follow(model_id)
    operator.page.wait_for_url("**/change/*")


def test_a_customer_is_found_without_a_click(operator: Visitor, customer: tuple[str, int]):
    find_customer(operator, *customer)
    operator.sees(customer[0])
    assert operator.clicks == 0


def test_a_price_is_changed_in_three_clicks(operator: Visitor, site: Site):
    add_row(operator, "price")
    write(operator, model_id="gigachat-plus", prompt="71,5", completion="72")
    operator.press("Save")
    operator.sees("71,50")
    operator.press("Set the price")
    operator.is_at("/admin/billing/price/")
    assert operator.clicks == 3
    found = site.service.query(
        "SELECT prompt_nano, completion_nano FROM billing_price WHERE model_id = %s"
        " ORDER BY valid_from DESC LIMIT 1",
        "gigachat-plus",
    )
    assert found == [(71_500, 72_000)]


def test_an_alias_is_added_and_changed_in_three_clicks_each(operator: Visitor, site: Site):
    open_model(operator, "gigachat-plus")
    operator.page.locator("[name=aliases-0-name]").fill("our-plus")
    operator.press("Save")
    operator.is_at("/admin/gateway/languagemodel/")
    assert operator.clicks == 3

    operator.clicks = 0
    open_model(operator, "gigachat-plus")
    operator.page.locator("[name=aliases-0-name]").fill("our-best")
    operator.press("Save")
    operator.is_at("/admin/gateway/languagemodel/")
    assert operator.clicks == 3
    aliases = "SELECT name FROM gateway_alias WHERE name IN ('our-plus', 'our-best')"
    assert site.service.query(aliases) == [("our-best",)]


def test_a_credential_is_tried_and_added_in_three_clicks(operator: Visitor, site: Site):
    stored = "SELECT provider FROM gateway_providercredential WHERE name = 'second'"
    add_row(operator, "providercredential")
    choose(operator, "provider", "yandexgpt")
    write(operator, name="second", secret="not-a-key-of-theirs")
    operator.page.keyboard.press("Enter")
    operator.sees("Ключ не принят (401)")
    assert site.service.query(stored) == []
    write(operator, secret=YANDEX_API_KEY)
    operator.press("Save")
    operator.is_at("/admin/gateway/providercredential/")
    assert operator.clicks == 3
    assert site.service.query(stored) == [("yandexgpt",)]


def test_a_payment_is_given_back_in_two_clicks(operator: Visitor, site: Site, new_visitor: Visit):
    payer = furnish(site, f"payer-{next(_numbers)}@example.ru")
    visitor = new_visitor()
    cookie = {"name": "sessionid", "value": payer.session, "url": site.url}
    visitor.context.add_cookies([cookie])  # type: ignore[list-item]
    top_up(visitor, site)

    find_customer(operator, payer.email, site.service.account_of(payer.key))
    operator.follow("Give back…")
    write(operator, reason="Заплатил дважды")
    operator.press("Give back")
    operator.sees("500,00\N{NO-BREAK SPACE}₽")
    assert operator.clicks == 2
    refunds = "SELECT amount_nano FROM billing_paymentrefund WHERE entry_id IS NOT NULL"
    assert site.service.query(refunds) == [(500 * 10**9,)]


def test_a_customer_is_suspended_in_two_clicks_with_a_reason(
    operator: Visitor, site: Site, customer: tuple[str, int]
):
    find_customer(operator, *customer)
    operator.follow("Suspend")
    write(operator, reason="Рассылает спам")
    operator.press("Suspend the account")
    operator.is_at(f"/admin/customers/{customer[1]}/")
    operator.sees("Рассылает спам")
    assert operator.clicks == 2
    told = "SELECT reason FROM accounts_auditentry WHERE object_id = %s AND action = 'suspend'"
    assert site.service.query(told, str(customer[1])) == [("Рассылает спам",)]
