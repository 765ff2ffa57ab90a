"""The browser of these tests: Debian's Chromium, or whatever of its kind the machine has."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WITHOUT = (
    # The windows of the address bar, two processes a page: more than half of what a page costs.
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup"),
    # What Playwright leaves out: of two lists the browser knows the last.
    *("AimEnabled", "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose"),
    *("HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades", "LensOverlay", "MediaRouter"),
    *("NetworkTimeServiceQuerying", "OptimizationHints", "PaintHolding", "PreconnectToSearch"),
    *("TcpPortRandomizationWin", "ThirdPartyStoragePartitioning"),
)
FLAGS = (
    "--no-sandbox",  # a sandbox cannot be made in most containers, and every page here is ours
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    f"--disable-features={','.join(WITHOUT)}",
)


def find() -> str:
    """Return the program. Fails the test where there is none: what people see is not left untried."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    pytest.fail("Chromium is needed: apt-get install chromium", pytrace=False)


@contextmanager
def launch() -> Iterator[Browser]:
    """Start a browser. While it runs, Django's tables are out of reach of this thread."""
    program = find()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()
