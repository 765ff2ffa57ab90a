"""What reaches people: mail, payments, and the proxies in front."""

from collections.abc import Iterator
from smtplib import SMTPException
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import get_connection

from accounts.client_address import untrusted_forwarders
from billing.errors import PaymentProviderAway
from billing.payments import yookassa
from gateway.doctor.check import Check, failure, ok, warning
from gateway.providers._shared.causes import cause_of


def mail() -> Iterator[Check]:
    """Log in at the mail server; nothing is sent."""
    if settings.ALERT_EMAIL:
        yield ok("alerts", f"The operator is {settings.ALERT_EMAIL}.")
    else:
        yield warning(
            "alerts", "ALERT_EMAIL is unset: faults are only logged.", "Set it to your address."
        )
    if not settings.EMAIL_HOST or settings.EMAIL_BACKEND.endswith("LogBackend"):
        yield warning(
            "mail",
            "EMAIL_URL is unset: mails, with their links, go to the log.",
            "Set EMAIL_URL to your mail server.",
        )
        return
    connection = get_connection()
    try:
        connection.open()
    except (OSError, SMTPException) as error:
        yield failure(
            "mail",
            f"The mail server refuses: {error}",
            "Correct EMAIL_URL: host, port, user, password.",
        )
    else:
        yield ok("mail", f"{settings.EMAIL_HOST} takes mail from {settings.DEFAULT_FROM_EMAIL}.")
    finally:
        connection.close()


def payments() -> Iterator[Check]:
    """Ask the shop for its newest payment."""
    if not yookassa.is_configured():
        yield ok("payments", "No shop is configured: nobody tops up by card.")
        return
    try:
        yookassa.check_access()
    except PaymentProviderAway as error:
        host = urlsplit(settings.YOOKASSA_BASE_URL).netloc
        yield failure(
            "payments",
            f"The shop does not answer: {cause_of(error.__cause__ or error, host=host)}",
            "Look at YOOKASSA_SHOP_ID, YOOKASSA_SECRET_KEY and YOOKASSA_BASE_URL.",
        )
        return
    yield ok("payments", f"The shop {settings.YOOKASSA_SHOP_ID} answers.")
    if not settings.YOOKASSA_VAT_CODE:
        yield warning(
            "receipts",
            "YOOKASSA_VAT_CODE is unset: payments bear no receipt.",
            "Set it where the shop sends receipts by 54-FZ.",
        )


def proxy() -> Iterator[Check]:
    """Say whose word on the client's address is believed."""
    unknown = sorted(untrusted_forwarders())
    if unknown:
        yield warning(
            "proxy",
            f"X-Forwarded-For came from {', '.join(unknown)}, which is not trusted: every client seems"
            " to be that proxy.",
            "Add it to TRUSTED_PROXIES if it is yours.",
        )
    elif settings.TRUSTED_PROXIES or settings.CLOUDFLARE:
        networks = ", ".join(map(str, settings.TRUSTED_PROXIES)) or "none"
        cloudflare = "; Cloudflare's header is believed" if settings.CLOUDFLARE else ""
        yield ok("proxy", f"Trusted: {networks}{cloudflare}.")
    elif settings.IS_HTTPS:
        yield warning(
            "proxy",
            "No proxy is trusted, and PUBLIC_URL is https: whoever ends TLS hides the clients' addresses.",
            "Set TRUSTED_PROXIES to your proxy's network.",
        )
    else:
        yield ok("proxy", "None is trusted: the client is the peer.")
