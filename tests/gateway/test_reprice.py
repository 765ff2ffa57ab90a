"""New prices from a margin: dated for every model, never over history, and seen by who serves."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from billing.models import Price, UpstreamPrice
from billing.pricing import PriceValue
from gateway.catalog.snapshot import LiveCatalogue
from gateway.models import LanguageModel, Route

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


def reprice(*arguments: str) -> tuple[list[str], str]:
    """Return the models that were repriced, and what was said of the others."""
    out, err = io.StringIO(), io.StringIO()
    call_command("reprice", *arguments, stdout=out, stderr=err)
    return out.getvalue().split(), err.getvalue()


def price_of(model_id: str) -> PriceValue | None:
    model = LiveCatalogue().current().resolve(model_id)
    assert model is not None
    return model.price


def prompt_nano(model_id: str) -> int:
    price = price_of(model_id)
    assert price is not None
    return price.prompt_nano


def date_upstream(upstream_id: str, prompt_nano: int, days: float = 0) -> None:
    UpstreamPrice.objects.create(
        provider="gigachat",
        upstream_id=upstream_id,
        valid_from=timezone.now() + timedelta(days=days),
        prompt_nano=prompt_nano,
        completion_nano=1,
        cached_nano=0,
    )


def test_every_model_of_known_cost_gets_the_margin_at_once() -> None:
    history = list(Price.objects.order_by("pk").values())

    changed, _ = reprice("--margin", "20")

    assert set(changed) == set(Price.objects.values_list("model_id", flat=True))
    assert prompt_nano("gigachat-pro") == 600_000
    assert prompt_nano("embeddings") == 78_000
    assert list(Price.objects.order_by("pk").values())[: len(history)] == history


def test_doing_it_twice_is_doing_it_once() -> None:
    reprice("--margin", "7.5")
    rows = list(Price.objects.order_by("pk").values())

    assert reprice("--margin", "7.5")[0] == []
    assert list(Price.objects.order_by("pk").values()) == rows


def test_the_margin_of_the_seed_is_in_force_already() -> None:
    assert reprice("--margin", "0")[0] == []


def test_a_day_to_come_changes_nothing_before_it_and_may_be_thought_over() -> None:
    count = Price.objects.count()
    day = (timezone.localtime() + timedelta(days=3)).date()

    reprice("--margin", "50", "--from", str(day))
    reprice("--margin", "40", "--from", str(day))

    assert prompt_nano("gigachat-pro") == 500_000
    assert Price.objects.count() == 2 * count
    later = LiveCatalogue(now=lambda: timezone.now() + timedelta(days=4)).current()
    model = later.resolve("gigachat-pro")
    assert model is not None
    assert model.price is not None
    assert model.price.prompt_nano == 700_000
    begins = Price.objects.filter(model_id="gigachat-pro").latest("valid_from").valid_from
    assert timezone.localtime(begins).isoformat() == f"{day}T00:00:00+03:00"


def test_the_cost_of_that_day_counts_not_todays() -> None:
    date_upstream("GigaChat-2-Pro", 900_000, days=1)
    day = (timezone.localtime() + timedelta(days=3)).date()

    changed, _ = reprice("--margin", "0", "--from", str(day))

    assert changed == ["gigachat-2-pro", "gigachat-pro"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--margin", "-5"],
        ["--margin", "ten"],
        ["--margin", "10", "--from", "2026-02-01"],
        ["--margin", "10", "--from", "soon"],
    ],
)
def test_what_cannot_be_changes_nothing(arguments: list[str]) -> None:
    rows = list(Price.objects.order_by("pk").values())

    with pytest.raises(CommandError):
        reprice(*arguments)

    assert list(Price.objects.order_by("pk").values()) == rows


def test_a_model_costs_what_its_dearest_route_costs() -> None:
    model = LanguageModel.objects.get(public_id="gigachat-pro")
    Route.objects.create(model=model, provider="yandexgpt", upstream_id="yandexgpt/rc", priority=9)

    reprice("--margin", "10")

    price = price_of("gigachat-pro")
    assert price is not None
    assert (price.prompt_nano, price.completion_nano, price.cached_nano) == (880_000,) * 3


def test_a_model_with_a_route_of_unknown_cost_keeps_its_price() -> None:
    model = LanguageModel.objects.get(public_id="gigachat-pro")
    Route.objects.create(model=model, provider="gigachat", upstream_id="Unheard-Of", priority=9)

    changed, text = reprice("--margin", "10")

    assert "gigachat-pro" not in changed
    assert "gigachat-pro stays as it is" in text
    assert prompt_nano("gigachat-pro") == 500_000


def test_a_route_carries_what_we_pay_and_a_new_cost_is_seen_at_the_next_look() -> None:
    time_s = 0.0
    live = LiveCatalogue(clock=lambda: time_s)

    def cost_nano(name: str) -> int | None:
        model = live.current().resolve(name)
        assert model is not None
        price = model.routes[0].upstream_price
        return price.prompt_nano if price else None

    assert cost_nano("gigachat-basic") == 65_000
    date_upstream("GigaChat-2", 70_000)
    assert cost_nano("gigachat-basic") == 65_000
    time_s += 1
    assert [cost_nano("gigachat-basic"), cost_nano("gigachat-2")] == [70_000, 70_000]

    UpstreamPrice.objects.filter(upstream_id="GigaChat-2").delete()
    time_s += 1
    assert cost_nano("gigachat-2") is None
