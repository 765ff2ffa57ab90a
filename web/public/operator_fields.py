"""Fields of the legal documents that operators fill in by settings; unset ones stay visible."""

import re
from collections.abc import Callable, Mapping

from django.conf import settings
from django.utils import translation
from django.utils.html import escape, format_html, format_html_join
from django.utils.translation import gettext, ngettext

_FIELD = re.compile(r"«([^«»<>]{3,80})»")


def fill(html: str, language: str) -> str:
    """Replace «fields» by their values; a field without a setting stays and is marked.

    `html` is a rendered document, in `language`.
    """
    with translation.override(language):
        return _FIELD.sub(_filled, html)


def _filled(found: re.Match[str]) -> str:
    value = _VALUES.get(found[1])
    if value is None:
        return found[0]
    return value() or f"<mark>{found[0]}</mark>"


def _operator() -> str:
    return escape(settings.OPERATOR_NAME)


def _service() -> str:
    return format_html('<a href="/">{}</a>', settings.PUBLIC_URL)


def _email() -> str:
    address = settings.SUPPORT_EMAIL
    return format_html('<a href="mailto:{0}">{0}</a>', address) if address else ""


def _addresses() -> str:
    """Return the contact addresses that are set."""
    links = (
        (f"mailto:{settings.SUPPORT_EMAIL}", settings.SUPPORT_EMAIL),
        (settings.SUPPORT_TELEGRAM, settings.SUPPORT_TELEGRAM and "Telegram"),
        (settings.SUPPORT_ISSUES_URL, settings.SUPPORT_ISSUES_URL and gettext("list of issues")),
    )
    return format_html_join(", ", '<a href="{}">{}</a>', (link for link in links if link[1]))


def _retention() -> str:
    days = settings.GENERATION_RETENTION_DAYS
    if not days:
        return gettext("as long as the service runs")
    return ngettext("%(days)d day", "%(days)d days", days) % {"days": days}


def _open() -> str:
    """Return the marked placeholder of a field that is not set."""
    return ""


_VALUES: Mapping[str, Callable[[], str]] = {
    "наименование владельца": _operator,
    "name of the operator": _operator,
    "адрес сервиса": _service,
    "address of the service": _service,
    "почта поддержки": _email,
    "support e-mail": _email,
    "адреса поддержки": _addresses,
    "support addresses": _addresses,
    "срок хранения записей": _retention,
    "retention of records": _retention,
    "реквизиты владельца": _open,
    "registration of the operator": _open,
    "дата вступления в силу": _open,
    "date of effect": _open,
    "порядок возврата остатка": _open,
    "how a balance is paid back": _open,
    "основания обработки данных": _open,
    "legal grounds": _open,
}
