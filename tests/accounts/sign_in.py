"""A browser at the doors of sign-in: what people do there, and what their code generators show."""

import base64
import hashlib
import hmac
import html
import re
import struct
import time

from django.conf import settings
from django.core import mail
from django.test import Client

from tests.accounts.people import NATASHA

PASSWORD = "correct horse battery"
OTHER_PASSWORD = "another horse battery"
PERIOD_S = 30
SLOW_S = 2
"""How long a page may take."""


def browser(language: str = "en", **options) -> Client:
    """Return a browser of its own, in that language."""
    return Client(headers={"accept-language": language}, **options)


def sign_up(client: Client, email: str = NATASHA, password: str = PASSWORD, **fields):
    """Send the form of sign-up."""
    form = {"email": email, "password1": password, "consent": "on"} | fields
    return client.post("/accounts/signup/", form)


def log_in(client: Client, email: str = NATASHA, password: str = PASSWORD, **fields):
    """Send the form of log-in."""
    return client.post("/accounts/login/", {"login": email, "password": password} | fields)


def ask_for_password(client: Client, email: str = NATASHA):
    """Send the form of "forgot password"."""
    return client.post("/accounts/password/reset/", {"email": email})


def link_in_mail(path: str = "/accounts/") -> str:
    """Return the path of the last link to such a path in the last mail; it leads to PUBLIC_URL."""
    found = re.findall(rf"^{re.escape(settings.PUBLIC_URL)}({path}\S+)$", mail_text(), re.MULTILINE)
    assert found, mail_text()
    return str(found[-1])


def mail_text() -> str:
    """Return the body of the last mail."""
    return str(mail.outbox[-1].body)


def new_password(client: Client, password: str = OTHER_PASSWORD):
    """Follow the link of the last mail and set a new password."""
    form = client.get(link_in_mail("/accounts/password/reset/key/"))
    return client.post(form.headers["Location"], {"password1": password})


def is_logged_in(client: Client) -> bool:
    return client.get("/accounts/").status_code == 200


def text_of(response) -> str:
    """Return what stands on the page, without tags."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode())))


def enrol(client: Client, periods_later: int = -1) -> str:
    """Set up the second factor of the person who has just logged in and return the secret key.

    The code is that of the period before, say: the present one can still be used. It is taken for as long as
    this period lasts, so that the very end of one is waited for.
    """
    left_s = PERIOD_S - time.time() % PERIOD_S
    if left_s < SLOW_S:
        time.sleep(left_s)
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    shown = re.search(r'id="totp-secret">([A-Z2-7]+)<', page)
    assert shown is not None
    secret = shown[1]
    answer = client.post("/accounts/2fa/totp/activate/", {"code": totp(secret, periods_later)})
    assert answer.headers["Location"] == "/accounts/2fa/recovery-codes/"
    return secret


def totp(secret: str, periods_later: int = 0) -> str:
    """Return the code that a generator shows, from https://www.rfc-editor.org/rfc/rfc6238."""
    counter = int(time.time()) // PERIOD_S + periods_later
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", counter), hashlib.sha1)
    start = digest[-1] & 15
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFF_FFFF
    return f"{number % 1_000_000:06}"
