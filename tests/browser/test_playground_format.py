"""The form of an answer in the playground: JSON, free or by a schema."""

import json
import re

from playwright.sync_api import Locator, Route, expect

from tests.browser.player import PLAYGROUND, ask, bodies_of
from tests.browser.visitors import Visitor

QUESTION = "Чем известна Казань?"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def choose(visitor: Visitor, form: str) -> Locator:
    """Open the playground, choose a form of the answer, and return the field of the schema."""
    visitor.open(PLAYGROUND)
    page = visitor.page
    page.locator("#playground-parameters > summary").click()
    page.get_by_label(visitor.say("Answer format"), exact=True).select_option(form)
    return page.get_by_label("JSON Schema", exact=True)


def test_an_answer_by_a_schema_is_set_out(at_home: Visitor):
    schema = choose(at_home, "json_schema")
    example = json.loads(schema.input_value())
    sent = bodies_of(at_home)
    ask(at_home, QUESTION)
    log = at_home.page.get_by_role("log")
    expect(log.locator("pre")).to_have_text(re.compile(r'^{\n  "answer": ".+",\n  "keywords": \['))
    answer = json.loads(log.locator("pre").inner_text())
    assert set(answer) == set(example["required"])
    [body] = sent
    wanted = {"name": "answer", "strict": True, "schema": example}
    assert body["response_format"] == {"type": "json_schema", "json_schema": wanted}


def test_what_is_written_as_a_schema_stays(at_home: Visitor):
    schema = choose(at_home, "json_schema")
    schema.fill(json.dumps(CITY))
    form = at_home.page.get_by_label(at_home.say("Answer format"), exact=True)
    form.select_option("json_object")
    expect(schema).to_be_hidden()
    form.select_option("json_schema")
    expect(schema).to_have_value(json.dumps(CITY))
    at_home.page.locator("#playground-model").select_option("yandexgpt:latest")
    expect(form).to_have_value("json_schema")
    expect(schema).to_have_value(json.dumps(CITY))


def test_an_answer_in_any_json_is_set_out(at_home: Visitor):
    choose(at_home, "json_object")
    ask(at_home, "Привет!")
    block = at_home.page.get_by_role("log").locator("pre")
    expect(block).to_have_text(re.compile(r'^{\n  "\w+": "[^"]+"\n}$'))


def test_a_wrong_schema_is_told_at_its_field_and_not_sent(at_home: Visitor):
    schema = choose(at_home, "json_schema")
    sent = bodies_of(at_home)
    schema.fill('{"type": "object" "properties": {}}')
    ask(at_home, QUESTION)
    error = at_home.page.locator("#playground-schema-error")
    expect(error).to_contain_text(at_home.say("a comma or a closing bracket is missing."))
    expect(schema).to_be_focused()
    schema.fill("[]")
    expect(error).to_have_text(at_home.say("A JSON Schema is an object: {…}."))
    schema.fill("")
    expect(error).to_have_text(at_home.say("Write a JSON Schema, or choose another answer format."))
    at_home.press("Send")
    expect(at_home.page.get_by_role("log")).to_be_empty()
    assert sent == []


def test_a_schema_that_the_api_refuses_is_told_with_the_field(at_home: Visitor):
    choose(at_home, "json_schema").fill('{"type": "nothing"}')
    with at_home.guard.expecting(400):
        ask(at_home, QUESTION)
        alert = at_home.page.get_by_role("alert")
        words = at_home.say("The answer format cannot be used as it is written.")
        expect(alert).to_contain_text(words)
    expect(alert).to_contain_text("response_format.json_schema.schema")


def test_what_a_model_does_not_honour_is_neither_offered_nor_sent(at_home: Visitor):
    def honour_nothing(route: Route) -> None:
        page = route.fetch()
        body = page.text().replace('"has_tools": true', '"has_tools": false')
        route.fulfill(
            response=page, body=body.replace('"text", "json_object", "json_schema"', '"text"')
        )

    at_home.page.route(re.compile("/cabinet/playground/[?]"), honour_nothing)
    at_home.open(PLAYGROUND)
    page = at_home.page
    page.locator("#playground-parameters > summary").click()
    expect(page.get_by_label(at_home.say("System prompt"), exact=True)).to_be_visible()
    expect(page.get_by_label(at_home.say("Answer format"), exact=True)).to_be_hidden()
    expect(page.locator("#playground-tools-card")).to_be_hidden()
    sent = bodies_of(at_home)
    ask(at_home, "Привет!")
    expect(page.get_by_role("log").get_by_role("link")).to_have_count(1)
    assert sent[0].keys() == {"model", "messages", "stream", "stream_options"}
