"""The playground: its page, and who may run completions from it. tests/live has the answers."""

import json
import re

import pytest
from django.test import Client

from accounts import suspension
from accounts.models import Account
from billing.ledger import balances, ledger
from gateway.catalog import snapshot
from gateway.models import Route
from gateway.pipeline.admission.access import served_to
from tests.accounts.people import account_of
from tests.billing.visitors import text_of, visitor

pytestmark = pytest.mark.django_db

PAGE, COMPLETIONS = "/cabinet/playground/", "/cabinet/playground/completions"
BODY = {"model": "gigachat-basic", "messages": [{"role": "user", "content": "Привет"}]}
PLAN = "/cabinet/playground/plan"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def _nothing_is_remembered():
    snapshot.reset()
    balances.forget_all()


@pytest.fixture
def account() -> Account:
    return account_of()


@pytest.fixture
def client(account) -> Client:
    return visitor(account)


def setup_of(answer):
    """Return what the page tells its script."""
    found = re.search(
        r'<script id="playground-setup" type="application/json">(.*?)</script>',
        answer.content.decode(),
    )
    assert found
    return json.loads(found[1])


def ask(client, body=None, **headers):
    return client.post(
        COMPLETIONS, json.dumps(body or BODY), content_type="application/json", headers=headers
    )


def code_of(answer):
    return answer.status_code, answer.json()["error"]["code"]


def test_a_stranger_is_sent_to_log_in_and_comes_back_to_the_model():
    answer = Client().get(PAGE, {"model": "gigachat-pro"})
    assert answer.status_code == 302
    assert answer.headers["Location"] == (
        "/accounts/login/?next=/cabinet/playground/%3Fmodel%3Dgigachat-pro"
    )


def test_every_chat_model_is_offered_with_what_it_honours(client):
    answer = client.get(PAGE)
    models = {model["id"]: model for model in setup_of(answer)["models"]}
    served = served_to(None).models()
    assert set(models) == {model.id for model in served if model.kind == "chat"}
    assert models["gigachat-basic"]["is_free"] is True
    assert set(models["gigachat-basic"]["parameters"]) == {"temperature", "top_p", "max_tokens"}
    assert set(models["yandexgpt:latest"]["parameters"]) == {"temperature", "max_tokens"}
    assert models["yandexgpt:latest"]["parameters"]["temperature"]["max"] == 1
    for model in models.values():
        assert model["formats"] == ["text", "json_object", "json_schema"]
        assert model["has_tools"] is True


def test_a_model_without_tools_and_json_is_offered_neither(client):
    route = Route.objects.get(model__public_id="gigachat-pro")
    route.profile |= {"tools": "none", "json_schema": "none"}
    route.save()
    models = {model["id"]: model for model in setup_of(client.get(PAGE))["models"]}
    assert models["gigachat-pro"]["formats"] == ["text", "json_object"]
    assert models["gigachat-pro"]["has_tools"] is False


def test_the_examples_are_such_as_the_api_takes(account, client):
    ledger.top_up(account.pk, 10**9, payment_id="payment")
    examples = setup_of(client.get(PAGE))["examples"]
    wanted = {"name": "answer", "strict": True, "schema": examples["schema"]}
    body = BODY | {
        "tools": examples["tools"],
        "response_format": {"type": "json_schema", "json_schema": wanted},
    }
    planned = plan(client, body).json()["data"]
    assert planned["admitted"]
    assert [candidate["adapted"] for candidate in planned["candidates"]] == [[]]


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ("gigachat-pro", "gigachat-pro"),
        ("GigaChat/Pro", "gigachat-pro"),
        ("yandexgpt", "yandexgpt:latest"),
    ],
)
def test_a_link_names_the_model_by_any_of_its_names(client, asked, chosen):
    page = client.get(PAGE, {"model": asked}).content.decode()
    assert re.findall(r'<option value="([^"]+)" selected>', page) == [chosen]


@pytest.mark.parametrize("asked", ["gpt-5", SCRIPT, "text-embeddings", "x" * 5000])
def test_a_model_that_is_not_served_is_said_and_inert(client, asked):
    answer = client.get(PAGE, {"model": asked})
    assert "is not served. Choose another." in text_of(answer)
    assert " selected>" not in answer.content.decode()
    assert "<script>alert" not in answer.content.decode()


def test_the_page_says_that_it_needs_scripts(client):
    page = client.get(PAGE).content.decode()
    assert "<noscript>" in page
    assert re.search(r'<form id="playground"[^>]* hidden>', page)


@pytest.mark.parametrize(("balance_nano", "has_credits"), [(0, False), (1, True)])
def test_the_page_knows_whether_there_are_credits(account, client, balance_nano, has_credits):
    if balance_nano:
        ledger.top_up(account.pk, balance_nano, payment_id="payment")
    assert setup_of(client.get(PAGE))["hasCredits"] is has_credits


def test_its_script_speaks_the_language_of_the_reader(account):
    russian, english = (
        setup_of(visitor(account, language=name).get(PAGE))["words"] for name in ("ru", "en")
    )
    assert russian.keys() == english.keys()
    assert not any(re.search("[а-яё]", text, re.IGNORECASE) for text in english.values())
    assert [name for name, text in russian.items() if not re.search("[а-яё]", text)] == []


def test_a_completion_needs_a_person_who_is_logged_in():
    assert code_of(ask(Client())) == (401, "invalid_api_key")


def test_a_key_is_no_way_in():
    answer = ask(Client(), Authorization="Bearer xr-live-anything")
    assert code_of(answer) == (401, "invalid_api_key")


def test_a_completion_without_its_csrf_token_is_refused(account):
    strict = visitor(account, enforce_csrf_checks=True)
    assert ask(strict).status_code == 403
    strict.get(PAGE)
    token = strict.cookies["csrftoken"].value
    assert ask(strict, **{"X-CSRFToken": "x" * len(token)}).status_code == 403
    # Past the token, it is the request itself that is refused.
    assert code_of(ask(strict, {"model": "none"}, **{"X-CSRFToken": token})) == (
        400,
        "invalid_parameter",
    )


def test_no_other_origin_may_read_a_completion(client):
    answer = ask(client, {"model": "none"}, Origin="https://evil.example")
    assert not [name for name in answer.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("method", ["get", "put", "delete", "options"])
def test_a_completion_can_only_be_posted(client, method):
    assert getattr(client, method)(COMPLETIONS).status_code == 405


def test_a_suspended_account_runs_nothing(account, client):
    suspension.suspend(account=account, reason="spam")
    assert code_of(ask(client)) == (403, "account_suspended")
    assert client.get(PAGE).status_code == 200


def test_a_person_who_was_shut_out_runs_nothing(account, client):
    suspension.set_active(user=account.owner, is_active=False)
    assert code_of(ask(client)) == (401, "invalid_api_key")


def plan(client, body=None, **headers):
    sent = json.dumps(BODY if body is None else body)
    return client.post(PLAN, sent, content_type="application/json", headers=headers)


def test_the_price_of_a_message_is_known_before_it_is_sent(account, client):
    ledger.top_up(account.pk, 10**9, payment_id="payment")
    planned = plan(client, BODY | {"model": "gigachat-pro", "stream": True}).json()["data"]
    assert planned["admitted"]
    assert 0 < planned["candidates"][0]["cost"]["least"] < planned["candidates"][0]["cost"]["most"]


def test_a_price_is_told_to_who_has_no_credits_too(client):
    planned = plan(client, BODY | {"model": "gigachat-pro"}).json()["data"]
    assert planned["refusal"]["code"] == "insufficient_credits"
    assert planned["candidates"][0]["cost"]["most"] > 0


def test_a_plan_is_for_the_page_of_a_person_alone(account, client):
    assert code_of(plan(Client())) == (401, "invalid_api_key")
    assert code_of(plan(Client(), Authorization="Bearer xr-live-anything"))[0] == 401
    assert plan(visitor(account, enforce_csrf_checks=True)).status_code == 403
    answer = plan(client, Origin="https://evil.example")
    assert not [name for name in answer.headers if name.startswith("Access-Control")]
    assert client.get(PLAN).status_code == 405


MARKDOWN = "/cabinet/playground/markdown"


def test_an_answer_is_rendered_for_a_person_alone(account, client):
    assert client.post(MARKDOWN, {"text": "*Hi*"}).content == b"<p><em>Hi</em></p>\n"
    assert client.post(MARKDOWN, {"text": "x" * 100_001}).status_code == 413
    assert Client().post(MARKDOWN, {"text": "*Hi*"}).status_code == 302
    assert visitor(account, enforce_csrf_checks=True).post(MARKDOWN).status_code == 403
    assert client.get(MARKDOWN).status_code == 405


def test_a_paid_model_needs_credits(client):
    assert code_of(ask(client, BODY | {"model": "gigachat-pro"})) == (402, "insufficient_credits")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"model": "gpt-5"}, (404, "model_not_found")),
        ({"messages": []}, (400, "invalid_parameter")),
        ({"temperature": 5}, (400, "invalid_parameter")),
    ],
)
def test_what_is_wrong_is_said_as_the_api_says_it(account, client, change, code):
    ledger.top_up(account.pk, 10**9, payment_id="payment")
    assert code_of(ask(client, BODY | change)) == code


def test_every_refusal_of_the_api_has_words(client):
    words = setup_of(client.get(PAGE))["words"]
    codes = {
        *("invalid_request", "invalid_parameter", "unsupported_content", "request_too_large"),
        *("context_length_exceeded", "model_not_found", "invalid_api_key", "account_suspended"),
        *("insufficient_credits", "content_filter", "rate_limit_exceeded", "provider_busy"),
        *("concurrency_limit_exceeded", "provider_error", "provider_timeout", "overloaded"),
        *("no_provider_available", "service_unavailable", "unknown"),
    }
    assert codes <= {name.removeprefix("error.") for name in words}
