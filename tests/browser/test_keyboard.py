"""From the landing page to a key with no mouse at all, in English."""

from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.test_first_request import CONSENT, new_address
from tests.browser.visitors import PASSWORD, Visitor

MOST_STEPS = 60
PLACES = "**/cabinet/palette/"
IS_FOCUSED = "element => element === document.activeElement"
HAS_RING = """element => {
    const style = getComputedStyle(element);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
}"""


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until it has the focus, and see that this shows."""
    for _ in range(MOST_STEPS):
        page.keyboard.press("Tab")
        if wanted.evaluate(IS_FOCUSED):
            assert wanted.evaluate(HAS_RING), f"No ring around {wanted}"
            return
    raise AssertionError(f"Not within {MOST_STEPS} steps: {wanted}")


def test_a_key_is_had_by_the_keyboard_alone(new_visitor):
    visitor: Visitor = new_visitor(language="en")
    page, email = visitor.page, new_address()
    visitor.open("/")
    tab_to(page, page.get_by_role("link", name="Skip to the content"))
    page.keyboard.press("Enter")
    tab_to(page, visitor.found("link", "Get a key"))
    page.keyboard.press("Enter")
    visitor.is_at("/accounts/signup/")
    tab_to(page, page.get_by_label("E-mail", exact=True))
    page.keyboard.type(email)
    tab_to(page, page.get_by_label("Password", exact=True))
    page.keyboard.type(PASSWORD)
    tab_to(page, page.get_by_role("checkbox", name=CONSENT))
    page.keyboard.press("Space")
    tab_to(page, visitor.found("button", "Sign up"))
    page.keyboard.press("Enter")
    visitor.sees(email)
    visitor.follow_mail(email, "/accounts/confirm-email/")
    visitor.is_at("/cabinet/keys/")
    tab_to(page, page.get_by_label("Name", exact=True))
    page.keyboard.type("By the keyboard")
    page.keyboard.press("Enter")
    visitor.sees("xr-live-")
    raw = page.locator("#new-key").inner_text()
    tab_to(page, visitor.found("button", "Copy the key"))
    page.keyboard.press("Enter")
    visitor.sees("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == raw
    assert visitor.clicks == 1  # the link in the mail, which is read elsewhere


def test_after_a_mistake_the_focus_is_where_it_is_named(at_home):
    visitor: Visitor = at_home
    page = visitor.page
    for path, button in (
        ("/cabinet/apps/new/", "Register"),
        ("/accounts/password/change/", "Set the password"),
    ):
        visitor.open(path)
        with visitor.guard.expecting(422):
            visitor.found("button", button).press("Enter")
            expect(page.locator(".form-errors")).to_be_focused()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator("[aria-invalid=true]").first).to_be_focused()


def test_a_page_of_the_cabinet_is_found_by_its_name(at_home):
    visitor: Visitor = at_home
    page = visitor.page
    visitor.open("/cabinet/")
    page.keyboard.press("Control+k")
    page.keyboard.type(visitor.say("Usage")[:4].lower())
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    visitor.is_at("/cabinet/usage/")
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").count() == 0


def test_what_the_arrows_chose_stays_chosen_when_keys_and_models_arrive(at_home):
    visitor: Visitor = at_home
    page = visitor.page
    kept: list[Route] = []
    page.route(PLACES, lambda route: kept.append(route))
    visitor.open("/cabinet/")
    with page.expect_request(PLACES):
        page.keyboard.press("Control+k")
    page.keyboard.type(visitor.say("Usage")[:4].lower())
    page.keyboard.press("ArrowDown")
    page.evaluate("document.activeElement.id = 'chosen-before'")
    kept.pop().continue_()
    expect(page.locator("#chosen-before")).to_have_count(0)  # the list is drawn again
    page.keyboard.press("Enter")
    visitor.is_at("/cabinet/usage/")


def test_a_key_and_a_model_are_found_by_their_names(at_home):
    visitor: Visitor = at_home
    page = visitor.page
    visitor.open("/cabinet/")
    page.keyboard.press("Control+k")
    page.keyboard.type("assistant of")
    found = page.get_by_role("dialog").get_by_role("list", name=visitor.say("API keys"))
    expect(found.get_by_role("link")).to_have_count(1)
    page.keyboard.press("Enter")
    visitor.sees("Assistant of the support")
    page.keyboard.press("Control+k")
    page.keyboard.type("gigachat-2-max")
    expect(page.get_by_role("dialog").get_by_role("link")).to_have_count(1)
    page.keyboard.press("Enter")
    visitor.is_at("/models/gigachat-2-max/")


def test_the_list_says_when_nothing_is_found(at_home):
    visitor: Visitor = at_home
    visitor.open("/cabinet/")
    visitor.page.keyboard.press("Control+k")
    visitor.page.keyboard.type("no such thing")
    dialog = visitor.page.get_by_role("dialog")
    words = visitor.say("Nothing is found. Try another word, or one word fewer.")
    expect(dialog.get_by_role("status")).to_have_text(words)
    expect(dialog.get_by_role("link")).to_have_count(0)
    visitor.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
