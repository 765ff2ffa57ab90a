"""What an answer costs us: its tokens at the route's own price, and nothing said where nothing is known."""

from typing import Any

import pytest

from billing.ledger.charges import ChargeRule
from billing.pricing import PriceValue
from gateway.catalog.snapshot import CatalogModel, CatalogRoute
from gateway.pipeline.candidate import Candidate
from gateway.pipeline.execution import record
from gateway.pipeline.execution.stream import Report
from gateway.providers.chat_types import ChatRequest, FinishReason, Message, Usage
from gateway.providers.errors import ProviderUnavailable
from gateway.providers.profile import ModelProfile
from infra.credits import MAX_AMOUNT_NANO

OURS = PriceValue(1, 500, 700, 300)
THEIRS = PriceValue(2, 50, 70, 3)
USAGE = Usage(30, 7, cached_tokens=10)
COST = 20 * 50 + 10 * 3 + 7 * 70


def _report(
    rule: ChargeRule,
    finish: FinishReason | None,
    *,
    usage: Usage = USAGE,
    upstream_price: PriceValue | None = THEIRS,
    failure: Exception | None = None,
) -> Report:
    profile = ModelProfile(context_tokens=1000, max_output_tokens=100)
    route = CatalogRoute("gigachat", "Giga", 0, 1, profile, upstream_price)
    words: dict[str, Any] = dict.fromkeys(("name", "description", "description_en", "owned_by"), "")
    model = CatalogModel(
        id="giga",
        kind="chat",
        created=0,
        context_tokens=1000,
        max_output_tokens=100,
        is_free=True,
        is_auto=False,
        price=OURS,
        routes=(route,),
        **words,
    )
    return Report(
        candidate=Candidate(model, route, OURS, ChatRequest((Message("user", "Привет"),)), ()),
        rule=rule,
        usage=usage,
        finish_reason=finish,
        native_finish_reason=None,
        is_cancelled=finish is None and failure is None,
        is_rewritten=False,
        has_invalid_calls=False,
        failure=failure,
        attempts=(),
        latency_ms=1,
        time_to_first_token_ms=None,
    )


def _cost(report: Report) -> int | None:
    return record.facts(report, is_streamed=False, ignored=()).upstream_cost_nano


@pytest.mark.parametrize(
    ("rule", "finish"), [("finished", "stop"), ("cut", None), ("cut", "length"), ("void", "stop")]
)
def test_an_answer_costs_its_tokens_whatever_its_caller_pays(
    rule: ChargeRule, finish: FinishReason | None
) -> None:
    assert _cost(_report(rule, finish)) == COST


def test_what_a_filtered_answer_costs_is_not_known() -> None:
    assert _cost(_report("void", "content_filter")) is None


@pytest.mark.parametrize("failure", [None, ProviderUnavailable("away", provider="gigachat")])
def test_what_no_answer_costs_is_not_known(failure: Exception | None) -> None:
    assert _cost(_report("void", None, usage=Usage(0, 0), failure=failure)) is None


def test_without_a_price_the_cost_is_not_known() -> None:
    assert _cost(_report("finished", "stop", upstream_price=None)) is None


def test_a_cost_that_no_amount_can_be_is_not_kept() -> None:
    most = PriceValue(3, MAX_AMOUNT_NANO, 0, 0)

    assert _cost(_report("finished", "stop", usage=Usage(1, 9), upstream_price=most)) == 10**18
    assert _cost(_report("finished", "stop", usage=Usage(2, 0), upstream_price=most)) is None
