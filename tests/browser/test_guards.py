"""The guards of these tests see what they are there for."""

import pytest
from playwright.sync_api import Browser

from tests.browser.visitors import Site, visit

FAULTS = {
    "a script in the page": ("""() => {
        const script = document.createElement("script");
        script.textContent = "1";
        document.head.append(script);
    }""", "CSP: script-src"),
    "a style in the page": ("""() => {
        document.body.insertAdjacentHTML("beforeend", "<p style='color: red'>");
    }""", "CSP: style-src"),
    "an error in the console": ("() => console.error('a fault')", "a fault"),
    "an exception": ("() => setTimeout(() => { throw new Error('thrown'); })", "thrown"),
    "a missing file": ("() => fetch('/no/such/file').then(() => {})", "/no/such/file: 404"),
    "another host": (
        "() => { document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1:9/x'})); }",
        "CSP: img-src",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_page_is_found(fault: str, browser: Browser, site: Site):
    script, noted = FAULTS[fault]
    with pytest.raises(AssertionError, match=noted), visit(browser, site) as visitor:  # noqa: PT012
        visitor.open("/")
        visitor.page.evaluate(script)
        visitor.page.wait_for_timeout(100)
