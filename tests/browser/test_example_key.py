"""A key in the examples of a page: it is filled in, it works, and it goes with the page."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_pages import AXE, findings
from tests.browser.visitors import Site, Visitor


@pytest.mark.parametrize("path", ["/docs/quickstart/", "/models/gigachat-2/"])
def test_a_new_key_stands_in_the_examples_until_the_page_is_left(
    path: str, at_home: Visitor, site: Site
):
    at_home.open(path)
    page = at_home.page
    examples = page.locator("main pre code")
    before = examples.all_text_contents()
    at_home.press("Create a key for the examples")
    expect(at_home.found("button", "Take it out")).to_be_focused()
    page.evaluate(AXE)
    assert findings(page) == []
    after = "".join(examples.all_text_contents())
    assert "YOUR_KEY" not in after
    raw = next(word for word in after.replace('"', " ").split() if word.startswith("xr-live-"))
    with site.service.openai(raw) as client:
        assert client.models.list().data
    assert page.evaluate("[...Object.values(localStorage), ...Object.values(sessionStorage)]") == []
    page.goto("/status/")
    page.go_back()
    expect(examples.first).to_be_attached()
    assert examples.all_text_contents() == before


def test_the_key_is_taken_out_of_the_examples(at_home: Visitor):
    at_home.open("/docs/quickstart/")
    examples = at_home.page.locator("main pre code")
    before = examples.all_text_contents()
    at_home.press("Create a key for the examples")
    at_home.press("Take it out")
    assert examples.all_text_contents() == before


def test_a_second_key_of_one_page_is_refused_in_words(at_home: Visitor):
    at_home.open("/docs/quickstart/")
    token = at_home.page.locator("[data-example-key] [name=form_token]").input_value()
    at_home.press("Create a key for the examples")
    expect(at_home.found("button", "Take it out")).to_be_visible()
    at_home.open("/docs/quickstart/")
    at_home.page.locator("[data-example-key] [name=form_token]").evaluate(
        "(field, token) => (field.value = token)", token
    )
    with at_home.guard.expecting(409):
        at_home.press("Create a key for the examples")
        at_home.sees(at_home.say("This page had made a key, or was open for too long. Reload it."))


def test_whoever_was_logged_out_meanwhile_is_told_so(at_home: Visitor):
    at_home.open("/docs/quickstart/")
    at_home.context.clear_cookies(name="sessionid")
    at_home.press("Create a key for the examples")
    at_home.sees(at_home.say("You are not logged in any more. Log in and open this page again."))
