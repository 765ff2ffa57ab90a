"""Both languages are whole: every text has its Russian, and no page speaks a mixture."""

import html
import re

import polib
import pytest
import redis
from django.db import transaction
from pytest_django.plugin import DjangoDbBlocker

from accounts.models import User
from tests.message_catalogue import (
    CATALOGUE,
    COMPILED,
    PLACEHOLDER,
    gather,
    load,
    placeholders,
    update,
)
from tests.tenant_routes import ROUTES
from tests.tenant_world import OWNER, World, build, text_of

CYRILLIC = re.compile("[А-Яа-яЁё]+")
DATE_IN_DIGITS = re.compile(r"\b\d{1,2}[./]\d{1,2}[./]\d{4}\b")
NAMES_OF_LANGUAGES = {"Русский"}
LEAST_WORDS = 3
SAME_IN_BOTH = {"JSON", "OAuth", "XRouter: %(signal)s", "id"}
IN_RUSSIAN_ALONE = {"/docs/quickstart/"}
PAGES = sorted(
    {
        asked.path
        for route, rows in ROUTES.items()
        for asked in rows
        if asked.method == "GET" and not asked.is_api and asked.expected("owner") in {200, 404}
        if not route.startswith(("health", r"\.well-known", ".well-known"))
        if "format=csv" not in asked.path
    }
)
STRANGERS_PAGES = ("/accounts/login/", "/accounts/signup/", "/accounts/password/reset/")


def identity(entry: polib.POEntry) -> str:
    return f"{entry.msgctxt or ''}|{entry.msgid}"


def test_every_text_of_the_sources_is_in_the_catalogue():
    assert {identity(entry) for entry in gather()} == {identity(entry) for entry in load()}


def test_every_text_has_its_russian():
    empty = [
        entry.msgid
        for entry in load()
        if not entry.translated() or entry.fuzzy or not all(_russian(entry))
    ]
    assert empty == []


def test_the_russian_is_russian_and_the_english_is_english():
    entries = load()
    same = {entry.msgid for entry in entries if entry.msgid in _russian(entry)}
    assert same == SAME_IN_BOTH
    assert [entry.msgid for entry in entries if CYRILLIC.search(entry.msgid)] == []


def test_a_translation_takes_the_same_values():
    differing = [
        f"{entry.msgid} -> {text}"
        for entry in load()
        for text in _russian(entry)
        if placeholders(text) != placeholders(entry.msgid_plural or entry.msgid)
    ]
    assert differing == []


def test_the_catalogue_is_as_script_messages_writes_it():
    catalogue = load()
    update(catalogue)
    assert str(catalogue) == CATALOGUE.read_text(), "Run script/messages."


def test_what_is_compiled_is_the_catalogue():
    assert COMPILED.read_bytes() == load().to_binary(), "Run script/messages."


@pytest.fixture(scope="module")
def english_texts() -> list[list[str]]:
    """Return the English sentences of the catalogue, each in the pieces between its placeholders."""
    return [
        PLACEHOLDER.sub("\0", text).split("\0")
        for entry in load()
        for text in (entry.msgid, entry.msgid_plural)
        if len(re.findall(r"[A-Za-z]+", PLACEHOLDER.sub(" ", text))) >= LEAST_WORDS
        if "<" not in text
    ]


@pytest.fixture(scope="module")
def pages(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, redis_client: redis.Redis
) -> dict[str, dict[str, str]]:
    """Return what each page says in each language, to the owner of all there is or to a stranger."""
    redis_client.flushdb()
    with django_db_blocker.unblock(), transaction.atomic():
        world = build()
        assert User.objects.filter(email=OWNER).exists()
        read = {language: read_pages(world, language) for language in ("en", "ru")}
        transaction.set_rollback(True)
    return read


def read_pages(world: World, language: str) -> dict[str, str]:
    read = {}
    for role, paths in (("owner", PAGES), ("anonymous", STRANGERS_PAGES)):
        for path in paths:
            response = world.people[role].browser.get(
                world.names.filled(path), headers={"accept-language": language}
            )
            read[path] = words_of(text_of(response))
    return read


def words_of(page: str) -> str:
    """Return what a page says, by its attributes too, without what is in another language on purpose."""
    page = re.sub(r"<(script|style|pre|code)\b.*?</\1>", " ", page, flags=re.DOTALL)
    page = re.sub(r'<(\w+)[^>]*\blang="\w+"[^>]*>[^<]*</\1>', " ", page)
    words = re.findall(
        r'\b(?:aria-label|title|placeholder|alt|content|data-[\w-]+)="([^"]*)"', page
    )
    text = " ".join([re.sub(r"<[^>]+>", " ", page), *words])
    return re.sub(r"\s+", " ", html.unescape(text))


def test_an_english_page_has_no_cyrillic(pages):
    found = {
        path: words
        for path, text in pages["en"].items()
        if path not in IN_RUSSIAN_ALONE
        if (words := set(CYRILLIC.findall(text)) - NAMES_OF_LANGUAGES)
    }
    assert found == {}


def test_an_english_page_names_the_month_of_each_date(pages):
    """02.03.2026 is the second of March to some of its readers, and the third of February to others."""
    found = {
        path: dates
        for path, text in pages["en"].items()
        if path not in IN_RUSSIAN_ALONE
        if (dates := DATE_IN_DIGITS.findall(text))
    }
    assert found == {}


def test_a_russian_page_has_no_english_sentence(pages, english_texts):
    found = [
        f"{path}: {pieces}"
        for path, text in pages["ru"].items()
        for pieces in english_texts
        if all(piece in text for piece in pieces)  # to search for a pattern takes far longer
        and re.search(r"\s*\S+\s*".join(map(re.escape, pieces)), text)
    ]
    assert found == []


def test_the_pages_that_are_read_are_the_pages(pages):
    """The three tests above read what they mean to read, and would see a mixture."""
    russian, english = pages["ru"], pages["en"]
    assert "Ключи API" in russian["/cabinet/keys/"]
    assert "API keys" in english["/cabinet/keys/"]
    assert set(russian) == {*PAGES, *STRANGERS_PAGES}
    assert len(PAGES) > 30


def _russian(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
