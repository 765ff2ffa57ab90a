"""The list of requests renews itself once it is asked to, and keeps what one is reading."""

from playwright.sync_api import expect

from tests.browser.furnished import Furnished
from tests.browser.visitors import Site, Visitor


def ask(site: Site, resident: Furnished) -> str:
    with site.service.openai(resident.key) as client:
        answer = client.chat.completions.create(
            model="gigachat-basic", messages=[{"role": "user", "content": "Привет"}]
        )
    return answer.id


def test_a_new_request_comes_to_the_top_by_itself(
    at_home: Visitor, site: Site, resident: Furnished
):
    at_home.open("/cabinet/generations/")
    page = at_home.page
    rows = page.locator("#requests tbody > tr")
    first = rows.first
    live = page.locator("[data-live-tail]")
    live.click()
    expect(live).to_have_attribute("aria-pressed", "true")
    first.get_by_role("link").focus()
    before = first.get_attribute("data-request")

    new_id = ask(site, resident)

    expect(rows.first).to_have_attribute("data-request", new_id)
    expect(page.locator("[data-live-tail-status]")).to_contain_text("1")
    expect(page.locator(f"[data-request='{before}'] a")).to_be_focused()
    rows.first.get_by_role("link").click()
    expect(page.get_by_role("dialog").locator("#generation-id")).to_have_text(new_id)


def test_the_switch_outlives_filters_and_is_off_once_it_is_pressed_again(at_home: Visitor):
    at_home.open("/cabinet/generations/")
    page = at_home.page
    live = page.locator("[data-live-tail]")
    live.click()
    at_home.open("/cabinet/generations/?status=failed")
    expect(live).to_have_attribute("aria-pressed", "true")
    live.click()
    at_home.open("/cabinet/generations/")
    expect(live).to_have_attribute("aria-pressed", "false")


def test_whoever_is_logged_out_meanwhile_is_told_so(at_home: Visitor):
    at_home.open("/cabinet/generations/")
    at_home.context.clear_cookies(name="sessionid")
    live = at_home.page.locator("[data-live-tail]")
    live.click()
    expect(live).to_have_attribute("aria-pressed", "false")
    lost = "The list does not renew itself any more: the service cannot be reached, or you are logged out."
    expect(at_home.page.locator("[data-live-tail-status]")).to_have_text(at_home.say(lost))
