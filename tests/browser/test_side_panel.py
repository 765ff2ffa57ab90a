"""A request opens beside the list, and its page is one more step away."""

import re

from playwright.sync_api import expect

from tests.browser.visitors import Visitor


def test_a_request_opens_beside_the_list_and_as_a_page(at_home: Visitor):
    at_home.open("/cabinet/generations/")
    page = at_home.page
    page.locator("[data-beside]").first.click()
    panel = page.get_by_role("dialog")
    expect(panel.get_by_role("heading", level=1)).to_be_visible()
    expect(page).to_have_url(re.compile("/cabinet/generations/gen-"))
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page).to_have_url(re.compile("/cabinet/generations/$"))
    page.locator("[data-beside]").first.click()
    expect(panel).to_be_visible()
    panel.locator("#side-panel-page").click()
    expect(page.locator("main #generation-id")).to_be_visible()
    page.go_back()
    expect(page.locator("[data-beside]").first).to_be_visible()
    expect(page).to_have_url(re.compile("/cabinet/generations/$"))
