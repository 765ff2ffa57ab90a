"""Models are ticked in the catalogue and compared; a choice outlives the filters."""

from playwright.sync_api import Page, expect

from tests.browser.visitors import Visitor


def box(page: Page, model_id: str):
    return page.locator(f"input[name=model][value='{model_id}']")


def test_a_choice_outlives_the_filters_and_leads_to_the_comparison(visitor: Visitor):
    visitor.open("/models/")
    page = visitor.page
    box(page, "gigachat-2").check()
    page.locator("#q").fill("yandexgpt")
    expect(box(page, "gigachat-2")).to_have_count(0)
    box(page, "yandexgpt:latest").check()
    page.locator("#q").fill("")
    expect(box(page, "gigachat-2")).to_be_checked()
    visitor.press("Compare")
    visitor.is_at("/models/compare/")
    headings = page.get_by_role("columnheader")
    expect(headings).to_have_count(2)
    expect(headings.first).to_contain_text("gigachat-2")
    expect(headings.last).to_contain_text("yandexgpt:latest")


def test_no_more_can_be_ticked_than_fit_side_by_side(visitor: Visitor):
    visitor.open("/models/")
    page = visitor.page
    for model_id in ("gigachat-2", "gigachat-2-pro", "gigachat-2-max", "yandexgpt:latest"):
        box(page, model_id).check()
    expect(box(page, "aliceai-llm")).to_be_disabled()
    box(page, "gigachat-2").uncheck()
    expect(box(page, "aliceai-llm")).to_be_enabled()
