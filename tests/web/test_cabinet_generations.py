"""The pages of requests: found, filtered and paged, and each told in words, to its owner alone."""

import re
from decimal import Decimal

import pytest
from django.test import Client
from django.utils.html import escape

from accounts.keys.key_principal import principal_of
from accounts.models import APIKey
from accounts.principal import Principal
from billing.ledger.ledger import settle
from billing.ledger.settlement import Settlement
from billing.models import Generation
from billing.usage import generations
from billing.usage.generations import GenerationFacts, Wanted
from infra.credits import NANO_PER_CREDIT as CREDIT
from tests.billing.usage_rows import ago, begin, use
from tests.gateway.customers import BORIS, MODEL, XSS, a_key, a_request, customer, price

pytestmark = pytest.mark.django_db

PAGE = "/cabinet/generations/"
ENGLISH = {"Accept-Language": "en"}
CYRILLIC = re.compile(r"[А-Яа-яЁё]+")


@pytest.fixture
def key(client) -> APIKey:
    return a_key(customer(client, roubles=100))


def ids_on(client: Client, **query: str) -> list[str]:
    """Return the requests on the list's page."""
    page = client.get(PAGE, query, headers=ENGLISH).content.decode()
    return re.findall(r'href="/cabinet/generations/(gen-[0-9a-f]{32})/"', page)


def page_of(client: Client, generation_id: str, language: str = "en") -> str:
    answer = client.get(f"{PAGE}{generation_id}/", headers={"Accept-Language": language})
    assert answer.status_code == 200
    return answer.content.decode()


def roubles(amount_nano: int) -> str:
    """Return an amount as an English page shows it."""
    digits = f"{Decimal(amount_nano).scaleb(-9):,.9f}".rstrip("0")
    whole, _, rest = digits.partition(".")
    return f"{whole}.{rest.ljust(2, '0')}\N{NO-BREAK SPACE}₽"


def test_the_page_of_a_request_shows_what_its_program_noted(client, key):
    generation_id = a_request(
        key,
        end_user="client 42",
        session_id="dialogue 7",
        metadata={"order": "A-1", "html": XSS},
        queued_ms=1234,
        request_id="http-9",
    )
    page = page_of(client, generation_id)
    for text in (
        "client 42",
        "dialogue 7",
        "order",
        "A-1",
        escape(XSS),
        "1.23\N{NO-BREAK SPACE}s",
        "http-9",
    ):
        assert text in page
    assert XSS not in page


def test_the_page_of_a_request_without_notes_says_nothing_of_them(client, key):
    page = page_of(client, a_request(key))
    assert "notes" not in page
    assert "Waited for a place" not in page


def test_a_stranger_is_sent_to_log_in(client):
    generation_id = a_request(a_key(customer(Client())))
    for path in (PAGE, f"{PAGE}{generation_id}/"):
        answer = client.get(path)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/login/")


def test_an_empty_list_says_what_to_do_next(client):
    customer(client)
    page = client.get(PAGE, headers=ENGLISH).content.decode()
    assert "There are no requests yet" in page
    assert 'href="/cabinet/keys/"' in page
    assert "<table" not in page


def test_the_list_is_paged_from_the_newest_to_the_oldest(client, key):
    created = [a_request(key, at=ago(minutes=200 - number)) for number in range(120)][::-1]
    seen: list[str] = []
    address = PAGE
    while address:
        page = client.get(address).content.decode()
        seen += re.findall(r'href="/cabinet/generations/(gen-[0-9a-f]{32})/"', page)
        found = re.search(r'href="([^"]+)" rel="next"', page)
        address = found[1].replace("&amp;", "&") if found else ""
    assert seen == created


def test_a_page_keeps_its_filters(client, key):
    for number in range(60):
        a_request(key, at=ago(minutes=200 - number), error_code="timeout" if number % 10 else "")
    page = client.get(PAGE, {"status": "failed"}).content.decode()
    found = re.search(r'href="([^"]+)" rel="next"', page)
    assert found is not None
    assert "status=failed" in found[1]
    page = client.get(found[1].replace("&amp;", "&")).content.decode()
    assert len(re.findall(r'href="/cabinet/generations/gen-', page)) == 4


def test_the_list_says_in_words_why_a_request_failed(client, key):
    a_request(key, error_code="timeout", finish_reason="")
    a_request(key, error_code="a_new_code", finish_reason="")
    page = client.get(PAGE, headers={"Accept-Language": "en"}).content.decode()
    assert "The provider was silent for too long." in page
    assert ">timeout<" not in page
    assert ">a_new_code<" in page  # one that has no words yet


def test_the_list_is_filtered(client, key):
    other = a_key(key.account, name="other")
    answered = a_request(key)
    failed = a_request(key, error_code="timeout", finish_reason="")
    gone = a_request(other, is_cancelled=True, finish_reason="")
    old = a_request(other, at=ago(days=20))
    assert ids_on(client) == [gone, failed, answered, old]
    assert ids_on(client, status="answered") == [answered, old]
    assert ids_on(client, status="failed") == [failed]
    assert ids_on(client, status="cancelled") == [gone]
    assert ids_on(client, key=other.hash) == [gone, old]
    assert ids_on(client, days="7") == [gone, failed, answered]
    assert ids_on(client, days="30", key=other.hash, status="answered") == [old]
    assert ids_on(client, model=MODEL) == [gone, failed, answered, old]
    Generation.objects.filter(credential_id=other.pk).update(model_id="yandexgpt:latest")
    assert ids_on(client, model="yandexgpt:latest") == [gone, old]


def test_the_playgrounds_requests_have_a_filter_of_their_own(client, key):
    by_key = a_request(key)
    session = Principal(
        account_id=key.account_id,
        user_id=key.user_id,
        credential_kind="session",
        credential_id=key.user_id,
        scopes=frozenset({"chat"}),
        label="me",
    )
    use(session, ago(seconds=1))
    assert len(ids_on(client)) == 2
    [by_session] = ids_on(client, key="session")
    assert by_session != by_key
    assert ids_on(client, key=key.hash) == [by_key]


@pytest.mark.parametrize(
    "query",
    [
        {"status": "odd"},
        {"model": "no-such-model"},
        {"key": "0" * 64},
        {"days": "minus one"},
    ],
)
def test_a_filter_that_is_none_finds_nothing_and_says_so(client, key, query):
    a_request(key)
    answer = client.get(PAGE, query, headers=ENGLISH)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "Select a valid choice" in page
    assert "Nothing was found" in page


@pytest.mark.parametrize("before", ["gen-", "x", "gen-" + "0" * 32, "'; DROP TABLE"])
def test_a_place_in_the_list_that_is_none_does_no_harm(client, key, before):
    a_request(key)
    assert client.get(PAGE, {"before": before}).status_code == 200


def test_an_id_leads_to_its_request(client, key):
    generation_id = a_request(key)
    answer = client.get(PAGE, {"id": f" {generation_id} "})
    assert answer.status_code == 302
    assert answer["Location"] == f"{PAGE}{generation_id}/"


@pytest.mark.parametrize("asked", ["gen-" + "0" * 32, "nonsense", XSS])
def test_an_unknown_id_is_told_and_stays_in_the_field(client, key, asked):
    a_request(key)
    page = client.get(PAGE, {"id": asked}, headers=ENGLISH).content.decode()
    assert "You have no request with this id." in page
    assert "<script>alert" not in page
    assert f'name="id" value="{escape(asked)}"' in page


def test_a_foreign_request_is_as_unknown_as_one_that_never_was(client, key):
    foreign = a_request(a_key(customer(Client(), BORIS), name="Boris's key"))
    for unknown in (foreign, "gen-" + "0" * 32, "nonsense"):
        assert client.get(f"{PAGE}{unknown}/").status_code == 404
    assert ids_on(client, id=foreign) == []
    assert ids_on(client) == []
    assert ids_on(client, key=APIKey.objects.get(name="Boris's key").hash) == []
    assert "Boris" not in client.get(PAGE).content.decode()


def test_a_key_that_no_text_can_name_is_an_unknown_one(client, key):
    a_request(key)
    assert client.get(PAGE, {"key": "\0"}).status_code == 200
    assert client.get("/cabinet/keys/a%00b/").status_code == 404


def test_the_pages_only_read(client, key):
    generation_id = a_request(key)
    before = list(Generation.objects.values())
    for path in (PAGE, f"{PAGE}{generation_id}/"):
        client.get(path)
        assert client.post(path).status_code == 405
    assert list(Generation.objects.values()) == before


def test_the_cost_is_told_line_by_line_and_adds_up(client, key):
    rates = price()
    parts = 1000 * rates.prompt_nano, 200 * rates.cached_nano, 50 * rates.completion_nano
    generation_id = a_request(
        key,
        cost_nano=sum(parts),
        tokens_prompt=1200,
        tokens_cached=200,
        tokens_completion=50,
    )
    page = page_of(client, generation_id)
    for amount_nano in (*parts, sum(parts), rates.prompt_nano, rates.cached_nano):
        assert roubles(amount_nano) in page
    assert "1,000</td>" in page
    assert "The tokens are the provider's own count." in page
    assert "written off" not in page
    assert "Above what was held" not in page


def test_a_cut_answer_says_what_was_not_charged(client, key):
    rates = price()
    full_nano = 10 * rates.prompt_nano + 100 * rates.completion_nano
    generation_id = a_request(
        key,
        cost_nano=full_nano - 7,
        is_cancelled=True,
        finish_reason="",
        tokens_prompt=10,
        tokens_completion=100,
        tokens_source="estimated",
    )
    page = page_of(client, generation_id)
    assert "Above what was held" in page
    assert f"−{roubles(7)}" in page
    assert roubles(full_nano - 7) in page
    assert "the tokens are an estimate" in page


def test_a_write_off_is_told(client):
    account = customer(client, roubles=1)
    key = a_key(account)
    a_request(key)
    hold = begin(principal_of(key), ago(seconds=1), CREDIT)
    rates = price()
    tokens = 2 * CREDIT // rates.prompt_nano
    facts = GenerationFacts(
        MODEL, provider="gigachat", tokens_prompt=tokens, price_id=rates.pk, finish_reason="stop"
    )
    settle([Settlement(hold, "finished", tokens * rates.prompt_nano, facts)])
    page = page_of(client, generations.public_id(hold.generation_id))
    assert "written off by us" in page
    assert f"−{roubles(tokens * rates.prompt_nano - CREDIT)}" in page
    assert f">{roubles(CREDIT)}</td>" in page


def test_the_route_and_the_changes_are_told_in_words(client, key):
    attempts = [
        {"provider": "yandexgpt", "model": "yandexgpt:latest", "outcome": "busy", "ms": 41},
        {"provider": "gigachat", "model": MODEL, "outcome": "answered", "ms": 1520},
    ]
    generation_id = a_request(
        key,
        attempts=attempts,
        adapted=["temperature=clamped", "logit_bias=ignored", "odd"],
        latency_ms=2345,
        time_to_first_token_ms=123,
        is_streamed=True,
        native_finish_reason="stop_native",
    )
    page = page_of(client, generation_id)
    for words in (
        "was busy: its own limit was reached",
        "41 ms",
        "1.52\N{NO-BREAK SPACE}s",
        "2.34\N{NO-BREAK SPACE}s",
        "to the first token 123 ms",
        "moved to the nearest value that the model takes",
        "left out, since the model does not know it",
        "the model finished its answer",
        "stop_native",
        "streamed",
        "Texts of requests and answers are not stored",
    ):
        assert words in page
    assert page.index("YandexGPT") < page.index("1.52\N{NO-BREAK SPACE}s")


def test_the_choice_of_candidates_is_told(client, key):
    routing = {
        "strategy": "price",
        "candidates": [
            {"provider": "gigachat", "model": MODEL, "reasons": ["the only route", XSS]}
        ],
        "left_out": [{"provider": "yandexgpt", "model": "yandexgpt:rc", "reason": "its breaker"}],
    }
    page = page_of(client, a_request(key, routing=routing))
    assert "the cheapest first" in page
    assert "the only route; " in page
    assert '<span lang="en">its breaker</span>' in page
    assert "<script>alert" not in page
    assert "How the candidates were chosen" not in page_of(client, a_request(key))


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"error_code": "timeout", "finish_reason": ""}, "silent for too long. It cost nothing."),
        ({"error_code": "process_lost", "finish_reason": ""}, "was lost. It cost nothing."),
        ({"finish_reason": "content_filter"}, "content filter stopped it"),
        ({"is_cancelled": True, "finish_reason": ""}, "Nothing had been sent"),
        ({"tokens_completion": 5}, "Free models cost nothing on the free tier"),
        ({"error_code": "never_heard_of"}, "never_heard_of"),
    ],
)
def test_a_request_that_cost_nothing_says_why(client, key, facts, text):
    assert text in page_of(client, a_request(key, **facts))


def test_a_test_keys_request_says_that_it_is_free(client):
    key = a_key(customer(client), is_test=True)
    page = page_of(client, a_request(key, tokens_completion=7))
    assert "It was sent with a test key" in page


def test_the_name_of_a_key_and_a_model_are_inert(client):
    key = a_key(customer(client), name=XSS)
    generation_id = a_request(key)
    Generation.objects.update(model_id=XSS, requested_model=XSS, provider=XSS, adapted=[XSS])
    for path in (PAGE, f"{PAGE}{generation_id}/"):
        page = client.get(path).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


def test_the_pages_are_in_both_languages(client, key):
    generation_id = a_request(
        key,
        cost_nano=CREDIT,
        tokens_prompt=10,
        attempts=[{"provider": "gigachat", "model": MODEL, "outcome": "busy", "ms": 1}],
        adapted=["top_p=clamped"],
        error_code="busy",
    )
    assert "Кого спрашивали" in page_of(client, generation_id, "ru")
    assert "был занят" in page_of(client, generation_id, "ru")
    for page in (
        page_of(client, generation_id),
        client.get(PAGE, headers=ENGLISH).content.decode(),
    ):
        assert set(CYRILLIC.findall(page)) <= {"Русский"}


def test_the_list_needs_few_queries(client, key, django_assert_max_num_queries):
    for number in range(51):
        a_request(key, at=ago(minutes=number + 1))
    client.get(PAGE)
    with django_assert_max_num_queries(13):
        client.get(PAGE)


def test_the_latest_are_those_of_one_account(key):
    mine = a_request(key)
    a_request(a_key(customer(Client(), BORIS)))
    found = generations.latest(key.account_id, Wanted(), most=10)
    assert [generations.public_id(record.id) for record in found] == [mine]
    assert found[0].credential == ("key", key.pk)
