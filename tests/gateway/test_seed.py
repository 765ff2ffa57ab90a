"""The seed: whole, valid, and blind to what an operator has edited."""

from collections.abc import Mapping
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.forms.models import model_to_dict
from django.utils import timezone
from pytest_django import Settings

from billing.models import Price, UpstreamPrice
from gateway.catalog.seed import seed_catalogue
from gateway.models import Alias, LanguageModel, Route

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]

Rows = list[Mapping[str, object]]


@pytest.fixture(autouse=True)
def seeded() -> None:
    seed_catalogue()


def everything() -> list[Rows]:
    tables = (LanguageModel, Alias, Route, Price, UpstreamPrice)
    return [list(table._default_manager.order_by("pk").values()) for table in tables]


def test_running_it_again_changes_nothing() -> None:
    before = everything()

    seed_catalogue()

    assert everything() == before


def test_what_an_operator_edited_stays() -> None:
    LanguageModel.objects.filter(public_id="gigachat-pro").update(
        name="Ours", enabled=False, is_free=True, context_tokens=1
    )
    Route.objects.filter(model__public_id="gigachat-pro").update(
        upstream_id="GigaChat-4", profile={}
    )
    Price.objects.filter(model_id="gigachat-pro").update(prompt_nano=1, valid_from=timezone.now())
    UpstreamPrice.objects.filter(upstream_id="GigaChat-2-Pro").update(completion_nano=1)
    Alias.objects.filter(name="gigachat/pro").update(
        model=LanguageModel.objects.get(public_id="gigachat-2-max")
    )
    before = everything()

    seed_catalogue()

    assert everything() == before


def test_what_is_missing_is_made_again() -> None:
    before = [len(rows) for rows in everything()]
    LanguageModel.objects.filter(public_id__startswith="gigachat").delete()
    Price.objects.filter(model_id="yandexgpt:rc").delete()
    UpstreamPrice.objects.filter(provider="yandexgpt").delete()

    seed_catalogue()

    assert [len(rows) for rows in everything()] == before


def test_a_name_an_operator_gave_away_stays_with_its_owner() -> None:
    LanguageModel.objects.filter(public_id="gigachat-pro").delete()
    max_model = LanguageModel.objects.get(public_id="gigachat-2-max")
    Alias.objects.create(name="gigachat-pro", model=max_model)

    seed_catalogue()

    assert Alias.objects.get(name="gigachat-pro").model == max_model
    assert not LanguageModel.objects.filter(public_id="gigachat-pro").exists()


def test_every_row_passes_the_admins_own_validation() -> None:
    for row in (*LanguageModel.objects.all(), *Alias.objects.all(), *Route.objects.all()):
        row.full_clean()


def test_prices_are_the_list_prices_in_nano_credits_per_token() -> None:
    def price(model_id: str) -> tuple[int, int, int]:
        row = Price.objects.get(model_id=model_id)
        return row.prompt_nano, row.completion_nano, row.cached_nano

    assert price("gigachat-basic") == (65_000, 65_000, 0)
    assert price("gigachat-2-max") == (650_000, 650_000, 0)
    assert price("yandexgpt:rc") == (800_000, 800_000, 800_000)
    assert price("aliceai-llm") == (500_000, 1_200_000, 500_000)
    assert price("text-search-doc") == (10_000, 0, 10_000)


def test_without_a_margin_callers_pay_what_the_dearest_route_costs_us() -> None:
    for price in Price.objects.all():
        costs = [
            UpstreamPrice.objects.get(provider=route.provider, upstream_id=route.upstream_id)
            for route in Route.objects.filter(model__public_id=price.model_id)
        ]
        assert price.valid_from == max(cost.valid_from for cost in costs)
        for kind in ("prompt_nano", "completion_nano", "cached_nano"):
            assert getattr(price, kind) == max(getattr(cost, kind) for cost in costs), price


def test_each_price_says_where_it_was_read() -> None:
    assert not UpstreamPrice.objects.filter(source="").exists()


def test_what_is_not_offered_says_what_it_waits_for_and_nothing_else_does() -> None:
    for model in LanguageModel.objects.all():
        assert bool(model.waits_for) is not model.enabled, model


def test_former_names_and_ended_models_name_a_served_successor() -> None:
    for model in LanguageModel.objects.filter(status__in=("legacy", "ended")):
        successor = LanguageModel.objects.get(public_id=model.successor)
        assert successor.enabled, model
        assert successor.status in ("current", "preview"), model


def test_a_margin_is_on_what_callers_pay_alone_and_rounded_up(settings: Settings) -> None:
    before = list(UpstreamPrice.objects.values_list("upstream_id", "prompt_nano"))
    Price.objects.all().delete()
    UpstreamPrice.objects.all().delete()
    settings.PRICE_MARGIN_PERCENT = Decimal("12.34567")

    seed_catalogue()

    price = Price.objects.get(model_id="gigachat-2")
    assert (price.prompt_nano, price.completion_nano, price.cached_nano) == (73_025, 73_025, 0)
    assert list(UpstreamPrice.objects.values_list("upstream_id", "prompt_nano")) == before


def test_a_model_of_unknown_cost_waits_for_an_operator() -> None:
    known = set(UpstreamPrice.objects.values_list("provider", "upstream_id"))
    for route in Route.objects.select_related("model"):
        if (route.provider, route.upstream_id) not in known:
            assert not route.model.enabled, route


def test_two_models_are_free_and_no_others() -> None:
    free = LanguageModel.objects.filter(is_free=True).values_list("public_id", flat=True)

    assert set(free) == {"gigachat-basic", "yandexgpt-lite:latest"}


def test_every_offered_model_has_a_route_and_a_price_but_auto() -> None:
    for model in LanguageModel.objects.filter(enabled=True, is_auto=False):
        assert model.routes.filter(enabled=True).exists(), model
        assert Price.objects.filter(model_id=model.public_id).exists(), model
    assert LanguageModel.objects.get(is_auto=True).public_id == "xrouter/auto"


@pytest.mark.parametrize(
    "profile",
    [
        [],
        {"tools": True},
        {"vision": True},
        {"images": "yes"},
        {"context_tokens": -1},
        {"parameters": []},
        {"parameters": {"warmth": {}}},
        {"parameters": {"top_p": {"lowest": 0}}},
        {"parameters": {"top_p": {"minimum": "0"}}},
        {"parameters": {"top_p": {"minimum": 1, "maximum": 0}}},
        {"parameters": {"top_p": {"default": [1]}}},
        {"parameters": {"reasoning_effort": {"choices": "low"}}},
    ],
)
def test_a_profile_that_cannot_be_read_is_refused_by_the_admin(profile: object) -> None:
    route = Route.objects.get(model__public_id="gigachat-pro")
    route.profile = profile

    with pytest.raises(ValidationError) as refusal:
        route.full_clean()
    assert set(refusal.value.message_dict) == {"profile"}


def test_an_alias_cannot_hide_a_model_nor_a_model_an_alias() -> None:
    model = LanguageModel.objects.get(public_id="gigachat-pro")
    with pytest.raises(ValidationError):
        Alias(name="gigachat-2", model=model).full_clean()
    twin = model_to_dict(model, exclude=["id", "public_id"])
    with pytest.raises(ValidationError):
        LanguageModel(public_id="gigachat/max", **twin).full_clean()


@pytest.mark.parametrize(
    ("model_id", "change"),
    [
        ("gigachat-pro", {"public_id": "GigaChat-Pro"}),
        ("gigachat-pro", {"public_id": ""}),
        ("gigachat-pro", {"public_id": "gigachat-2"}),
        ("gigachat-pro", {"kind": "images"}),
        ("gigachat-pro", {"context_tokens": 0}),
        ("gigachat-pro", {"max_output_tokens": 0}),
        ("xrouter/auto", {"is_free": True}),
    ],
)
def test_the_database_refuses_what_a_model_cannot_be(
    model_id: str, change: dict[str, object]
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        LanguageModel.objects.filter(public_id=model_id).update(**change)


@pytest.mark.parametrize("change", [{"provider": "GigaChat"}, {"upstream_id": ""}, {"weight": 0}])
def test_the_database_refuses_what_a_route_cannot_be(change: dict[str, object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Route.objects.filter(model__public_id="gigachat-pro").update(**change)
