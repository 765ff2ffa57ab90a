"""Redirect addresses: what may be registered, and what is the same address."""

import pytest

from accounts.oauth import redirect_uris
from accounts.oauth.redirect_uris import InvalidRedirectURI, form_action, matches, with_parameters

GOOD = "https://app.example.ru/back"


@pytest.mark.parametrize(
    "uri",
    [
        GOOD,
        "https://app.example.ru",
        "https://app.example.ru:8443/back?tenant=7",
        "https://192.0.2.7/back",
        "https://[2001:db8::7]/back",
        "http://localhost/back",
        "http://127.0.0.1:49152",
        "http://[::1]:49152/back",
    ],
)
def test_an_address_of_an_application_is_taken(uri):
    redirect_uris.check(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "app.example.ru/back",
        "/back",
        "//app.example.ru/back",
        "http://app.example.ru/back",
        "http://localhost.example.ru/back",
        "http://127.0.0.1.example.ru/",
        "http://localhost@example.ru/",
        "http://2130706433/",
        "https://",
        "https://user@app.example.ru/back",
        "https://user:password@app.example.ru/",
        "https:app.example.ru",
        "https:///back",
        "https://app.example.ru\\@evil.ru/",
        "https://app.example.ru/back#",
        "https://app.example.ru/back#part",
        "https://*.example.ru/back",
        "https://app.example.ru:70000/",
        "https://app.example.ru:port/",
        "https://app.example.ru/back?code=1",
        "https://app.example.ru/back?state=",
        "https://app.example.ru/ba ck",
        "https://app.example.ru/back\n",
        "https://app.example.ru/\0",
        "https://приложение.рф/",
        "javascript:alert(1)",
        "data:text/html,1",
        "myapp://back",
        "ftp://app.example.ru/",
        "https://app.example.ru/" + "a" * 2000,
    ],
)
def test_any_other_is_refused(uri):
    with pytest.raises(InvalidRedirectURI):
        redirect_uris.check(uri)
    assert not matches(uri, uri)


@pytest.mark.parametrize(
    "asked",
    [
        GOOD + "/",
        GOOD + "?a=1",
        GOOD + "?",
        GOOD + "#",
        GOOD + ";a=1",
        GOOD + "/../back",
        "https://app.example.ru/Back",
        "https://App.example.ru/back",
        "HTTPS://app.example.ru/back",
        "https://app.example.ru:443/back",
        "https://app.example.ru./back",
        "https://app.example.ru/%62ack",
        "https://app.example.ru/./back",
        "https://app.example.ru/back%2e",
        "https://evil.app.example.ru/back",
        "https://app.example.ru.evil.ru/back",
        "https://app.example.ru@evil.ru/back",
        "https://evil@app.example.ru/back",
        "https://app.example.ru\\.evil.ru/back",
        "http://app.example.ru/back",
        "javascript:alert(1)//https://app.example.ru/back",
    ],
)
def test_nothing_but_the_very_address_matches(asked):
    assert matches(GOOD, GOOD)
    assert not matches(GOOD, asked)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_on_loopback_any_port_will_do_and_nothing_else_may_differ(host):
    registered = f"http://{host}/back?a=1"
    assert matches(registered, f"http://{host}:49152/back?a=1")
    assert matches(f"http://{host}:1/back?a=1", f"http://{host}:2/back?a=1")
    for other in (
        f"http://{host}:49152/back",
        f"http://{host}:49152/back/?a=1",
        f"http://{host}:49152/back?a=1&b=2",
        f"http://{host}:99999/back?a=1",
        f"http://{host}:49152@evil.ru/back?a=1",
        f"https://{host}:49152/back?a=1",
        "http://127.0.0.2:49152/back?a=1",
    ):
        assert not matches(registered, other)


def test_parameters_join_those_that_are_there():
    assert with_parameters(GOOD, {"code": "a b"}) == f"{GOOD}?code=a+b"
    assert with_parameters(f"{GOOD}?x=%20", {"code": "1"}) == f"{GOOD}?x=%20&code=1"


def test_a_form_may_lead_to_the_address_and_to_no_other_host():
    assert form_action("https://app.example.ru:8443/back?a=1") == "https://app.example.ru:8443"
    assert form_action("http://127.0.0.1:5000/") == "http://127.0.0.1:5000"
    assert form_action("http://[::1]:5000/") == "http:"
