"""A key that its owner revokes or switches off in the cabinet opens nothing any more."""

import openai
from playwright.sync_api import expect

from tests.browser.visitors import Site, Visitor
from tests.live.callers import wait_until


def answers(site: Site, key: str) -> bool:
    with site.service.openai(key) as client:
        try:
            client.models.list()
        except openai.AuthenticationError:
            return False
    return True


def test_a_key_is_switched_off_and_on_and_revoked(at_home: Visitor, site: Site):
    at_home.open("/cabinet/keys/")
    at_home.fill("Name", "A key to revoke")
    at_home.press("Create a key")
    key = at_home.page.locator("#new-key").inner_text()
    at_home.follow("Limits of this key")
    assert answers(site, key)
    at_home.press("Switch off")
    expect(at_home.found("button", "Switch on")).to_be_visible()
    wait_until(lambda: not answers(site, key), "the key is refused")
    at_home.press("Switch on")
    expect(at_home.found("button", "Switch off")).to_be_visible()
    wait_until(lambda: answers(site, key), "the key works again")
    at_home.page.locator("details.confirm summary").click()
    at_home.press("Revoke for good")
    at_home.is_at("/cabinet/keys/")
    wait_until(lambda: not answers(site, key), "the key is refused for good")
