"""Tools in the playground: a model calls them, a person writes their results, and the model answers."""

import json
import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.player import COMPLETIONS, PLAYGROUND, ask, bodies_of
from tests.browser.test_pages import AXE, COLOURS_HAVE_CHANGED, PHONE, findings
from tests.browser.visitors import Visitor

QUESTION = "Какая погода в Казани?"
RESULT = '{"temperature": -5}'


@pytest.fixture
def player(at_home: Visitor) -> Visitor:
    """Return the resident in the playground, with the example of a tool filled in."""
    at_home.open(PLAYGROUND)
    at_home.page.locator("#playground-tools-card > summary").click()
    at_home.press("Fill in an example")
    return at_home


def choose(visitor: Visitor, choice: str) -> None:
    visitor.page.get_by_label(visitor.say("Tool calls"), exact=True).select_option(choice)


def result_field(visitor: Visitor, place: Locator | None = None) -> Locator:
    name = visitor.say("What {name} returned").format(name="get_weather")
    return (place or visitor.page.get_by_role("log")).get_by_label(name, exact=True)


def code_of(visitor: Visitor, language: str) -> Locator:
    """Return the request as a program in a language, which the person has chosen."""
    visitor.page.locator(f"[data-code={language}]").click()
    return visitor.page.locator("#playground-code-text")


def test_a_tool_is_called_and_its_result_makes_the_answer(player: Visitor):
    sent = bodies_of(player)
    choose(player, "required")
    ask(player, QUESTION)
    log = player.page.get_by_role("log")
    call = player.say("Tool call: {name}").format(name="get_weather")
    expect(log.get_by_role("heading", name=call)).to_be_visible()
    expect(log.locator("pre")).to_have_text(re.compile(r'^{\n  "city": "Казан[^"]+"\n}$'))
    expect(result_field(player)).to_be_focused()
    result_field(player).fill(RESULT)
    player.press("Send the results")
    expect(log).to_contain_text(f"Инструмент get_weather вернул: {RESULT}")
    expect(log.get_by_role("link")).to_have_count(2)
    expect(result_field(player)).to_have_attribute("readonly", "")
    expect(player.page.get_by_label(player.say("Message"), exact=True)).to_be_focused()

    asked, answered = sent
    assert asked["tool_choice"] == "required"
    assert answered["tool_choice"] == "auto"
    assert answered["tools"] == asked["tools"]
    question, told, result = answered["messages"]
    [called] = told["tool_calls"]
    assert (question, told["role"], called["type"]) == (
        asked["messages"][0],
        "assistant",
        "function",
    )
    assert result == {"role": "tool", "tool_call_id": called["id"], "content": RESULT}

    ask(player, "Спасибо!")
    expect(log.get_by_role("link")).to_have_count(3)
    assert [message["role"] for message in sent[2]["messages"]] == [
        *("user", "assistant", "tool", "assistant", "user"),
    ]


def test_the_price_of_sending_results_is_told_before(player: Visitor):
    choose(player, "required")
    ask(player, QUESTION)
    result_field(player).fill(RESULT)
    line = player.page.get_by_role("log").locator(".playground-calls [role=status].field-hint")
    expect(line).to_contain_text(re.compile(r"\d,\d+\D+\d,\d+.₽"))


def test_each_of_two_models_has_its_own_calls_and_results(player: Visitor):
    player.page.locator("#playground-model-2").select_option("yandexgpt:latest")
    choose(player, "required")
    ask(player, QUESTION)
    first, second = (player.page.locator(".playground-answers > *").nth(index) for index in (0, 1))
    expect(result_field(player)).to_have_count(2)
    result_field(player, second).fill("минус 7")
    result_field(player, second).press("Control+Enter")
    expect(second).to_contain_text(re.compile("get_weather вернул: .*минус 7"))
    expect(result_field(player, first)).to_be_editable()
    result_field(player, first).fill("минус 5")
    player.press("Send the results")
    expect(first).to_contain_text(re.compile("get_weather вернул: .*минус 5"))
    expect(second).not_to_contain_text("минус 5")


def test_a_result_that_is_missing_is_told_at_its_field(player: Visitor):
    choose(player, "required")
    ask(player, QUESTION)
    expect(result_field(player)).to_be_visible()
    sent = bodies_of(player)
    player.press("Send the results")
    expect(result_field(player)).to_have_accessible_description(
        re.compile(player.say("Write what the tool returned."))
    )
    expect(result_field(player)).to_be_focused()
    assert sent == []


def test_results_that_nobody_answered_can_be_sent_again(player: Visitor):
    choose(player, "required")
    ask(player, QUESTION)
    result_field(player).fill(RESULT)
    busy = {"error": {"message": "Busy.", "code": "overloaded", "param": None}}
    with player.guard.expecting(503):
        player.page.route(COMPLETIONS, lambda route: route.fulfill(status=503, json=busy), times=1)
        player.press("Send the results")
        expect(player.page.get_by_role("alert")).to_contain_text("overloaded")
    expect(result_field(player)).to_have_value(RESULT)
    player.press("Send the results")
    expect(player.page.get_by_role("log")).to_contain_text(f"get_weather вернул: {RESULT}")
    expect(player.page.get_by_role("alert")).to_have_count(0)


def test_results_can_be_changed_after_a_stop(player: Visitor):
    choose(player, "required")
    ask(player, QUESTION)
    result_field(player).fill("минус 5")
    player.page.route(COMPLETIONS, lambda route: None, times=1)  # nobody answers
    player.press("Send the results")
    expect(player.found("button", "Stop")).to_be_focused()
    player.press("Stop")
    expect(result_field(player)).to_be_focused()
    result_field(player).fill("минус 6")
    player.press("Send the results")
    answer = re.compile("get_weather вернул: .*минус 6")
    expect(player.page.get_by_role("log")).to_contain_text(answer)


def test_a_question_is_asked_again_with_its_tools(player: Visitor):
    sent = bodies_of(player)
    ask(player, QUESTION)
    expect(result_field(player)).to_be_visible()
    player.press("Ask again")
    expect(result_field(player)).to_be_focused()
    player.press("Change the message")
    expect(result_field(player)).to_have_count(0)
    expect(player.page.get_by_label(player.say("Message"), exact=True)).to_have_value(QUESTION)
    assert sent[0] == sent[1]


def test_calls_that_a_model_may_not_make_are_not_made(player: Visitor):
    choose(player, "none")
    ask(player, QUESTION)
    log = player.page.get_by_role("log")
    expect(log).to_contain_text(re.compile(r"\d,\d+.₽"))
    expect(log.locator("pre")).to_have_count(0)


@pytest.mark.parametrize(
    ("written", "line", "column", "fault"),
    [
        ('[\n  {"name": "get_weather",}\n]', 2, 25, "no comma may stand before a closing bracket."),
        ('[{"name": "get_weather"', 1, 24, "the JSON is not finished."),
        ("[{'name': 'get_weather'}]", 1, 3, "texts stand in straight double quotes."),
    ],
)
def test_wrong_json_is_told_at_its_field_and_not_sent(
    player: Visitor, written: str, line: int, column: int, fault: str
):
    sent = bodies_of(player)
    player.fill("Tools as JSON", written)
    player.page.locator("#playground-tools-card > summary").click()  # folded, it cannot be seen
    ask(player, QUESTION)
    field = player.page.get_by_label(player.say("Tools as JSON"), exact=True)
    told = player.say("Line {line}, column {column}: {fault}").format(
        line=line, column=column, fault=player.say(fault)
    )
    expect(player.page.locator("#playground-tools-error")).to_have_text(told)
    expect(field).to_have_accessible_description(re.compile(f"^{re.escape(told)}"))
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(field).to_have_value(written)
    expect(player.page.get_by_label(player.say("Message"), exact=True)).to_have_value(QUESTION)
    assert sent == []

    field.fill('[{"name": "get_weather"}]')
    expect(player.page.locator("#playground-tools-error")).to_have_text("")
    player.press("Send")
    expect(result_field(player)).to_be_visible()
    [body] = sent
    assert body["tools"] == [{"type": "function", "function": {"name": "get_weather"}}]


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ('{"name": "get_weather"}', "Tools are a list: […]."),
        (
            '[{"name": "a"}, {"type": "function", "function": {}}]',
            "Tool {number} has no name: it needs the field “name”.",
        ),
    ],
)
def test_json_that_is_no_list_of_tools_is_told_too(player: Visitor, written: str, fault: str):
    player.fill("Tools as JSON", written)
    ask(player, QUESTION)
    told = player.say(fault).format(number=2)
    expect(player.page.locator("#playground-tools-error")).to_have_text(told)
    expect(player.page.get_by_role("log")).to_be_empty()


def test_what_the_api_refuses_is_told_with_the_field(player: Visitor):
    player.fill("Tools as JSON", '[{"name": "get_weather", "parameters": {"type": "array"}}]')
    with player.guard.expecting(400):
        ask(player, QUESTION)
        alert = player.page.get_by_role("alert")
        expect(alert).to_contain_text(player.say("The tools cannot be used as they are written."))
    expect(alert).to_contain_text("tools[0].function.parameters")
    expect(player.page.get_by_label(player.say("Message"), exact=True)).to_have_value(QUESTION)


def test_the_code_has_tools_results_and_the_format(player: Visitor):
    page = player.page
    page.locator("#playground-parameters > summary").click()
    page.get_by_label(player.say("Answer format"), exact=True).select_option("json_schema")
    page.locator("#playground-code > summary").click()
    player.fill("Message", QUESTION)
    for language, marks in {
        "python": ('tool_choice="auto"', '"strict": True', "delta.tool_calls"),
        "node": ('"tool_choice": "auto"', '"strict": true', "delta?.tool_calls"),
        "curl": ('"tool_choice": "auto"', '"strict": true', '"get_weather"'),
    }.items():
        for mark in (*marks, "response_format", "get_weather", QUESTION):
            expect(code_of(player, language)).to_contain_text(mark)

    player.press("Send")
    result_field(player).fill(RESULT)
    player.press("Send the results")
    expect(player.page.get_by_role("log").get_by_role("link")).to_have_count(2)
    for language in ("python", "node", "curl"):
        expect(code_of(player, language)).to_contain_text(re.compile(r'"tool_call_id": "[^"]+"'))
        expect(code_of(player, language)).to_contain_text(json.dumps(RESULT))
    player.fill("Tools as JSON", "[")
    expect(page.locator("#playground-code-text")).to_have_text(
        player.say("The request is shown here once the JSON in the settings is right.")
    )


def test_calls_and_results_are_for_everybody(player: Visitor):
    page = player.page
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.evaluate(AXE)
    choose(player, "required")
    ask(player, QUESTION)
    expect(result_field(player)).to_be_focused()
    player.press("Send the results")
    assert findings(page) == []
    result_field(player).fill(RESULT)
    player.press("Send the results")
    expect(page.get_by_role("log").get_by_role("link")).to_have_count(2)
    player.fill("Tools as JSON", "[")
    expect(page.locator("#playground-tools-error")).not_to_be_empty()
    assert findings(page) == []
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.evaluate(COLOURS_HAVE_CHANGED)
    assert findings(page, "color-contrast") == []
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
