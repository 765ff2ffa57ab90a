"""The API reference in a browser: links into it, what is folded, the language of its examples."""

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.visitors import Visitor


def test_a_link_into_a_folded_part_opens_it(visitor: Visitor):
    visitor.open("/docs/api/chat/#create_chat_completion-ToolCall")
    part = visitor.page.locator("#create_chat_completion-ToolCall")
    expect(part).to_have_attribute("open", "")
    expect(part.locator(".api-name").first).to_be_in_viewport()


def test_a_link_to_what_was_shown_above_opens_it_there(visitor: Visitor):
    page = visitor.page
    visitor.open("/docs/api/chat/")
    part = page.locator("#create_chat_completion-ChatCompletionRequest")
    expect(part.locator("summary", has_text="UserMessage")).not_to_be_visible()
    page.get_by_role("link", name="ChatCompletionRequest").first.click()
    expect(part.locator(".api-name").first).to_be_in_viewport()


def test_a_field_is_unfolded_by_the_keyboard(visitor: Visitor):
    page = visitor.page
    visitor.open("/docs/api/chat/")
    summary = page.locator("#create_chat_completion-ProviderPreferences > summary")
    summary.focus()
    page.keyboard.press("Enter")
    expect(
        page.locator("#create_chat_completion-ProviderPreferences .api-name").first
    ).to_be_visible()


def test_the_language_of_one_example_is_that_of_all_and_of_the_next_page(visitor: Visitor):
    page = visitor.page
    visitor.open("/docs/api/chat/")
    page.locator("label[for=sample-count_tokens-curl-choice]").click()
    for operation in ("create_chat_completion", "count_tokens", "plan_chat"):
        expect(page.locator(f"#sample-{operation}-curl")).to_be_visible()
        expect(page.locator(f"#sample-{operation}-python")).not_to_be_visible()
    visitor.open("/docs/api/embeddings/")
    expect(page.locator("#sample-create_embeddings-curl")).to_be_visible()
    visitor.open("/models/gigachat-2/")
    expect(page.locator("#sample-curl")).to_be_visible()


def test_an_english_reader_reads_it_in_english(new_visitor: Visit):
    visitor = new_visitor(language="en")
    visitor.open("/docs/api/chat/")
    expect(visitor.page.get_by_role("heading", name="Answer a dialogue")).to_be_visible()
    assert visitor.page.locator("html").get_attribute("lang") == "en"
