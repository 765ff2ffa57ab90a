"""Every page that matters, looked at: for people with a screen reader, in both themes, on a phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Visit
from tests.browser.furnished import Furnished, furnish
from tests.browser.visitors import Site, Visitor

PUBLIC = (
    "/",
    "/models/",
    "/models/gigachat-pro/",
    "/models/?requests=1000&prompt_tokens=500&answer_tokens=200",
    "/models/compare/",
    "/models/compare/?model=gigachat-2&model=yandexgpt&model=embeddings&requests=9&prompt_tokens=9",
    "/status/",
    "/docs/",
    "/docs/quickstart/",
    "/docs/api/",
    "/docs/api/chat/",
    "/docs/api/messages/",
    "/docs/api/keys/",
    "/terms/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/no/such/page",
)
CABINET = (
    "/cabinet/",
    "/cabinet/keys/",
    "/cabinet/keys/{limited_hash}/",
    "/cabinet/keys/{revoked_hash}/",
    "/cabinet/usage/",
    "/cabinet/usage/?days=1&metric=latency",
    "/cabinet/billing/",
    "/cabinet/billing/ledger/",
    "/cabinet/generations/",
    "/cabinet/generations/{generation_id}/",
    "/cabinet/model-map/?preset=openai",
    "/cabinet/playground/",
    "/cabinet/apps/",
    "/cabinet/apps/new/",
    "/cabinet/apps/{own_client_id}/",
    "/cabinet/connections/",
    "/cabinet/security/",
    "/accounts/",
    "/accounts/email/",
    "/accounts/2fa/",
    "/oauth/authorize?response_type=code&client_id={client_id}&redirect_uri={callback}"
    "&scope=chat&code_challenge={challenge}&code_challenge_method=S256",
)
ADMIN = (
    "/admin/",
    "/admin/customers/",
    "/admin/customers/{account_id}/",
    "/admin/customers/?q=nobody",
    "/admin/customers/{account_id}/suspend/",
    "/admin/accounts/",
    "/admin/accounts/account/{account_id}/change/",
    "/admin/accounts/apikey/",
    "/admin/accounts/auditentry/",
    "/admin/accounts/oauthapplication/",
    "/admin/accounts/oauthtoken/",
    "/admin/accounts/securityevent/",
    "/admin/accounts/user/",
    "/admin/accounts/user/add/",
    "/admin/auth/group/",
    "/admin/auth/group/add/",
    "/admin/billing/",
    "/admin/billing/autotopup/",
    "/admin/billing/codebatch/",
    "/admin/billing/codebatch/make/",
    "/admin/billing/creditaccount/",
    "/admin/billing/creditaccount/{account_id}/adjust/",
    "/admin/billing/generation/",
    "/admin/billing/generation/?q=nothing",
    "/admin/billing/ledgerentry/",
    "/admin/billing/payment/",
    "/admin/billing/paymentrefund/",
    "/admin/billing/price/",
    "/admin/billing/price/add/",
    "/admin/billing/redemptioncode/",
    "/admin/billing/upstreamprice/",
    "/admin/billing/upstreamprice/add/",
    "/admin/gateway/",
    "/admin/gateway/languagemodel/",
    "/admin/gateway/languagemodel/1/change/",
    "/admin/gateway/languagemodel/1/delete/",
    "/admin/gateway/languagemodel/add/",
    "/admin/gateway/moderationevent/",
    "/admin/gateway/moderationrule/",
    "/admin/gateway/moderationrule/add/",
    "/admin/gateway/openaiserver/",
    "/admin/gateway/openaiserver/add/",
    "/admin/gateway/openaiserver/preset/",
    "/admin/gateway/providercredential/",
    "/admin/gateway/providercredential/add/",
    "/admin/gateway/route/",
    "/admin/gateway/route/add/",
    "/admin/gateway/serviceincident/",
    "/admin/gateway/serviceincident/add/",
)
PHONE = {"width": 360, "height": 740}
SERIOUS = {"serious", "critical"}
AXE = Axe().axe_script
COLOURS_HAVE_CHANGED = "() => Promise.all(document.getAnimations().map((each) => each.finished))"
CUT = """() => [...document.querySelectorAll("main :is(.table-wrap, .tabs)")]
    .filter((part) => part.scrollWidth > part.clientWidth)
    .map((part) => part.innerText)"""
"""Return the tables and rows of tabs that are wider than their place."""
RUN_AXE = "options => axe.run(document, options).then((results) => results.violations)"


def findings(page: Page, *rules: str) -> list[str]:
    """Return what axe, which the page has loaded, finds of weight, a line each."""
    # Without `preload` it fetches no style sheet again, from addresses that are not there.
    options = {"resultTypes": ["violations"], "preload": False} | (
        {"runOnly": list(rules)} if rules else {}
    )
    return [
        f"{found['id']}: {found['help']}: {node['html'][:200]}"
        for found in page.evaluate(RUN_AXE, options)
        if found["impact"] in SERIOUS
        for node in found["nodes"]
    ]


def look(visitor: Visitor, path: str) -> None:
    """Open a page and see that nobody is shut out of it."""
    page = visitor.page
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    with visitor.guard.expecting(404 if path == "/no/such/page" else 200):
        visitor.open(path)
    assert visitor.path == path.partition("?")[0]
    assert page.locator("h1").count() == 1
    page.evaluate(AXE)
    assert findings(page) == []
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.evaluate(COLOURS_HAVE_CHANGED)
    assert findings(page, "color-contrast") == []
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"], "The page is wider than a phone."
    if path.startswith("/cabinet/"):
        assert page.evaluate(CUT) == [], "A phone cuts it, and nothing says that it can be moved."


@pytest.mark.parametrize("path", PUBLIC)
def test_a_public_page_is_for_everybody(path: str, visitor: Visitor):
    look(visitor, path)


@pytest.mark.parametrize("path", CABINET)
def test_a_page_of_the_cabinet_is_for_everybody(path: str, at_home: Visitor, resident: Furnished):
    look(at_home, path.format(**resident.in_addresses()))


@pytest.mark.parametrize("path", ADMIN)
def test_a_page_of_the_admin_is_for_everybody(path: str, operator: Visitor, resident: Furnished):
    look(operator, path.format(account_id=operator.site.service.account_of(resident.key)))


GIVE_LONG_NAMES = """
    import sys
    from accounts.models import APIKey
    from billing.ledger import ledger
    account_id, name = int(sys.argv[1]), sys.argv[2]
    APIKey.objects.filter(account=account_id).update(name=name)
    ledger.adjust(account_id, 123_456 * 10**9 + 123_456_789, reason="A gift", actor_id=None)
"""
LONG_NAME = "НазваниеБезПробелов" * 5
CUT_IN_ADMIN = """() => [...document.querySelectorAll("#content .module table")]
    .filter((table) => table.scrollWidth > table.parentElement.clientWidth)
    .map((table) => table.caption.innerText)"""
LINES_OF_FIGURES = """() => [...document.querySelectorAll(".admin-figures dd:not(.quiet)")]
    .map((figure) => figure.getBoundingClientRect().height / parseFloat(getComputedStyle(figure).lineHeight))
    .map(Math.round)"""


def test_long_names_and_sums_push_nothing_out_of_sight(
    new_visitor: Visit, operator: Visitor, site: Site
):
    person = furnish(site, "long-names@example.ru")
    account_id = site.service.account_of(person.key)
    site.service.python(GIVE_LONG_NAMES, str(account_id), LONG_NAME)
    visitor = new_visitor()
    cookie = {"name": "sessionid", "value": person.session, "url": site.url}
    visitor.context.add_cookies([cookie])  # type: ignore[list-item]
    for path in (
        "/cabinet/",
        "/cabinet/keys/",
        "/cabinet/usage/?group=key",
        "/cabinet/generations/",
    ):
        visitor.open(path)
        for size in ({"width": 1280, "height": 800}, PHONE):
            visitor.page.set_viewport_size(size)  # type: ignore[arg-type]
            assert visitor.page.evaluate(CUT) == [], f"{path} at {size['width']}"
    operator.page.set_viewport_size({"width": 1280, "height": 800})
    operator.open(f"/admin/customers/{account_id}/")
    assert operator.page.evaluate(CUT_IN_ADMIN) == []
    assert set(operator.page.evaluate(LINES_OF_FIGURES)) == {1}


TELL_OF_LONG_WORDS = """
    import sys
    from accounts import suspension, users
    from oauth2_provider.models import Application
    email, client_id, word = sys.argv[1:]
    Application.objects.filter(client_id=client_id).update(name=word)
    suspension.suspend(account=users.find(email=email).accounts.get(), reason=word)
"""


def test_a_word_without_end_makes_no_page_wider_than_a_phone(new_visitor: Visit, site: Site):
    person = furnish(site, "long-words@example.ru")
    site.service.python(TELL_OF_LONG_WORDS, person.email, person.client_id, LONG_NAME)
    visitor = new_visitor(viewport=PHONE)
    cookie = {"name": "sessionid", "value": person.session, "url": site.url}
    visitor.context.add_cookies([cookie])  # type: ignore[list-item]
    for path in ("/cabinet/", CABINET[-1].format(**person.in_addresses())):
        visitor.open(path)
        visitor.sees(LONG_NAME)
        width = visitor.page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], path


def test_what_shuts_people_out_is_found(visitor: Visitor):
    visitor.open("/")
    visitor.page.evaluate(AXE)
    visitor.page.evaluate("document.querySelector('main').append(document.createElement('input'))")
    assert any(finding.startswith("label:") for finding in findings(visitor.page))
