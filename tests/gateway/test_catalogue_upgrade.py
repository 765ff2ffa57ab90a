"""What a database of the last version becomes: new models, and edited rows as their operator left them."""

import importlib
from typing import Any

import pytest
from django.apps import apps

from billing.models import Price, UpstreamPrice
from gateway.catalog.seed import seed_catalogue
from gateway.models import LanguageModel, OpenAIServer, ProviderCredential, Route

today: Any = importlib.import_module("gateway.migrations.0008_catalogue_of_today")
taken: Any = importlib.import_module("gateway.migrations.0006_a_slug_is_taken")

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def installed() -> None:
    """Bring the tables back to what the last version seeded."""
    seed_catalogue()
    LanguageModel.objects.filter(routes__provider="cloudru").delete()
    LanguageModel.objects.update(status="current", successor="", waits_for="")
    UpstreamPrice.objects.update(source="")
    Route.objects.filter(upstream_id="GigaChat-2").update(profile=today.SEEDED[0])
    Route.objects.filter(upstream_id="GigaChat-2-Pro").update(profile=today.SEEDED[1])
    flash = LanguageModel.objects.get(public_id=today.FLASH)
    flash.context_tokens, flash.enabled = 32768, False
    flash.save()
    flash.routes.update(upstream_id=today.FLASH, profile={"tools": "native"})


def profile_of(model_id: str) -> dict[str, Any]:
    profile: dict[str, Any] = Route.objects.get(model__public_id=model_id).profile
    return profile


def test_unedited_routes_get_the_second_chat_form_and_edited_ones_stay() -> None:
    edited = today.SEEDED[1] | {"images": False}
    Route.objects.filter(model__public_id="gigachat-2-pro").update(profile=edited)
    today.bring_up(apps, None)
    assert profile_of("gigachat-2-pro") == edited
    assert (profile_of("gigachat-pro")["wire"], profile_of("gigachat-pro")["images"]) == (
        "auto",
        True,
    )
    assert profile_of("gigachat-2")["json_schema"] == "native"


def test_new_models_come_and_prices_that_an_operator_edited_stay() -> None:
    Price.objects.filter(model_id="gigachat-2").update(prompt_nano=1)
    UpstreamPrice.objects.filter(upstream_id="GigaChat-2-Max").update(prompt_nano=2)
    today.bring_up(apps, None)
    assert LanguageModel.objects.filter(public_id="gigachat-3.5", enabled=True).exists()
    assert Price.objects.get(model_id="gigachat-2").prompt_nano == 1
    edited = UpstreamPrice.objects.get(upstream_id="GigaChat-2-Max")
    assert (edited.prompt_nano, edited.source) == (2, "")
    assert UpstreamPrice.objects.get(upstream_id="GigaChat-2-Pro").source


def test_the_life_of_old_rows_is_filled_in() -> None:
    today.bring_up(apps, None)
    former = LanguageModel.objects.get(public_id="gigachat-basic")
    assert (former.status, former.successor) == ("legacy", "gigachat-2")
    assert LanguageModel.objects.get(public_id="gigachat-3-pro").waits_for == "price"


@pytest.mark.parametrize("context_tokens", [32768, 40000])
def test_the_flash_model_is_offered_unless_somebody_touched_it(context_tokens: int) -> None:
    LanguageModel.objects.filter(public_id=today.FLASH).update(context_tokens=context_tokens)
    today.bring_up(apps, None)
    flash = LanguageModel.objects.get(public_id=today.FLASH)
    is_untouched = context_tokens == 32768
    assert flash.enabled is is_untouched
    assert ("wire" in profile_of(today.FLASH)) is is_untouched


def test_coming_twice_changes_nothing() -> None:
    today.bring_up(apps, None)
    tables = (LanguageModel, Route, Price, UpstreamPrice)
    before = [list(table._default_manager.order_by("pk").values()) for table in tables]
    today.bring_up(apps, None)
    assert [list(table._default_manager.order_by("pk").values()) for table in tables] == before


def test_a_server_of_the_slug_that_is_taken_goes_on_under_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(taken, "TAKEN", "mine")
    monkeypatch.setattr(taken, "OWN", "mine-own")
    OpenAIServer.objects.create(slug="mine", name="Mine", base_url="http://127.0.0.1:1/v1")
    credential = ProviderCredential(provider="mine", name="key")
    credential.seal("sk-1")
    credential.save()
    model = LanguageModel.objects.get(public_id="gigachat-2")
    Route.objects.create(model=model, provider="mine", upstream_id="x")
    taken.rename(apps, None)
    assert OpenAIServer.objects.get().slug == "mine-own"
    assert ProviderCredential.objects.get().provider == "mine-own"
    assert Route.objects.get(upstream_id="x").provider == "mine-own"
