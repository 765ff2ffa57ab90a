"""The landing and the list of models, as people read them, and what every page has."""

import html
import re

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from billing.pricing import cost_nano
from billing.templatetags.money import roubles
from gateway.catalog import snapshot
from gateway.models import Alias, LanguageModel
from infra.credits import credits_text
from infra.rouble_text import exact_roubles
from tests.gateway.customers import a_key, a_request, customer
from web.public.code_samples import KEY_PLACEHOLDER
from web.public.model_entries import model_entries

pytestmark = pytest.mark.django_db

MAX_PAGE_BYTES = 150_000
SAMPLES_OF_PAGES = ("/", "/models/", "/models/gigachat-2-pro/", "/models/embeddings/")
CYRILLIC = re.compile("[А-Яа-яЁё]+")


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


def listed(client: Client, query: str = "") -> list[str]:
    """Return the ids that the catalogue's page lists, in its order."""
    response = client.get(f"/models/{query}")
    assert response.status_code == 200
    return [entry.model.id for entry in response.context["entries"]]


def test_the_landing_says_what_it_is_and_where_to_get_a_key(russian):
    page = russian.get("/").content.decode()
    assert "<h1" in page
    assert "Один API для GigaChat и YandexGPT" in text_of(page)
    assert 'href="/accounts/signup/"' in page
    assert f"{settings.PUBLIC_URL}/v1" in text_of(page)


def test_the_landing_shows_the_same_request_in_three_languages(russian):
    demonstration = russian.get("/").context["demonstration"]
    assert [sample.slug for sample in demonstration.samples] == ["python", "node", "curl"]
    for sample in demonstration.samples:
        code = html.unescape(re.sub(r"<[^>]+>", "", sample.html))
        assert f"{settings.PUBLIC_URL}/v1" in code
        assert f'"{demonstration.entry.model.id}"' in code
        assert KEY_PLACEHOLDER in code


def test_the_bill_of_the_landing_is_what_the_price_in_force_makes(russian):
    response = russian.get("/")
    demonstration = response.context["demonstration"]
    price = demonstration.entry.price
    cost = cost_nano(
        price,
        prompt_tokens=demonstration.prompt_tokens,
        completion_tokens=demonstration.completion_tokens,
    )
    assert demonstration.cost_nano == cost
    text = text_of(response.content.decode())
    assert " ".join(roubles(cost).split()) in text
    assert f'"cost" : {credits_text(cost)}' in text


def test_the_first_request_of_the_landing_needs_no_money(russian):
    assert russian.get("/").context["demonstration"].entry.model.is_free


def test_the_conversion_on_the_landing_is_what_the_pipeline_does(russian):
    conversion = russian.get("/").context["conversion"]
    assert conversion.header == "temperature=clamped, logit_bias=ignored"


def test_the_prices_of_the_landing_are_those_of_the_api(russian):
    prices = {card["id"]: card["pricing"] for card in russian.get("/v1/models").json()["data"]}
    shown = russian.get("/").context["shown"]
    assert {slug for entry in shown for slug in entry.providers} == {"gigachat", "yandexgpt"}
    for entry in shown:
        assert credits_text(entry.price.prompt_nano) == prices[entry.model.id]["prompt"]
        assert credits_text(entry.price.completion_nano) == prices[entry.model.id]["completion"]


def test_a_landing_without_models_still_greets(russian):
    LanguageModel.objects.update(enabled=False, updated_at=timezone.now())
    snapshot.reset()
    response = russian.get("/")
    assert response.status_code == 200
    shown = text_of(response.content.decode())
    assert "Сейчас моделей нет" in shown
    assert "каталог" not in shown
    assert "карта не нужна" not in shown


def test_nothing_is_free_of_charge_while_the_free_tier_is_closed(russian, settings):
    shown = text_of(russian.get("/").content.decode())
    assert "карта не нужна" in shown
    assert "Бесплатно" in shown

    settings.FREE_TIER = False
    LanguageModel.objects.update(updated_at=timezone.now())
    snapshot.reset()
    shown = text_of(russian.get("/").content.decode())
    assert "карта не нужна" not in shown
    assert "Бесплатно" not in shown
    assert listed(russian, "?free=on") == []
    assert not any(card["is_free"] for card in russian.get("/v1/models").json()["data"])


@pytest.mark.parametrize("path", SAMPLES_OF_PAGES)
def test_a_page_in_english_has_no_cyrillic(path, english):
    text = text_of(english.get(path).content.decode())
    assert set(CYRILLIC.findall(text)) == {"Русский"}


@pytest.mark.parametrize("path", SAMPLES_OF_PAGES)
def test_a_page_has_one_h1_and_is_light(path, russian):
    response = russian.get(path)
    page = response.content.decode()
    assert page.count("<h1") == 1
    parts = set(re.findall(rf'(?:src|href)="{settings.STATIC_URL}([^"]+)"', page))
    assert parts
    size = sum((settings.BASE_DIR / "static" / part).stat().st_size for part in parts)
    assert len(response.content) + size < MAX_PAGE_BYTES


@pytest.mark.parametrize("path", SAMPLES_OF_PAGES)
def test_a_page_may_not_be_framed_nor_run_foreign_scripts(path, russian):
    headers = russian.get(path).headers
    assert headers["X-Frame-Options"] == "DENY"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_a_template_has_nothing_that_the_policy_forbids():
    forbidden = r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*src=)"
    found = [
        f"{template.name}: {match[0]}"
        for template in sorted((settings.BASE_DIR / "templates").rglob("*.html"))
        for match in re.finditer(forbidden, template.read_text())
    ]
    assert found == []


def test_the_catalogue_lists_what_the_api_lists(russian):
    cards = russian.get("/v1/models").json()["data"]
    present = {card["id"] for card in cards if card["status"] != "legacy"}
    assert sorted(listed(russian)) == sorted(present)
    page = russian.get("/models/").content.decode()
    assert all(f'href="/models/{card["id"]}/"' in page for card in cards)
    assert russian.get("/").context["total"] == len(present)


def test_a_model_is_found_by_a_word_of_its_description_in_either_language(russian):
    assert "gigachat-2-max" in listed(russian, "?q=изображения")
    assert "gigachat-2-max" in listed(russian, "?q=IMAGES")
    assert "yandexgpt-5-lite" not in listed(russian, "?q=images")


def test_a_model_is_found_by_another_name_of_it(russian):
    Alias.objects.create(name="quick-one", model=LanguageModel.objects.get(public_id="gigachat-2"))
    snapshot.reset()
    assert listed(russian, "?q=quick-one") == ["gigachat-2"]


def test_all_words_of_a_search_must_be_met(russian):
    assert listed(russian, "?q=yandexgpt+5.1") == ["yandexgpt-5.1"]


def test_filters_narrow_the_list_together(russian):
    entries = {entry.model.id: entry for entry in model_entries()}
    found = listed(russian, "?provider=gigachat&feature=vision&feature=tools&kind=chat")
    assert found
    for id_, entry in entries.items():
        is_wanted = "gigachat" in entry.providers and {"vision", "tools"} <= entry.features
        assert (id_ in found) == is_wanted


def test_the_free_models_and_the_kinds_can_be_asked_for(russian):
    free = set(LanguageModel.objects.filter(enabled=True, is_free=True).values_list("public_id"))
    assert {(id_,) for id_ in listed(russian, "?free=on")} == free
    kinds = {entry.model.id: entry.model.kind for entry in model_entries()}
    assert {kinds[id_] for id_ in listed(russian, "?kind=embeddings")} == {"embeddings"}


def test_the_list_is_sorted_by_price_and_by_context(russian):
    entries = {entry.model.id: entry for entry in model_entries()}
    prices = [entries[id_].price for id_ in listed(russian, "?sort=price")]
    sums = [price.prompt_nano + price.completion_nano for price in prices]
    assert sums == sorted(sums)
    contexts = [entries[id_].model.context_tokens for id_ in listed(russian, "?sort=context")]
    assert contexts == sorted(contexts, reverse=True)


def test_a_filter_that_means_nothing_is_passed_over(russian):
    assert listed(russian, "?sort=upwards&kind=robots&feature=flight") == listed(russian)


def test_an_empty_list_teaches_the_next_step(russian):
    response = russian.get("/models/?q=no-such-model-anywhere")
    assert response.context["entries"] == []
    assert "Таких моделей нет" in text_of(response.content.decode())
    assert '<a class="button" href="/models/">' in response.content.decode()


def test_what_was_searched_for_is_shown_as_text(russian):
    page = russian.get("/models/", {"q": '"><script>alert(1)</script>'}).content.decode()
    assert "<script>alert" not in page
    assert "&quot;&gt;&lt;script&gt;" in page


def test_the_choice_of_a_language_is_kept_for_a_year(russian):
    response = russian.post("/language/", {"language": "en", "next": "/models/?q=pro"})
    assert response.headers["Location"] == "/models/?q=pro"
    assert response.cookies["django_language"]["max-age"] == 31_536_000
    assert '<html lang="en">' in russian.get("/models/").content.decode()


def test_the_language_form_comes_back_to_this_service_alone(russian):
    response = russian.post("/language/", {"language": "en", "next": "https://evil.example/"})
    assert response.headers["Location"] == "/"


def test_the_old_address_of_the_icon_leads_to_the_icon(russian):
    response = russian.get("/favicon.ico")
    assert (response.status_code, response.headers["Location"]) == (302, "/static/favicon.svg")


def test_the_footer_names_support_and_operator_where_they_are_set(russian, settings):
    bare = russian.get("/").content.decode()
    assert "mailto:" not in bare
    settings.OPERATOR_NAME = "ООО «Пример»"
    settings.SUPPORT_EMAIL = "help@example.ru"
    settings.SUPPORT_TELEGRAM = "https://t.me/example"
    settings.SUPPORT_ISSUES_URL = "https://github.com/example/xrouter/issues"
    page = russian.get("/").content.decode()
    for text in ("ООО «Пример»", "mailto:help@example.ru", "https://t.me/example", "/issues"):
        assert text in page


def test_the_pages_answer_reading_alone(russian):
    assert russian.post("/").status_code == 405
    assert russian.post("/models/").status_code == 405
    assert russian.post("/models/gigachat-2/").status_code == 405


def test_the_catalogue_tells_what_a_month_costs_on_each_model(client):
    query = {"requests": "1000", "prompt_tokens": "200", "answer_tokens": "100", "sort": "price"}
    answer = client.get("/models/", query)
    month, entries = answer.context["month"], answer.context["entries"]
    costs = [month.cost_nano(entry) for entry in entries]
    assert costs == sorted(costs)
    for entry, told_nano in zip(entries, costs, strict=True):
        answer_nano = 100 * entry.price.completion_nano if entry.model.kind == "chat" else 0
        assert told_nano == 1000 * (200 * entry.price.prompt_nano + answer_nano)
        assert exact_roubles(told_nano) in answer.content.decode()


@pytest.mark.parametrize("amount", ["", "-1", "1e9", "٣", "x", "9" * 5000, "1.5", "<script>"])
def test_what_is_no_number_of_requests_is_zero(client, amount):
    answer = client.get("/models/", {"requests": amount, "prompt_tokens": "1"})
    assert answer.status_code == 200
    assert not answer.context["month"].is_told


def test_the_greatest_month_can_be_computed(client):
    most = {"requests": "9" * 18, "prompt_tokens": "9" * 18, "answer_tokens": "9" * 18}
    assert client.get("/models/", most).status_code == 200


def test_a_month_can_be_as_the_readers_own(client):
    key = a_key(customer(client, roubles=50))
    assert client.get("/models/").context["own"] is None
    a_request(key, tokens_prompt=100, tokens_completion=10)
    a_request(key, tokens_prompt=201, tokens_completion=11)
    own = client.get("/models/").context["own"].query
    month = client.get(f"/models/?{own}").context["month"]
    assert (month.requests, month.prompt_tokens, month.answer_tokens) == (2, 151, 11)
    assert Client().get("/models/").context["own"] is None


@pytest.mark.parametrize(
    "path", ["/cabinet", "/cabinet/keys", "/admin", "/accounts/login", "/docs/quickstart", "/terms"]
)
def test_a_page_is_found_without_the_slash_at_its_end(path, russian):
    answer = russian.get(f"{path}?a=b")
    assert (answer.status_code, answer.headers["Location"]) == (301, f"{path}/?a=b")


def test_search_engines_are_kept_to_the_public_pages(russian):
    answer = russian.get("/robots.txt")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "Disallow: /cabinet/" in answer.content.decode().splitlines()


@pytest.mark.parametrize("path", ["/health", "/health/live", "/metrics"])
def test_what_machines_ask_is_read_alone(path):
    answer = Client(enforce_csrf_checks=True).post(path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
