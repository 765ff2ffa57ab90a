"""POST /v1/plan: who would be asked, for how much, or which error; nothing is run, counted or charged."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import orjson
import pytest
from django.conf import LazySettings
from django.test import Client

from accounts.models import APIKey
from accounts.principal import UNLIMITED, KeyRate
from billing.ledger import balances, ledger
from billing.ledger.process_heartbeat import heartbeat
from billing.limits import request_limits
from billing.models import Generation, Hold, LedgerEntry, Price, RequestCount
from gateway import upstreams
from gateway.catalog import snapshot
from infra.credits import NANO_PER_CREDIT
from sandbox.server import Sandbox
from tests.accounts.people import new_key
from tests.api.documented import check

pytestmark = [
    pytest.mark.both_stores,
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:No directory at:UserWarning"),
]
JSON = dict[str, Any]
HELLO = [{"role": "user", "content": "Назови столицу Армении."}]
CHAT: JSON = {"model": "gigachat-2-pro", "messages": HELLO}
NANO = Decimal(10) ** -9


@pytest.fixture
def sandbox(transactional_db: None) -> Iterator[Sandbox]:
    snapshot.reset()
    balances.forget_all()
    sandbox = upstreams.sandbox()
    sandbox.requests.clear()
    yield sandbox
    sandbox.faults.clear()
    heartbeat.stop()  # its thread would go to the database of other tests


def rich_key(roubles: int | Decimal = 100, **options: Any) -> tuple[APIKey, str]:
    key, raw = new_key(**options)
    if roubles:
        nano = int(roubles * NANO_PER_CREDIT)
        ledger.top_up(key.account_id, nano, payment_id=f"payment {key.pk}")
    balances.forget_all()
    return key, raw


def post(raw: str, path: str, body: object, **headers: str) -> Any:
    sent = body if isinstance(body, bytes) else orjson.dumps(body)
    headers = {"authorization": f"Bearer {raw}", **headers}
    return Client().post(path, sent, "application/json", headers=headers)


def plan(raw: str, body: JSON, **headers: str) -> JSON:
    """Return the plan, its money as Decimal."""
    answer = post(raw, "/v1/plan", body, **headers)
    assert answer.status_code == 200, answer.content
    check(answer.json(), "Plan")
    data: JSON = json.loads(answer.content, parse_float=Decimal)["data"]
    assert data["admitted"] is (data["refusal"] is None)
    return data


def price_of(model: str) -> Price:
    return Price.objects.filter(model_id=model).latest("valid_from")


@pytest.mark.parametrize("model", ["gigachat-2-pro", "yandexgpt"])
def test_the_plan_is_what_then_happens(sandbox: Sandbox, model: str) -> None:
    raw = rich_key()[1]
    body = CHAT | {"model": model, "max_tokens": 300, "temperature": 2, "seed": 7, "foo": 1}
    body |= {"models": ["none-such"], "provider": {"ignore": ["nobody"]}}

    planned = plan(raw, body)
    answer = post(raw, "/v1/chat/completions", body)

    [candidate] = planned["candidates"]
    assert planned["admitted"]
    assert (candidate["model"], candidate["provider"]) == (
        answer.json()["model"],
        answer.json()["provider"],
    )
    assert ", ".join(candidate["adapted"]) == answer.headers["X-XRouter-Adapted"]
    assert {"models[0]=ignored", "provider.ignore[0]=ignored"} <= set(candidate["adapted"])
    cost = Decimal(str(answer.json()["usage"]["cost"]))
    assert candidate["cost"]["least"] <= cost <= candidate["cost"]["most"]
    told = generation(raw, answer.json()["id"])
    [routed] = told["routing"]["candidates"]
    assert routed["reasons"] == candidate["reasons"]
    assert told["adapted"] == candidate["adapted"]
    assert candidate["max_tokens"] == 300


def generation(raw: str, identity: str) -> JSON:
    headers = {"authorization": f"Bearer {raw}"}
    data: JSON = Client().get(f"/v1/generation?id={identity}", headers=headers).json()["data"]
    return data


@pytest.mark.parametrize("model", ["gigachat-2-pro", "yandexgpt:latest"])
def test_the_least_is_a_cached_prompt_and_one_token(sandbox: Sandbox, model: str) -> None:
    [candidate] = plan(rich_key()[1], CHAT | {"model": model})["candidates"]

    price = price_of(model)
    least = candidate["tokens_prompt"] * price.cached_nano + price.completion_nano
    assert candidate["cost"]["least"] == least * NANO


def test_the_most_is_what_is_held(sandbox: Sandbox) -> None:
    raw = rich_key()[1]
    planned = plan(raw, CHAT | {"max_tokens": 500})
    answer = post(raw, "/v1/chat/completions", CHAT | {"max_tokens": 500, "stream": True})
    held_nano = Hold.objects.values_list("amount_nano", flat=True).get()
    assert answer.getvalue()

    assert planned["candidates"][0]["cost"]["most"] == held_nano * NANO


def test_the_plan_of_several_choices_is_that_of_all(sandbox: Sandbox) -> None:
    raw = rich_key()[1]
    [one] = plan(raw, CHAT | {"max_tokens": 50})["candidates"]
    [three] = plan(raw, CHAT | {"max_tokens": 50, "n": 3})["candidates"]

    assert three["adapted"] == []
    assert three["max_tokens"] == 50
    assert three["tokens_prompt"] == 3 * one["tokens_prompt"]
    for bound in ("least", "most"):
        assert three["cost"][bound] == 3 * one["cost"][bound]


def test_what_the_balance_does_not_reach_is_planned_shorter(sandbox: Sandbox) -> None:
    raw = rich_key(Decimal("0.05"))[1]

    [candidate] = plan(raw, CHAT)["candidates"]

    assert candidate["cost"]["most"] == Decimal("0.05")
    assert 0 < candidate["max_tokens"] < 100
    post(raw, "/v1/chat/completions", CHAT)
    [asked] = sandbox.requests.of("gigachat", "completions")
    assert asked.body["max_tokens"] == candidate["max_tokens"]


def test_nothing_is_run_counted_held_or_written(sandbox: Sandbox) -> None:
    key, raw = rich_key()
    entries = LedgerEntry.objects.count()

    for body in (CHAT, CHAT | {"stream": True}, {}, CHAT | {"model": "nobody"}):
        plan(raw, body)

    assert len(sandbox.requests) == 0
    assert LedgerEntry.objects.count() == entries
    assert not Hold.objects.exists()
    assert not Generation.objects.exists()
    [counted] = RequestCount.objects.values_list("owner", "day_requests")
    assert counted == (f"plan:{key.account_id}", 0)  # by the limit of plans alone
    tier = request_limits.tier_of(100 * NANO_PER_CREDIT)
    admission = request_limits.admit(key.account_id, key.pk, tier, UNLIMITED, "lease")
    assert admission.remaining == admission.limit - 1
    admission.release()


def test_who_is_not_asked_is_skipped_with_the_reason(sandbox: Sandbox) -> None:
    body = CHAT | {"models": ["yandexgpt"], "provider": {"ignore": ["yandexgpt"]}}

    planned = plan(rich_key()[1], body)

    assert [candidate["provider"] for candidate in planned["candidates"]] == ["gigachat"]
    assert planned["skipped"] == [
        {
            "model": "yandexgpt:latest",
            "provider": "yandexgpt",
            "reason": "only, ignore or order leave its provider out",
        }
    ]


def test_a_test_key_pays_nothing(sandbox: Sandbox) -> None:
    raw = new_key(is_test=True)[1]

    [candidate] = plan(raw, CHAT)["candidates"]

    assert candidate["cost"] == {"least": 0, "most": 0}


def test_a_free_model_on_the_free_tier_costs_nothing(sandbox: Sandbox) -> None:
    planned = plan(rich_key(0)[1], CHAT | {"model": "gigachat-basic"})

    assert planned["admitted"]
    assert planned["candidates"][0]["cost"] == {"least": 0, "most": 0}


LONG = [{"role": "user", "content": "слово " * 200_000}]
FORBIDDEN = [{"role": "user", "content": "xrouter-moderation-test"}]
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}


@pytest.mark.parametrize(
    ("body", "headers", "count"),
    [
        ({}, {}, 0),
        ({"model": "gigachat-2"}, {}, 0),
        ({"messages": HELLO}, {}, 0),
        (CHAT | {"temperature": "hot"}, {}, 0),
        (CHAT | {"metadata": {"a": 1}}, {}, 0),
        (CHAT | {"model": "gpt-9"}, {}, 0),
        (CHAT | {"model": "embeddings"}, {}, 0),
        (CHAT | {"messages": LONG}, {}, 0),
        (CHAT | {"model": "gpt-9"}, {"accept-language": "ru"}, 0),
        (CHAT | {"foo": 1}, {"x-xrouter-strict": "true"}, 0),
        (CHAT | {"models": ["nope"]}, {"x-xrouter-strict": "true"}, 0),
        (CHAT | {"provider": {"order": ["nobody"]}}, {"x-xrouter-strict": "true"}, 0),
        (CHAT | {"provider": {"only": ["nobody"]}}, {}, 0),
        (CHAT | {"provider": {"data_collection": "deny"}}, {}, 0),
        (
            CHAT | {"model": "yandexgpt", "messages": [{"role": "user", "content": [PICTURE]}]},
            {},
            0,
        ),
        (CHAT | {"messages": [{"role": "user", "content": [PICTURE] * 11}]}, {}, 0),
        (
            CHAT
            | {
                "messages": [{"role": "user", "content": [PICTURE] * 6}] * 2,
                "model": "gigachat-2-max",
            },
            {"x-xrouter-strict": "true"},
            0,
        ),
        (CHAT | {"model": "yandexgpt", "messages": [{"role": "user", "content": " "}]}, {}, 0),
        (CHAT | {"messages": FORBIDDEN}, {}, 1),
    ],
)
def test_a_refusal_is_the_one_that_the_request_would_get(
    sandbox: Sandbox, body: JSON, headers: dict[str, str], count: int
) -> None:
    raw = rich_key()[1]

    planned = plan(raw, body, **headers)
    answer = post(raw, "/v1/chat/completions", body, **headers)

    assert answer.status_code >= 400
    error = answer.json()["error"]
    assert planned["refusal"] == {name: error[name] for name in planned["refusal"]}
    assert set(planned["refusal"]) == {"message", "type", "param", "code"}
    assert len(planned["candidates"]) == count


def test_no_credits_is_a_refusal_with_the_price(sandbox: Sandbox) -> None:
    raw = rich_key(0)[1]

    planned = plan(raw, CHAT)

    answer = post(raw, "/v1/chat/completions", CHAT)
    assert answer.status_code == 402
    assert planned["refusal"]["code"] == answer.json()["error"]["code"] == "insufficient_credits"
    assert planned["candidates"][0]["cost"]["most"] > 0


def test_too_little_is_a_refusal_with_the_price(sandbox: Sandbox) -> None:
    raw = rich_key(Decimal("0.000001"))[1]

    planned = plan(raw, CHAT)

    error = post(raw, "/v1/chat/completions", CHAT).json()["error"]
    assert planned["refusal"]["message"] == error["message"]
    assert planned["refusal"]["type"] == "insufficient_quota"
    assert planned["candidates"][0]["cost"]["most"] > Decimal("0.000001")


def test_the_budget_of_the_key_is_looked_at(sandbox: Sandbox) -> None:
    raw = rich_key(limit_nano=1000, limit_reset="daily")[1]

    planned = plan(raw, CHAT)

    error = post(raw, "/v1/chat/completions", CHAT).json()["error"]
    assert planned["refusal"]["code"] == error["code"] == "key_limit_reached"
    assert planned["refusal"]["message"] == error["message"]
    assert plan(rich_key(limit_nano=10**10, limit_reset="daily")[1], CHAT)["admitted"]


def test_the_models_of_the_key_are_looked_at(sandbox: Sandbox) -> None:
    raw = rich_key(allowed_models=["gigachat-basic"])[1]

    assert plan(raw, CHAT)["refusal"]["code"] == "model_not_allowed"


@pytest.fixture(params=["embedded", "redis"])
def _store(request: pytest.FixtureRequest, settings: LazySettings, redis_url: str) -> None:
    settings.REDIS_URL = redis_url if request.param == "redis" else ""


@pytest.mark.usefixtures("_store")
def test_a_limit_that_is_used_up_is_a_refusal(sandbox: Sandbox) -> None:
    raw = rich_key(0, rate=KeyRate(requests=1, window_s=60))[1]
    body = CHAT | {"model": "gigachat-basic"}
    assert plan(raw, body)["admitted"]
    assert post(raw, "/v1/chat/completions", body).status_code == 200

    planned = plan(raw, body)

    assert planned["refusal"]["code"] == "rate_limit_exceeded"
    assert planned["refusal"]["type"] == "rate_limit_error"
    assert len(planned["candidates"]) == 1


@pytest.mark.usefixtures("_store")
def test_the_days_last_request_is_foreseen(sandbox: Sandbox) -> None:
    key, raw = rich_key(0)
    body = CHAT | {"model": "gigachat-basic"}
    post(raw, "/v1/chat/completions", body)
    RequestCount.objects.filter(owner=f"account:{key.account_id}").update(day_requests=200)

    assert "200" in plan(raw, body)["refusal"]["message"]


@pytest.mark.usefixtures("_store")
def test_an_account_has_sixty_plans_a_minute_apart_from_all_else(sandbox: Sandbox) -> None:
    raw = rich_key()[1]
    other = rich_key(0, email="other@example.ru")[1]
    answers = [post(raw, "/v1/plan", {}) for _ in range(61)]

    assert [answer.status_code for answer in answers] == [200] * 60 + [429]
    refused = answers[-1].json()["error"]
    assert refused["code"] == "rate_limit_exceeded"
    assert refused["metadata"] == {"limit_source": "plan", "limit": 60}
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert answers[0].headers["x-ratelimit-remaining-requests"] == "59"
    assert post(raw, "/v1/chat/completions", CHAT).status_code == 200
    assert post(other, "/v1/plan", {}).status_code == 200


def test_what_is_no_json_object_is_an_error_and_counts_nothing(sandbox: Sandbox) -> None:
    raw = rich_key()[1]

    assert post(raw, "/v1/plan", b"{").json()["error"]["code"] == "invalid_json"
    assert post(raw, "/v1/plan", []).status_code == 400
    assert post(raw, "/v1/plan", {}).headers["x-ratelimit-remaining-requests"] == "59"


def test_money_is_printed_to_the_last_digit(sandbox: Sandbox) -> None:
    raw = rich_key()[1]

    text = post(raw, "/v1/plan", CHAT | {"max_tokens": 7}).content.decode()

    most = plan(raw, CHAT | {"max_tokens": 7})["candidates"][0]["cost"]["most"]
    assert f'"most":{most}' in text
    assert "e-" not in text.lower()
