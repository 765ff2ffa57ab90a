"""A newcomer: from the landing page to the first answer, to the bill, to money on the balance."""

import html
import os
import re
import subprocess
import sys
import time
from itertools import count

import pytest

from tests.browser.visitors import PASSWORD, Site, Visitor

MOST_CLICKS, MOST_S = 6, 120
CONSENT = re.compile("consent|соглас", re.IGNORECASE)
PAYMENT_PAGE = re.compile(r"http://.+/pay\?orderId=(.+)")
_numbers = count(1)


def new_address() -> str:
    return f"newcomer-{next(_numbers)}-{os.getpid()}@example.ru"


def get_a_key(visitor: Visitor, email: str) -> str:
    """Go from the landing page to a key, and return it as it was copied."""
    visitor.open("/")
    visitor.follow("Get a key")
    visitor.fill("E-mail", email)
    visitor.fill("Password", PASSWORD)
    visitor.tick(CONSENT)
    visitor.press("Sign up")
    visitor.sees(email)
    visitor.follow_mail(email, "/accounts/confirm-email/")
    visitor.is_at("/cabinet/keys/")
    visitor.fill("Name", "Notes")
    visitor.press("Create a key")
    visitor.sees("xr-live-")
    return visitor.page.locator("#new-key").inner_text()


def run_example(visitor: Visitor) -> str:
    """Run the Python that the page shows, as it stands there, and return what it printed."""
    program = html.unescape(visitor.page.locator("#example-python").inner_text())
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        env={"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"},
        text=True,
        encoding="utf-8",
        timeout=MOST_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def top_up(visitor: Visitor, site: Site) -> None:
    """Pay 500 roubles at the payment provider's page and come back."""
    visitor.open("/cabinet/billing/")
    visitor.page.get_by_role("button", name=re.compile("^500.₽$")).click()
    visitor.page.wait_for_url(PAYMENT_PAGE)
    found = PAYMENT_PAGE.fullmatch(visitor.page.url)
    assert found
    site.shop.pay(found[1])
    with site.service.http() as http:
        assert (
            http.post("/webhooks/yookassa", content=site.shop.notice(found[1])).status_code == 200
        )


@pytest.mark.both_stores
def test_the_first_answer_takes_six_clicks_and_the_bill_is_there(visitor: Visitor, site: Site):
    began_s, email = time.monotonic(), new_address()
    get_a_key(visitor, email)
    assert run_example(visitor)
    assert visitor.clicks <= MOST_CLICKS
    assert time.monotonic() - began_s < MOST_S

    visitor.open("/cabinet/generations/")
    visitor.sees("gigachat-basic")
    visitor.page.get_by_role("main").get_by_role("table").get_by_role("link").first.click()
    visitor.page.wait_for_url(re.compile("/cabinet/generations/gen-"))
    visitor.open("/cabinet/")
    visitor.sees("gigachat-basic")

    top_up(visitor, site)
    visitor.open("/cabinet/billing/")
    visitor.sees("500,00\N{NO-BREAK SPACE}₽")

    visitor.log_out()
    visitor.is_at("/")
    visitor.open("/cabinet/")
    visitor.is_at("/accounts/login/")
    visitor.log_in(email)
    visitor.is_at("/cabinet/")
