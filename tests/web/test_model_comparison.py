"""Models side by side: which are shown, what each can do, what a month on each costs."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from billing.pricing import cost_nano
from gateway.models import ModelDay
from tests.gateway.customers import a_key, a_request, customer
from tests.web.test_public_pages import text_of
from web.public.model_entries import find_entry

pytestmark = pytest.mark.django_db

CYRILLIC = re.compile("[А-Яа-яЁё]+")


def compared(client: Client, query: str) -> list[str]:
    """Return the ids of the models that the page shows side by side."""
    answer = client.get(f"/models/compare/{query}")
    assert answer.status_code == 200
    return [column.entry.model.id for column in answer.context["columns"]]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", []),
        ("?model=gigachat-2", []),
        ("?model=gigachat-2&model=gigachat-2", []),
        ("?model=yandexgpt&model=yandexgpt:latest", []),
        ("?model=gigachat-2&model=&model=yandexgpt", ["gigachat-2", "yandexgpt:latest"]),
        ("?model=yandexgpt&model=no-such&model=gigachat-2", ["yandexgpt:latest", "gigachat-2"]),
    ],
)
def test_two_different_models_at_least_are_compared_in_the_order_named(query, shown, client):
    assert compared(client, query) == shown


def test_a_model_that_is_not_there_is_named(client):
    page = client.get("/models/compare/?model=<b>gpt&model=gigachat-2").content.decode()
    assert "&lt;b&gt;gpt" in page
    assert "<b>gpt" not in page


def test_four_models_are_shown_at_most_and_the_reader_is_told(client):
    ids = ["gigachat-2", "gigachat-2-pro", "gigachat-2-max", "yandexgpt:latest", "embeddings"]
    query = "?" + "&".join(f"model={name}" for name in ids)
    assert compared(client, query) == ids[:4]
    assert "показаны первые" in client.get(f"/models/compare/{query}").content.decode()


def test_a_month_is_computed_with_its_cached_share_and_the_cheapest_is_marked(client):
    answer = client.get(
        "/models/compare/?model=gigachat-2&model=gigachat-2-max"
        "&requests=1000&prompt_tokens=501&answer_tokens=200&cached_percent=50"
    )
    lite, best = answer.context["columns"]
    entry = find_entry("gigachat-2")
    assert entry is not None
    each_nano = cost_nano(entry.price, prompt_tokens=501, completion_tokens=200, cached_tokens=250)
    assert lite.month_nano == 1000 * each_nano
    assert (lite.is_cheapest, best.is_cheapest) == (True, False)


@pytest.mark.parametrize("pair", [
    ("gigachat-2-pro", "gigachat-pro"), ("embeddings", "gigachat-2-max"), ("xrouter/auto", "yandexgpt")
])  # fmt: skip
def test_of_equal_months_other_kinds_and_lower_bounds_none_is_the_cheapest(pair, client):
    query = {"model": pair, "requests": "10", "prompt_tokens": "10"}
    answer = client.get("/models/compare/", query)
    assert [column.is_cheapest for column in answer.context["columns"]] == [False, False]


def test_a_reader_with_requests_sees_their_own_month_and_what_they_paid(client):
    query = "?model=gigachat-2&model=gigachat-2-max"
    account = customer(client, roubles=50)
    assert not client.get(f"/models/compare/{query}").context["month"].is_told
    a_request(
        a_key(account), cost_nano=12_340_000_000,
        tokens_prompt=300, tokens_completion=20, tokens_cached=120,
    )  # fmt: skip
    answer = client.get(f"/models/compare/{query}", headers={"Accept-Language": "en"})
    month = answer.context["month"]
    assert (month.requests, month.prompt_tokens, month.answer_tokens) == (1, 300, 20)
    assert month.cached_percent == 40
    assert "You paid 12.34" in text_of(answer.content.decode())
    assert not Client().get(f"/models/compare/{query}").context["month"].is_told
    asked = client.get(f"/models/compare/{query}&requests=7&prompt_tokens=5")
    assert asked.context["month"].requests == 7


def test_embeddings_stand_beside_a_chat_model_without_abilities(client):
    answer = client.get("/models/compare/?model=embeddings&model=gigachat-2")
    [streaming, *_] = answer.context["ability_rows"]
    assert [ability is None for _, ability in streaming.cells] == [True, False]
    both = client.get("/models/compare/?model=embeddings&model=embeddings-2")
    assert both.context["ability_rows"] == []
    assert len(both.context["columns"]) == 2


def test_the_answered_requests_of_ninety_days_stand_side_by_side(client):
    ModelDay.objects.create(model_id="gigachat-2", day=timezone.localdate(), requests=8, failures=1)
    answer = client.get("/models/compare/?model=gigachat-2&model=gigachat-2-max")
    assert [column.days is None for column in answer.context["columns"]] == [False, True]
    assert "87,50 %" in text_of(answer.content.decode())


def test_the_address_without_a_slash_keeps_the_models(client):
    answer = client.get("/models/compare?model=gigachat-2&model=gigachat-2-max")
    assert answer.headers["Location"] == "/models/compare/?model=gigachat-2&model=gigachat-2-max"


def test_in_english_the_page_has_no_russian(client):
    for query in ("", "?model=gigachat-2&model=embeddings&requests=1&prompt_tokens=1"):
        page = client.get(f"/models/compare/{query}", headers={"Accept-Language": "en"})
        assert set(CYRILLIC.findall(text_of(page.content.decode()))) <= {"Русский"}
