"""The API reference as readers see it: whole, in both languages, light, and with examples that are right."""

import ast
import html
import itertools
import re
import shlex
from urllib.parse import urldefrag

import orjson
import pytest
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext

from gateway.api.schema.openapi.document import document
from tests.web.test_docs_pages import CYRILLIC, Reader, get, main_part, shown
from web.public.reference.bounds import bounds
from web.public.reference.fields import notation
from web.public.reference.literals import JAVASCRIPT, PYTHON, literal
from web.public.reference.prose import paragraphs, texts
from web.public.reference.request_samples import TOKEN_PLACEHOLDER
from web.public.reference.sections import reference

DOCUMENT = document("http://localhost:8000")
OPERATIONS = [
    (method.upper(), path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
SECTIONS = [f"/docs/api/{tag['name'].lower()}/" for tag in DOCUMENT["tags"]]
PAGES = ["/docs/api/", *SECTIONS]
LANGUAGES = ("ru", "en")
MOST_BYTES = 200_000
HEADINGS = {"h1", "h2", "h3", "h4"}
LATIN_SENTENCE = re.compile(r"(?:\b[A-Za-z][a-z']*[ ,]+){3,}[A-Za-z]+")


def page_of(operation) -> str:
    return f"/docs/api/{operation['tags'][0].lower()}/"


def prose(page: str) -> str:
    """Return what a page says beside its code."""
    return re.sub(r"\s+", " ", shown(re.sub(r"<(code|pre)\b.*?</\1>", "", page, flags=re.DOTALL)))


def samples(page: str, operation: str, slug: str) -> str:
    [code] = re.findall(rf'<code id="sample-{operation}-{slug}">(.*?)</code>', page, re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", "", code))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_operation_is_on_its_page_and_in_the_index(language):
    index = get("/docs/api/", language)
    for method, path, operation in OPERATIONS:
        page = get(page_of(operation), language)
        name = operation["operationId"]
        with translation.override(language):
            title = html.escape(gettext(operation["summary"]))
        [section] = re.findall(rf'<section[^>]* id="{name}".*?</section>', page, re.DOTALL)
        assert title in section
        assert f">{method}</span> <code>{path}</code>" in section
        assert f'<a href="{page_of(operation)}#{name}">{title}</a>' in index


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_parameter_field_status_and_code_is_told(language):
    for _, _, operation in OPERATIONS:
        page = get(page_of(operation), language)
        [section] = re.findall(
            rf'<section[^>]* id="{operation["operationId"]}".*?</section>', page, re.DOTALL
        )
        told = set(re.findall(r'<code class="api-name">([^<]+)</code>', section))
        assert {one["name"] for one in operation["parameters"] if "name" in one} <= told
        for status, answer in operation["responses"].items():
            assert f">{status}</span>" in section
            for code in re.findall(r"^- `(\w+)`:", answer["description"], re.MULTILINE):
                assert f'<a href="#error-{code}"><code>{code}</code></a>' in section
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        name = body["schema"]["$ref"].rpartition("/")[2] if body else ""
        fields = DOCUMENT["components"]["schemas"].get(name, {}).get("properties", {})
        everything = set(re.findall(r'<code class="api-name">([^<]+)</code>', page))
        assert set(fields) <= everything


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_is_light_and_has_nothing_to_block(language):
    for address in PAGES:
        page = get(address, language)
        reader = Reader(page)
        assert len(page.encode()) < MOST_BYTES, address
        assert len(reader.all_of("h1")) == 1, address
        assert reader.every("style") == [], address
        assert reader.all_of("style") == [], address
        assert all(script.get("src") for script in reader.all_of("script")), address
        handlers = [name for _, attrs in reader.tags for name in attrs if name.startswith("on")]
        assert handlers == [], address


@pytest.mark.parametrize("language", LANGUAGES)
def test_headings_go_down_a_level_at_a_time(language):
    for address in PAGES:
        levels = [int(tag[1]) for tag, _ in Reader(get(address, language)).tags if tag in HEADINGS]
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_anchor_is_unique_and_every_link_to_one_is_right(language):
    anchors = {}
    for address in PAGES:
        names = Reader(get(address, language)).every("id")
        assert len(set(names)) == len(names), address
        anchors[address] = set(names)
    for address in PAGES:
        for link in Reader(main_part(get(address, language))).all_of("a"):
            target, anchor = urldefrag(link["href"] or "")
            if anchor:
                assert anchor in anchors[target or address], f"{address}: {link['href']}"


def test_the_russian_pages_have_no_english_sentence():
    for address in PAGES:
        words = prose(main_part(get(address, "ru")))
        assert LATIN_SENTENCE.findall(words) == [], address
        assert CYRILLIC.search(words), address
        assert LATIN_SENTENCE.search(prose(main_part(get(address, "en")))), address


def test_the_english_pages_have_no_cyrillic():
    for address in PAGES:
        assert set(CYRILLIC.findall(shown(get(address, "en")))) <= {"Русский"}, address


def test_every_text_of_the_document_is_for_the_translators():
    gathered = set(texts(DOCUMENT))
    assert "Answer a dialogue" in gathered
    for example in DOCUMENT["components"]["examples"].values():
        assert set(paragraphs(example["summary"])) <= gathered
    for _, _, operation in OPERATIONS:
        assert operation["summary"] in gathered
        assert set(paragraphs(operation.get("description", ""))) <= gathered


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_codes_of_errors_lead_to_the_page_about_errors(language):
    address = {"ru": "/docs/errors/", "en": "/docs/en/errors/"}[language]
    for page in PAGES:
        links = [link["href"] for link in Reader(main_part(get(page, language))).all_of("a")]
        assert address in links, page


def test_an_operation_says_what_it_needs():
    page = get("/docs/api/keys/", "en")
    [create] = re.findall(r'<section[^>]* id="create_key".*?</section>', page, re.DOTALL)
    [report] = re.findall(r'<section[^>]* id="report_leaked_keys".*?</section>', page, re.DOTALL)
    assert "Needs an OAuth token with the scope <code>keys</code>." in create
    assert "Needs no key." in report
    assert "Authorization" not in samples(page, "report_leaked_keys", "curl")
    assert TOKEN_PLACEHOLDER in samples(page, "create_key", "curl")


def test_a_chat_can_be_tried_in_the_playground():
    assert '<a href="/cabinet/playground/">' in get("/docs/api/chat/", "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_examples_are_programs_that_send_the_example_of_the_document(language):
    for method, path, operation in OPERATIONS:
        page = get(page_of(operation), language)
        name = operation["operationId"]
        ast.parse(samples(page, name, "python"))
        command, *given = shlex.split(samples(page, name, "curl").replace("\\\n", " "))
        assert command == "curl"
        [address] = [word for word in given if word.startswith("http")]
        pattern = re.sub(r"\\{\w+\\}", "[^/?]+", re.escape(path))
        assert re.fullmatch(rf"http://localhost:8000{pattern}(\?.+)?", address)
        if method not in {"GET", "POST"}:
            assert given[given.index("-X") + 1] == method
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body:
            [example, *_] = (one["value"] for one in body["examples"].values())
            sent = orjson.loads(given[given.index("-d") + 1])
            assert sent.keys() == example.keys()
            assert language == "en" or sent == example
        assert "{" not in address


def test_the_readers_see_the_address_of_this_service(settings):
    settings.PUBLIC_URL = "https://api.example.ru"
    page = get("/docs/api/chat/")
    assert "https://api.example.ru/v1" in page
    assert "localhost:8000" not in page


@pytest.mark.django_db
def test_a_page_asks_the_database_nothing(django_assert_num_queries):
    for address in PAGES:
        with django_assert_num_queries(0):
            get(address)


def test_a_page_is_written_once_for_all_readers():
    assert reference("ru", "http://localhost:8000") is reference("ru", "http://localhost:8000")


def test_there_is_no_page_of_what_is_no_group(client):
    assert client.get("/docs/api/nothing/").status_code == 404
    assert client.post("/docs/api/keys/").status_code == 405


def test_a_missing_slash_is_mended():
    assert Client().get("/docs/api/keys").headers["Location"] == "/docs/api/keys/"


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, "string"),
        ({}, "any"),
        ({"const": "user", "type": "string"}, '"user"'),
        ({"type": ["integer", "null"]}, "integer | null"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Tool"}}, "Tool[]"),
        (
            {"anyOf": [{"type": "null"}, {"type": "array", "items": {"type": ["string", "null"]}}]},
            "(string | null)[] | null",
        ),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "Record<string, number>"),
    ],
)
def test_a_type_is_written_as_programmers_write_it(schema, expected):
    assert notation(schema) == expected


def test_null_is_left_out_where_it_means_absent():
    assert notation({"type": ["string", "null"]}, with_null=False) == "string"


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"minimum": 0, "maximum": 2}, "value from 0 to 2"),
        ({"minimum": -2, "maximum": 2}, "value from −2 to 2"),
        ({"minLength": 0, "maxLength": 20000}, "characters up to 20,000"),
        ({"minItems": 1}, "items from 1"),
        ({"minimum": 1, "maximum": 1}, "value 1"),
        ({"enum": ["a", None], "default": "a"}, "one of a by default a"),
        ({"default": False}, "by default false"),
        ({"items": {"maxLength": 5}}, "characters up to 5"),
        ({"pattern": r"^[^\u0000-\u001f\u007f]*$"}, "without control characters"),
    ],
)
def test_bounds_are_told_in_words(schema, expected):
    with translation.override("en"):
        told = [
            part for bound in bounds(schema) for part in (bound.label, bound.limits, *bound.values)
        ]
    assert " ".join(filter(None, told)) == expected


def test_an_example_is_written_as_the_language_writes_it():
    value = {"a": [True, None, "«x»"], "b-c": {}}
    assert literal(value, PYTHON) == '{"a": [True, None, "«x»"], "b-c": {}}'
    assert literal(value, JAVASCRIPT) == '{ a: [true, null, "«x»"], "b-c": {} }'
    long = literal({"name": ["x" * 40, "y" * 40]}, PYTHON)
    assert ast.literal_eval(long) == {"name": ["x" * 40, "y" * 40]}
    assert max(map(len, long.splitlines())) < 60
