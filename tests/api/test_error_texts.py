"""Errors say what is wrong in the caller's language; what has no translation stays English."""

import ast
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import polib
import pytest
from django.conf import settings as site
from django.test import Client
from django.utils.translation import get_language

from accounts.errors import TooManyKeys
from accounts.oauth.one_click import CodeRefused
from billing.limits.request_limits import LIMIT_TEXTS
from gateway.api.endpoints.not_found import nearest_path
from gateway.api.error_texts import TEMPLATES, taken_apart, translated
from gateway.api.errors import IdempotencyMismatch, failure_of, language_of
from gateway.pipeline.emulation.tool_checking import ToolCallInvalid
from gateway.pipeline.errors import InvalidParameter, ModelNotFound
from gateway.pipeline.execution.stream import CHARGED_NOTE
from gateway.providers.chat_types import Usage
from gateway.providers.errors import ProviderProtocolError, ProviderRateLimited

ROOT = pathlib.Path(site.BASE_DIR)
SOURCES = ("accounts", "billing", "gateway")
VALUE = re.compile(r"%\(\w+\)s")
RUSSIAN = {
    "There is no model %(model)s: GET /v1/models lists them.": "Нет модели %(model)s.",
    "Every slot of the provider is taken.": "Все места у провайдера заняты.",
    "%(field)s must be a text.": "%(field)s: нужен текст.",
    "The provider sent %(what)s.": "Не разобрать: %(what)s.",
    "what is no JSON": "не JSON",
    "There is nothing at %(path)s. The nearest path is %(nearest)s.": "%(path)s? %(nearest)s!",
}


@pytest.fixture
def _russian(tmp_path: pathlib.Path, settings: Any) -> None:
    """Let the Russian of these tests be the language's own."""
    directory = tmp_path / "ru" / "LC_MESSAGES"
    directory.mkdir(parents=True)
    catalogue = polib.POFile()
    catalogue.metadata = {"Content-Type": "text/plain; charset=utf-8"}
    catalogue.extend(polib.POEntry(msgid=key, msgstr=text) for key, text in RUSSIAN.items())
    catalogue.save_as_mofile(str(directory / "django.mo"))
    settings.LOCALE_PATHS = [str(tmp_path)]


def _texts_in_sources() -> Iterator[str]:
    """Yield the literal texts of the sources, with a mark for each value in them."""
    for path in (path for folder in SOURCES for path in (ROOT / folder).rglob("*.py")):
        if path.name == "error_texts.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.JoinedStr):
                yield "".join(
                    str(piece.value) if isinstance(piece, ast.Constant) else "\0"
                    for piece in node.values
                )
    yield from LIMIT_TEXTS.values()


def test_every_template_is_a_text_that_the_sources_have() -> None:
    said = "\n".join(_texts_in_sources())
    stale = []
    for template in TEMPLATES:
        pieces = VALUE.split(template.replace("%(field)s ", "").replace("%(field)s: ", ""))
        missing = [piece for piece in pieces if len(piece) > 8 and piece not in said]
        stale += [template] if not all(_is_composed(piece, said) for piece in missing) else []
    assert stale == []


def _is_composed(piece: str, said: str) -> bool:
    """Say whether each sentence is there: that of when to repeat is written once for all limits."""
    sentences = re.split(r"(?<=[.:]) ", piece.strip())
    return all(sentence.strip(" :.") in said for sentence in sentences)


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_text_is_known_by_its_template_and_gives_its_values_back(template: str) -> None:
    names = re.findall(r"%\((\w+)\)s", template)
    values = {name: "messages[0].x" if name == "field" else f"«{name}»" for name in names}

    assert taken_apart(template % values if values else template) == (template, values)


@pytest.mark.parametrize(
    "message",
    [
        'tool_choice must be none, auto, required or {"type": "function", "function": {"name": …}}.',
        'transforms may be [] or ["middle-out"].',
        "tools[0].type must be function.",
        "input must be texts: token ids of another tokenizer mean nothing here.",
        "gigachat: The model was asked twice and made no valid tool call: no tool was called.",
        "gigachat: The model was asked twice and gave no JSON that is valid: it does not fit the schema at"
        f" properties/n/type.{CHARGED_NOTE}",
        "gigachat: The provider sent a message that is no object.",
        "gigachat: The provider sent a function call with invalid arguments.",
        "metadata.a name must be a text.",
        "data.claude-* must have 8 stars at most.",
        "Write addresses or networks, such as 203.0.113.7 or 10.0.0.0/8.",
        "A key's name is 1 to 100 characters, without control characters.",
        "A model's id is 1 to 200 printable characters.",
        "The body's Transfer-Encoding must be chunked alone.",
        str(TooManyKeys(10_000)),
        str(CodeRefused()),
        failure_of(IdempotencyMismatch()).message,
    ],
)
def test_a_refusal_is_russian_to_its_last_word(message: str) -> None:
    names = "none auto required type function name middle out tools input tool choice transforms data claude"
    names += " metadata Transfer Encoding chunked auth code verifier Idempotency Key"
    said = set(re.findall(r"[A-Za-z]{3,}", translated(message, "ru")))
    assert said <= {*names.split(), "gigachat", "JSON", "message", "properties"}


def test_a_text_without_a_template_stays_as_it_is() -> None:
    assert taken_apart("Something new.") is None
    assert translated("100% new: %(x)s", "ru") == "100% new: %(x)s"
    assert taken_apart("a" * 100_000) is None


@pytest.mark.parametrize(
    ("header", "language"),
    [
        *(("ru", "ru"), ("ru-RU,ru;q=0.9,en;q=0.8", "ru"), ("RU", "ru"), ("de, ru;q=0.5", "ru")),
        *(("", "en"), ("en-US,en;q=0.9,ru;q=0.8", "en"), ("de", "en"), ("*", "en"), (";;,", "en")),
        ("x" * 100_000, "en"),
    ],
)
def test_the_language_is_the_one_that_the_caller_prefers(header: str, language: str) -> None:
    assert language_of({"Accept-Language": header}) == language


@pytest.mark.usefixtures("_russian")
def test_a_failure_is_said_in_russian_and_is_else_the_same() -> None:
    before = get_language()
    error = ModelNotFound("There is no model 'gpt-9': GET /v1/models lists them.", param="model")

    russian, english = failure_of(error, language="ru"), failure_of(error)

    assert russian.message == "Нет модели 'gpt-9'."
    assert english.message == error.message
    assert (russian.code, russian.param, russian.status) == ("model_not_found", "model", 404)
    busy = ProviderRateLimited("Every slot of the provider is taken.", provider="gigachat")
    assert failure_of(busy, language="ru").message == "gigachat: Все места у провайдера заняты."
    garbled = ProviderProtocolError("The provider sent what is no JSON.", provider="gigachat")
    assert failure_of(garbled, language="ru").message == "gigachat: Не разобрать: не JSON."
    field = InvalidParameter("messages[0].content must be a text.", param="messages[0].content")
    assert failure_of(field, language="ru").message == "messages[0].content: нужен текст."
    assert get_language() == before


@pytest.mark.parametrize(
    ("error", "russian"),
    [
        (
            ProviderProtocolError(
                "The provider sent an answer without alternatives.", provider="yandexgpt"
            ),
            "yandexgpt: Ответ провайдера не удалось разобрать: ответ без вариантов.",
        ),
        (
            ToolCallInvalid(
                "The model was asked twice and made no valid tool call: no tool was called."
                + CHARGED_NOTE,
                provider="yandexgpt",
                usage=Usage(1, 1),
            ),
            "yandexgpt: Модель спросили дважды, и годного вызова инструмента она не сделала: ни один"
            " инструмент не вызван. Использованное оплачено: бесплатны 5 таких ответов в час, и они на"
            " этом счёте израсходованы. Измените схему или инструменты либо возьмите другую модель.",
        ),
    ],
)
def test_what_is_wrong_with_an_answer_is_said_in_russian_to_the_end(
    error: Exception, russian: str
) -> None:
    assert failure_of(error, language="ru").message == russian


@pytest.mark.django_db
@pytest.mark.usefixtures("_russian")
def test_the_header_chooses_the_language_of_an_answer(client: Client) -> None:
    russian = client.get("/v1/chat/completion", headers={"Accept-Language": "ru"}).json()["error"]
    english = client.get("/v1/chat/completion").json()["error"]

    assert russian["message"] == "/v1/chat/completion? /v1/chat/completions!"
    assert english["message"] == (
        "There is nothing at /v1/chat/completion. The nearest path is /v1/chat/completions."
    )
    assert {**russian, "message": ""} == {**english, "message": ""}


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("/v1/chat/completion", "/v1/chat/completions"),
        ("/v1/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/embedding", "/v1/embeddings"),
        ("/api/v1/chat/complete", "/api/v1/chat/completions"),
        ("/v1/" + "z" * 90, None),
    ],
)
def test_the_nearest_path_is_named(path: str, nearest: str | None) -> None:
    assert nearest_path(path) == nearest


@pytest.mark.django_db
def test_a_path_is_said_in_printable_characters_and_no_longer_than_is_of_use(
    client: Client,
) -> None:
    message = client.get("/v1/%0d%0a<щ>" + "z" * 5000).json()["error"]["message"]

    assert message.isprintable()
    assert message.isascii()
    assert len(message) < 200
