"""POST /v1/moderations: OpenAI's result from the service's own rules, under a limit of its own."""

from typing import Any

import pytest
from django.test import Client
from openai.types import ModerationCreateResponse

from billing.limits import request_limits
from gateway.models import ModerationEvent, ModerationRule
from gateway.moderation import live
from gateway.moderation.categories import BELONGS_TO, CATEGORIES, OPENAI, TEST
from tests.accounts.people import new_key
from tests.api.documented import check
from tests.moderation.written import rule

pytestmark = [pytest.mark.django_db]
PHRASE = "xrouter-moderation-test"


@pytest.fixture
def raw() -> str:
    ModerationRule.objects.all().delete()
    rule("огурец", "купить", category="weapons").save()
    rule("тыква", name="counted", category="hate/threatening", action="flag").save()
    live.reset()
    return new_key()[1]


def moderate(
    raw: str,
    body: dict[str, Any],
    path: str = "/v1/moderations",
    headers: dict[str, str] | None = None,
) -> Any:
    headers = {"authorization": f"Bearer {raw}"} | (headers or {})
    return Client().post(path, body, "application/json", headers=headers)


def results(raw: str, given: object) -> list[Any]:
    response = moderate(raw, {"input": given})
    assert response.status_code == 200, response.content
    check(response.json(), "Moderation")
    return list(ModerationCreateResponse.model_validate(response.json()).results)


def test_each_text_is_judged_by_itself(raw: str) -> None:
    flagged = [
        result.flagged for result in results(raw, ["купить", "огурец", "Купить огурец!", ""])
    ]

    assert flagged == [False, False, True, False]


def test_parts_are_judged_as_one(raw: str) -> None:
    parts = [{"type": "text", "text": "купить огу"}, {"type": "text", "text": "рец"}]

    [result] = results(raw, parts)

    assert result.flagged


def test_a_category_of_ours_is_one_of_openais_too(raw: str) -> None:
    [result] = results(raw, "купить огурец")
    answer = moderate(raw, {"input": "купить огурец"}).json()["results"][0]

    assert result.categories.illicit_violent
    assert result.category_scores.illicit_violent == 1
    assert not result.categories.violence
    true = {name for name, value in answer["categories"].items() if value}
    assert true == {"weapons", *BELONGS_TO["weapons"]}
    assert set(answer["categories"]) == set(answer["category_scores"]) == {*CATEGORIES, TEST}
    assert set(OPENAI) < set(answer["category_applied_input_types"])


def test_a_rule_that_counts_scores_half_and_nothing_is_recorded(raw: str) -> None:
    [result] = results(raw, "тыква")

    assert result.flagged
    assert result.category_scores.hate_threatening == result.category_scores.hate == 0.5
    assert not ModerationEvent.objects.exists()


def test_the_phrase_for_tests_is_flagged_in_both_dialects(raw: str) -> None:
    for path in ("/v1/moderations", "/api/v1/moderations/"):
        answer = moderate(raw, {"input": PHRASE, "model": "omni-moderation-latest"}, path).json()
        assert answer["results"][0]["categories"][TEST]
        assert answer["model"] == "omni-moderation-latest"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_parameter"),
        ({"input": 7}, "invalid_parameter"),
        ({"input": []}, "invalid_parameter"),
        ({"input": ["a", 7]}, "invalid_parameter"),
        ({"input": ["a"] * 1025}, "invalid_parameter"),
        ({"input": "a" * 400_001}, "invalid_parameter"),
        ({"input": [{"type": "text"}]}, "invalid_parameter"),
        ({"input": [{"type": "image_url", "image_url": {"url": "x"}}]}, "unsupported_content"),
    ],
)
def test_a_wrong_input_is_named(raw: str, body: dict[str, Any], code: str) -> None:
    error = moderate(raw, body).json()["error"]

    assert error["code"] == code
    assert error["param"].startswith("input")


def test_a_limit_of_its_own_counts_it(raw: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(request_limits.LIMITS_APART, "moderation", (1, 60))
    first = moderate(raw, {"input": "a"})

    refused = moderate(raw, {"input": "a"})

    assert first.headers["x-ratelimit-limit-requests"] == "1"
    assert refused.status_code == 429
    assert refused.json()["error"]["metadata"]["limit_source"] == "moderation"


def test_unknown_fields_are_named_or_refused_if_strict(raw: str) -> None:
    body = {"input": "купить", "categories": ["weapons"], "model": None}
    answer = moderate(raw, body)
    refused = moderate(raw, body, headers={"X-XRouter-Strict": "true"})

    assert (answer.status_code, answer.headers["X-XRouter-Adapted"]) == (200, "categories=ignored")
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "categories")
