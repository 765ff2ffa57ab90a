"""The playground in a browser: an answer comes by the word, and its price with it."""

import re

from playwright.sync_api import expect

from tests.browser.visitors import Visitor


def test_a_question_is_answered_with_its_price(at_home: Visitor):
    at_home.open("/cabinet/playground/?model=gigachat-pro")
    at_home.fill("Message", "Привет!")
    at_home.press("Send")
    log = at_home.page.get_by_role("log")
    expect(log).to_contain_text(re.compile(r"\d,\d+.₽"))
    expect(log).to_contain_text("Здравствуйте")
    log.get_by_role("link").first.click()
    at_home.page.wait_for_url(re.compile("/cabinet/generations/gen-"))


def test_a_long_answer_is_stopped(at_home: Visitor):
    at_home.open("/cabinet/playground/?model=gigachat-pro")
    at_home.fill("Message", "sandbox:interval=0.1 sandbox:long=600 Расскажи")
    at_home.page.get_by_label(at_home.say("Message"), exact=True).press("Control+Enter")
    stop = at_home.found("button", "Stop")
    expect(stop).to_be_visible()
    expect(at_home.page.get_by_role("log")).to_contain_text(re.compile(r"\w{4,} \w"))
    stop.click()
    expect(stop).to_be_hidden()
    expect(at_home.found("button", "Send")).to_be_enabled()
