"""The playground in a browser: an answer comes by the word, and its price with it."""

import json
import re

from playwright.sync_api import expect

from tests.browser.player import COMPLETIONS, PLAYGROUND, ask
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


def test_the_price_is_told_before_a_message_is_sent(at_home: Visitor):
    at_home.open("/cabinet/playground/?model=gigachat-pro")
    at_home.fill("Message", "Привет!")
    line = at_home.page.locator("#playground-price")
    expect(line).to_contain_text(re.compile(r"\d,\d+\D+\d,\d+.₽"))
    at_home.press("Send")
    expect(line).to_have_text(re.compile(r"^\s*$"))
    expect(at_home.page.get_by_role("log")).to_contain_text(re.compile(r"\d,\d+.₽"))


def test_what_a_model_says_in_place_of_an_answer_is_shown(at_home: Visitor):
    choices = [{"index": 0, "delta": {"refusal": "Не могу помочь."}, "finish_reason": None}]
    events = f"data: {json.dumps({'choices': choices})}\n\ndata: [DONE]\n\n"
    at_home.open(PLAYGROUND)
    at_home.page.route(
        COMPLETIONS,
        lambda route: route.fulfill(content_type="text/event-stream", body=events),
    )
    ask(at_home, "Привет!")
    expect(at_home.page.get_by_role("log")).to_contain_text("Не могу помочь.")


WATCH = """async ([button, log]) => {
    const places = new Set(), lengths = new Set();
    while (lengths.size < 80) {
        const { x, y, width, height } = button.getBoundingClientRect();
        places.add([x, y, width, height].join());
        lengths.add(log.textContent.length);
        await new Promise(requestAnimationFrame);
    }
    return [...places];
}"""
"""Return every place of a button while the log beside it grows eighty times."""


def test_the_stop_button_stands_still_while_the_answer_grows(at_home: Visitor):
    at_home.open("/cabinet/playground/?model=gigachat-pro")
    at_home.fill("Message", "sandbox:interval=0.03 sandbox:long=600 Расскажи")
    at_home.press("Send")
    stop, log = at_home.found("button", "Stop"), at_home.page.get_by_role("log")
    expect(log).to_contain_text(re.compile(r"\w{4,} \w"))

    places = at_home.page.evaluate(WATCH, [stop.element_handle(), log.element_handle()])

    assert len(places) == 1, places
    expect(stop).to_be_in_viewport()
    stop.click()
    expect(stop).to_be_hidden()


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


def test_three_models_answer_side_by_side_and_each_has_its_price(at_home: Visitor):
    at_home.open("/cabinet/playground/?model=gigachat-pro")
    page = at_home.page
    page.locator("#playground-model-2").select_option("gigachat-basic")
    page.locator("#playground-model-3").select_option("yandexgpt:latest")
    at_home.fill("Message", "Привет!")
    expect(page.locator("#playground-price")).to_contain_text(re.compile(r"\d,\d+.₽"))
    at_home.press("Send")
    answers = page.locator(".playground-answers article")
    expect(answers.get_by_role("link")).to_have_count(3)
    expect(answers.filter(has_text=re.compile(r"\d,\d+.₽"))).to_have_count(3)
    at_home.press("Ask again")
    expect(answers.get_by_role("link")).to_have_count(3)
    at_home.press("Change the message")
    expect(answers).to_have_count(0)
    expect(page.get_by_label(at_home.say("Message"), exact=True)).to_have_value("Привет!")
