"""The account's menu at the head of the cabinet: by keyboard, for screen readers, remembered."""

from playwright.sync_api import expect

from tests.browser.test_keyboard import tab_to
from tests.browser.test_pages import AXE, findings
from tests.browser.visitors import Visitor

THEME = "document.documentElement.dataset.theme"


def test_the_menu_opens_and_closes_by_the_keyboard(at_home: Visitor):
    at_home.open("/cabinet/")
    page = at_home.page
    menu = page.locator(".account-menu")
    tab_to(page, menu.locator("summary"))
    page.keyboard.press("Enter")
    settings = menu.get_by_role("link", name=at_home.say("Settings"))
    tab_to(page, settings)
    page.keyboard.press("Escape")
    expect(settings).to_be_hidden()
    expect(menu.locator("summary")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("main").get_by_role("link").first)
    expect(settings).to_be_hidden()


def test_a_theme_of_the_menu_is_kept_on_other_pages(at_home: Visitor):
    page = at_home.page
    page.emulate_media(reduced_motion="reduce")  # no colour is still changing when axe looks
    at_home.open("/cabinet/")
    page.locator(".account-menu > summary").click()
    page.evaluate(AXE)
    assert findings(page) == []
    dark = page.locator("[data-theme-choice=dark]")
    dark.click()
    expect(dark).to_have_attribute("aria-pressed", "true")
    assert findings(page, "color-contrast") == []
    at_home.open("/status/")
    assert page.evaluate(THEME) == "dark"
    page.locator("[data-theme-toggle]").click()
    assert page.evaluate(THEME) is None


def test_a_language_of_the_menu_is_that_of_the_page(at_home: Visitor):
    at_home.open("/cabinet/usage/")
    at_home.page.locator(".account-menu > summary").click()
    at_home.page.get_by_role("button", name="English").click()
    expect(at_home.page.get_by_role("heading", level=1)).to_have_text("Usage")
    at_home.is_at("/cabinet/usage/")
