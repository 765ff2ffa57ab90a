"""The page of a model: every model has one, and it says what the API does."""

import html
import re
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils import timezone

from billing.models import Price
from billing.templatetags.money import roubles
from gateway.api.endpoints.model_cards import supported_parameters
from gateway.catalog import snapshot
from gateway.models import LanguageModel, ModelDay
from gateway.pipeline.routing.router import EMULATED_PARAMETERS
from web.public.model_entries import MILLION, model_entries

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_catalogue():
    snapshot.reset()
    yield
    snapshot.reset()


@pytest.fixture
def russian() -> Client:
    return Client(headers={"accept-language": "ru"})


@pytest.fixture
def english() -> Client:
    return Client(headers={"accept-language": "en"})


def text_of(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_every_model_has_a_page_with_its_prices(russian):
    for entry in model_entries():
        response = russian.get(f"/models/{entry.model.id}/")
        assert response.status_code == 200, entry.model.id
        text = text_of(response.content.decode())
        assert entry.model.id in text
        assert " ".join(roubles(entry.price.prompt_nano * MILLION).split()) in text
        assert entry.model.description in text


def test_each_price_bears_the_day_since_when_it_is_in_force(english):
    day = datetime(2026, 3, 7, 12, tzinfo=UTC)
    Price.objects.filter(model_id="gigachat-2").delete()
    Price.objects.create(
        model_id="gigachat-2", valid_from=day, prompt_nano=71, completion_nano=71, cached_nano=0
    )
    snapshot.reset()

    page = text_of(english.get("/models/gigachat-2/").content.decode())
    assert "The price has been in force since 7 March 2026." in page
    assert "since 7 Mar 2026" in text_of(english.get("/models/").content.decode())
    both = english.get("/models/compare/", {"model": ["gigachat-2", "gigachat-2-pro"]})
    assert "Price in force since 7 Mar 2026" in text_of(both.content.decode())


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/models/yandexgpt/", "/models/yandexgpt:latest/"),
        ("/models/GigaChat/Pro/", "/models/gigachat-pro/"),
        ("/models/gigachat-2", "/models/gigachat-2/"),
        ("/models/auto/", "/models/xrouter/auto/"),
    ],
)
def test_another_name_leads_to_the_page_of_the_model(path, target, russian):
    response = russian.get(path)
    assert response.status_code == 302
    assert response.headers["Location"] == target
    assert russian.get(target).status_code == 200


def test_a_model_that_is_not_served_has_no_page(russian):
    assert russian.get("/models/gpt-4o/").status_code == 404
    assert russian.get("/models/gigachat-3-ultra/").status_code == 404


def test_the_page_of_a_model_names_exactly_what_the_api_honours(russian):
    for entry in model_entries():
        rows = russian.get(f"/models/{entry.model.id}/").context["parameters"]
        honoured = supported_parameters(entry.model, entry.choices, EMULATED_PARAMETERS)
        assert [row.name for row in rows] == honoured
        assert all(row.explanation for row in rows)


def test_the_page_of_a_model_tells_native_from_emulated(russian):
    entries = {entry.model.id: entry for entry in model_entries()}
    held = {
        ability.feature.slug: ability.is_native
        for ability in entries["deepseek-v4-flash"].abilities
    }
    assert held["tools"] is True
    assert held["structured_outputs"] is False
    assert held["parallel_tool_calls"] is None
    assert "через XRouter" in text_of(russian.get("/models/deepseek-v4-flash/").content.decode())


def test_the_range_of_a_parameter_is_that_of_the_profile(russian):
    rows = russian.get("/models/gigachat-2/").context["parameters"]
    ranges = {row.name: (row.range, row.default) for row in rows}
    assert ranges["temperature"] == ("> 0, ≤ 2", "")
    assert ranges["repetition_penalty"] == ("> 0, ≤ 2", "1")
    assert ranges["max_tokens"][0] == "≥ 1, ≤ 8192"


def test_a_model_is_described_in_the_language_of_the_reader(russian, english):
    assert "сложных задач" in russian.get("/models/gigachat-2-pro/").content.decode()
    assert "demanding tasks" in english.get("/models/gigachat-2-pro/").content.decode()


def test_an_operators_words_about_a_model_are_shown_as_text(russian):
    LanguageModel.objects.filter(public_id="gigachat-2").update(
        name="<b>Lite</b>",
        description="<img src=x onerror=alert(1)>",
        updated_at=timezone.now(),
    )
    snapshot.reset()
    for path in ("/models/", "/models/gigachat-2/"):
        page = russian.get(path).content.decode()
        assert "<img src=x" not in page
        assert "<b>Lite" not in page


def test_a_chat_model_leads_to_the_playground_and_an_embedding_one_does_not(russian):
    chat = russian.get("/models/yandexgpt:latest/").content.decode()
    assert 'href="/cabinet/playground/?model=yandexgpt%3Alatest"' in chat
    assert "/cabinet/playground/" not in russian.get("/models/embeddings/").content.decode()


def test_the_page_of_a_model_shows_its_ninety_days(english):
    path = "/models/gigachat-2/"
    assert "Ninety days" not in english.get(path).content.decode()
    today = timezone.localdate()
    ModelDay.objects.create(model_id="gigachat-2", day=today, requests=1200, failures=12)
    page = english.get(path).content.decode()
    assert "Answered requests: 99 % of 1,200" in text_of(page)
    assert page.count('class="strip-good"') == 1
