"""The documentation as readers see it: pages, links, anchors, languages, search, the operator's fields."""

import functools
import html
import re
import time
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag

import pytest
from django.conf import settings
from django.test import Client
from django.urls import Resolver404, resolve

from web.public import manual
from web.public.markdown import Link, render
from web.public.operator_fields import fill
from web.public.reference.sections import reference
from web.public.search import MOST_HITS, find

ADDRESSES = ["/docs/", "/docs/api/", "/terms/", "/privacy/"]
ADDRESSES += [page.address for page in manual.PAGES if page.address not in ADDRESSES]
ENGLISH = [
    "/docs/",
    "/docs/api/",
    "/terms/",
    "/privacy/",
    "/docs/?q=key",
    "/docs/?q=nothing+at+all",
]
ENGLISH += [page.address for page in manual.PAGES if page.language == "en"]
CYRILLIC = re.compile(r"[А-Яа-яЁё]+")


class Reader(HTMLParser):
    """Collects of a page what tests ask about."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def every(self, attribute: str) -> list[str]:
        return [attrs[attribute] or "" for _, attrs in self.tags if attribute in attrs]

    def all_of(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def get(address: str, language: str = "ru") -> str:
    response = Client(headers={"Accept-Language": language}).get(address)
    assert response.status_code == 200, address
    return response.content.decode()


def shown(page: str) -> str:
    """Return the page without its tags."""
    return html.unescape(re.sub(r"<[^>]+>", " ", page))


def main_part(page: str) -> str:
    return page.partition("<main")[2].partition("</main>")[0]


def rendered(source: str, link=Link):
    return render(f"# Title\n\n{source}", link, copy_label="Copy")


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_page_has_one_title_and_unique_anchors_and_nothing_to_block(language):
    for address in ADDRESSES:
        page = get(address, language)
        reader = Reader(page)
        assert len(reader.all_of("h1")) == 1, address
        assert len(page.encode()) < 150_000, address
        assert len(set(reader.every("id"))) == len(reader.every("id")), address
        assert reader.every("style") == [], address
        assert reader.all_of("style") == [], address
        assert all(script.get("src") for script in reader.all_of("script")), address
        handlers = [name for _, attrs in reader.tags for name in attrs if name.startswith("on")]
        assert handlers == [], address


def test_every_link_of_a_document_leads_to_a_page_and_a_heading():
    anchors = functools.cache(lambda address: set(Reader(get(address)).every("id")))
    broken = []
    for address in [page.address for page in manual.PAGES] + ["/docs/"]:
        for link in Reader(main_part(get(address))).all_of("a"):
            target, anchor = urldefrag(link["href"] or "")
            if target.startswith(("http:", "https:", "mailto:")):
                continue
            target = target or address
            if not is_served(target) or (anchor and unquote(anchor) not in anchors(target)):
                broken.append(f"{address}: {link['href']}")
    assert broken == []


def is_served(address: str) -> bool:
    try:
        resolve(address.partition("?")[0])
    except Resolver404:
        return False
    return True


def test_an_english_page_has_no_cyrillic_but_the_name_of_the_language():
    for address in ENGLISH:
        assert set(CYRILLIC.findall(shown(get(address, "en")))) <= {"Русский"}, address


def test_an_address_in_english_is_english_for_everyone():
    for page in (page for page in manual.PAGES if page.language == "en"):
        response = Client(headers={"Accept-Language": "ru"}).get(page.address)
        assert response.headers["Content-Language"] == "en"
        assert '<html lang="en">' in response.content.decode()


def test_every_document_is_there_in_both_languages():
    for page in manual.PAGES:
        other = manual.twin(page)
        assert {page.language, other.language} == {"ru", "en"}
        assert manual.twin(other) is page


def test_the_index_lists_every_document_in_the_language_of_the_visitor():
    for language in ("ru", "en"):
        listed = {link["href"] for link in Reader(main_part(get("/docs/", language))).all_of("a")}
        assert {page.address for page in manual.PAGES if page.language == language} <= listed
        assert not {page.address for page in manual.PAGES if page.language != language} & listed


def test_an_english_reader_of_a_russian_page_is_led_to_its_twin():
    models = get("/docs/models/", "en")
    assert "This page is in Russian." in models
    assert '<a href="/docs/en/models/">Read it in English.</a>' in models
    assert '<article class="prose" lang="ru">' in models


def test_the_choice_of_a_language_leads_to_the_twin():
    assert 'name="next" value="/docs/quickstart/"' in get("/docs/en/quickstart/")
    assert 'name="next" value="/docs/en/quickstart/"' in get("/docs/quickstart/")


def test_terms_are_read_in_the_language_of_the_visitor():
    assert '<h1 lang="ru">Условия использования</h1>' in get("/terms/")
    assert '<h1 lang="en">Terms of use</h1>' in get("/terms/", "en")
    assert '<h1 lang="en">Privacy</h1>' in get("/privacy/", "en")


def test_the_readers_see_the_address_of_this_service(settings):
    settings.PUBLIC_URL = "https://api.example.ru"
    page = get("/docs/quickstart/")
    assert "https://api.example.ru/v1" in page
    assert "localhost:8000" not in page


def test_guides_lead_to_their_neighbours():
    reader = Reader(get("/docs/models/"))
    found = {link["rel"]: link["href"] for link in reader.all_of("a") if "rel" in link}
    assert found["prev"] == "/docs/cabinet/"
    assert found["next"] == "/docs/authentication/"


@pytest.mark.parametrize(
    "address", ["/docs/architecture/", "/docs/en/operations/", "/docs/README/"]
)
def test_what_is_not_for_users_is_not_there(address, client):
    assert client.get(address).status_code == 404


def test_a_missing_slash_is_mended(client):
    response = client.get("/docs/models?a=b")
    assert response.status_code == 301
    assert response.headers["Location"] == "/docs/models/?a=b"


def test_a_link_to_a_file_that_is_not_shown_keeps_its_words_alone():
    policy = manual.document(manual.POLICY["en"]).html
    assert "the architecture" in policy
    assert "architecture.md" not in policy


def test_nobody_writes_html_through_markdown():
    document = rendered(
        "<script>alert(1)</script> <b onclick=x>bold</b> [go](javascript:alert(1))\n\n"
        "<div style='x'>block</div>\n\n```text\n</code><script>\n```\n"
    )
    reader = Reader(document.html)
    assert {tag for tag, _ in reader.tags} == {"p", "pre", "code"}


def test_code_is_coloured_by_classes_and_output_is_not_for_copying():
    document = rendered('```python\nprint("a")\n```\n\n```text\na\n```\n')
    reader = Reader(document.html)
    assert '<span class="nb">print</span>' in document.html
    assert [button["data-copy"] for button in reader.all_of("button")] == ["#code-1"]
    assert reader.every("id") == ["code-1", "code-2"]


def test_a_table_scrolls_by_itself_and_aligns_by_classes():
    document = rendered("## Prices & sums\n\n| a | b |\n| --- | ---: |\n| 1 | 2 |\n")
    wrap = Reader(document.html).all_of("div")[0]
    assert wrap == {
        "class": "table-wrap",
        "tabindex": "0",
        "role": "region",
        "aria-label": "Prices & sums",
    }
    assert "style" not in document.html
    assert '<td class="num">2</td>' in document.html


def test_headings_of_one_name_have_anchors_of_their_own():
    document = rendered("## Same `thing`\n\n## Same `thing`\n")
    assert [section.anchor for section in document.contents] == ["same-thing", "same-thing-1"]


def test_a_word_is_found_in_another_form():
    hits = find("лимитами", "ru")
    assert hits[0].address.startswith("/docs/limits/")
    assert len(hits) <= MOST_HITS


def test_all_words_must_be_in_a_section():
    assert [hit.address for hit in find("xrouter/auto выбирает", "ru")] != []
    assert find("xrouter неттакогослова", "ru") == []
    assert find("  ", "ru") == []


@pytest.mark.parametrize("language", ["ru", "en"])
def test_search_finds_every_operation_of_the_reference_by_its_title_and_by_its_path(language):
    sections = reference(language, settings.PUBLIC_URL).sections
    for section in sections:
        for operation in section.operations:
            address = f"{section.address}#{operation.id}"
            for query in (operation.title, operation.path, f"{operation.method} {operation.path}"):
                assert address in [hit.address for hit in find(query, language)][:5], query


def test_the_page_of_results_leads_to_an_operation():
    page = get("/docs/?q=/v1/embeddings", "en")
    assert 'href="/docs/api/embeddings/#create_embeddings"' in main_part(page)
    assert 'id="create_embeddings"' in get("/docs/api/embeddings/", "en")


def test_the_search_shows_where_and_what():
    page = main_part(get("/docs/?q=X-XRouter-Attempts"))
    assert "/docs/streaming/#" in page
    assert "X-XRouter-Attempts" in shown(page)


def test_a_search_in_english_finds_the_english_pages():
    page = main_part(get("/docs/?q=max_price", "en"))
    assert "/docs/en/routing/" in page
    assert CYRILLIC.findall(shown(page)) == []


def test_a_query_is_inert_and_bounded():
    page = main_part(get("/docs/?q=" + "<script>alert(1)</script>" + "a" * 500))
    assert "<script>alert" not in page
    assert "a" * 200 not in page


def test_the_operator_is_named_where_a_setting_says_so(settings):
    settings.OPERATOR_NAME = "ООО <Ромашка>"
    settings.SUPPORT_EMAIL = "help@example.ru"
    settings.SUPPORT_TELEGRAM = "https://t.me/example"
    settings.GENERATION_RETENTION_DAYS = 32
    terms = main_part(get("/terms/"))
    assert "ООО &lt;Ромашка&gt;" in terms
    assert '<a href="mailto:help@example.ru">help@example.ru</a>' in terms
    assert '<a href="https://t.me/example">Telegram</a>' in terms
    assert "32 days" in main_part(get("/privacy/", "en"))
    assert "help@example.ru" in main_part(get("/docs/support/"))
    assert "help@example.ru" in main_part(get("/docs/en/security-policy/"))


def test_a_field_that_nobody_filled_is_left_open_in_plain_sight(settings):
    settings.OPERATOR_NAME = settings.SUPPORT_EMAIL = ""
    settings.SUPPORT_TELEGRAM = settings.SUPPORT_ISSUES_URL = ""
    terms = get("/terms/")
    assert "<mark>«наименование владельца»</mark>" in terms
    assert "<mark>«дата вступления в силу»</mark>" in terms
    assert "<mark>«адреса поддержки»</mark>" in terms


@pytest.mark.parametrize("page", [page for page in manual.PAGES if page.is_legal])
def test_every_field_of_a_legal_page_is_known(page):
    for field in re.findall(r"«[^«»]+»", shown(manual.document(page).html)):
        assert fill(field, page.language) != field, field


def test_security_txt_names_the_address_of_the_operator(settings, client):
    settings.SUPPORT_EMAIL = "help@example.ru"
    response = client.get("/.well-known/security.txt")
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in response.content.decode().splitlines())
    assert fields["Contact"] == "mailto:help@example.ru"
    assert fields["Policy"].endswith("/docs/en/security-policy/")
    expires = time.mktime(time.strptime(fields["Expires"], "%Y-%m-%dT%H:%M:%SZ"))
    assert expires > time.time()


def test_without_an_address_there_is_no_security_txt(settings, client):
    settings.SUPPORT_EMAIL = ""
    assert client.get("/.well-known/security.txt").status_code == 404


def test_the_documentation_is_for_reading(client):
    assert client.post("/docs/").status_code == 405
    assert client.head("/docs/").status_code == 200
