"""What is served under which name: the contract's ids, their spellings, what is left out."""

import pytest
from django.core.exceptions import ValidationError

from billing.models import Price
from gateway.catalog.snapshot import CatalogModel, Catalogue, LiveCatalogue
from gateway.models import Alias, LanguageModel, Route

pytestmark = pytest.mark.django_db

BOTH = frozenset({"gigachat", "yandexgpt"})
UPSTREAM_OF = {
    "gigachat-basic": ("gigachat-basic", "gigachat", "GigaChat-2"),
    "gigachat-plus": ("gigachat-plus", "gigachat", "GigaChat-2"),
    "gigachat-pro": ("gigachat-pro", "gigachat", "GigaChat-2-Pro"),
    "gigachat-2": ("gigachat-2", "gigachat", "GigaChat-2"),
    "gigachat-2-pro": ("gigachat-2-pro", "gigachat", "GigaChat-2-Pro"),
    "gigachat-2-max": ("gigachat-2-max", "gigachat", "GigaChat-2-Max"),
    "yandexgpt": ("yandexgpt:latest", "yandexgpt", "yandexgpt/latest"),
    "yandexgpt:latest": ("yandexgpt:latest", "yandexgpt", "yandexgpt/latest"),
    "yandexgpt:rc": ("yandexgpt:rc", "yandexgpt", "yandexgpt/rc"),
    "yandexgpt:deprecated": ("yandexgpt:deprecated", "yandexgpt", "yandexgpt/deprecated"),
    "yandexgpt-lite": ("yandexgpt-lite:latest", "yandexgpt", "yandexgpt-lite/latest"),
    "yandexgpt-lite:latest": ("yandexgpt-lite:latest", "yandexgpt", "yandexgpt-lite/latest"),
    "yandexgpt-lite:rc": ("yandexgpt-lite:rc", "yandexgpt", "yandexgpt-lite/rc"),
    "yandexgpt-lite:deprecated": (
        "yandexgpt-lite:deprecated",
        "yandexgpt",
        "yandexgpt-lite/deprecated",
    ),
    "yandexgpt-32k": ("yandexgpt-32k:latest", "yandexgpt", "yandexgpt/latest"),
    "yandexgpt-32k:latest": ("yandexgpt-32k:latest", "yandexgpt", "yandexgpt/latest"),
    "yandexgpt-32k:rc": ("yandexgpt-32k:rc", "yandexgpt", "yandexgpt/rc"),
    "yandexgpt-32k:deprecated": ("yandexgpt-32k:deprecated", "yandexgpt", "yandexgpt/deprecated"),
    "yandexgpt-5.1": ("yandexgpt-5.1", "yandexgpt", "yandexgpt-5.1"),
    "yandexgpt-5-pro": ("yandexgpt-5-pro", "yandexgpt", "yandexgpt-5-pro"),
    "yandexgpt-5-lite": ("yandexgpt-5-lite", "yandexgpt", "yandexgpt-5-lite"),
    "aliceai-llm": ("aliceai-llm", "yandexgpt", "aliceai-llm"),
    "embeddings": ("embeddings", "gigachat", "Embeddings"),
    "embeddings-2": ("embeddings-2", "gigachat", "Embeddings-2"),
    "embeddingsgigar": ("embeddingsgigar", "gigachat", "EmbeddingsGigaR"),
    "gigaembeddings-3b-2025-09": (
        "gigaembeddings-3b-2025-09",
        "gigachat",
        "GigaEmbeddings-3B-2025-09",
    ),
    "text-search-doc": ("text-search-doc", "yandexgpt", "text-search-doc/latest"),
    "text-search-query": ("text-search-query", "yandexgpt", "text-search-query/latest"),
}
SPELLINGS = {
    "gigachat/pro": "gigachat-pro",
    "gigachat/plus": "gigachat-plus",
    "gigachat/basic": "gigachat-basic",
    "gigachat/gigachat-pro": "gigachat-pro",
    "gigachat/gigachat-2-pro": "gigachat-2-pro",
    "GigaChat/GigaChat-2-Max": "gigachat-2-max",
    "gigachat": "gigachat-2",
    "gigachat-lite": "gigachat-2",
    "gigachat-max": "gigachat-2-max",
    "gigachat-pro:latest": "gigachat-pro",
    "GigaChat-2-Pro": "gigachat-2-pro",
    "EmbeddingsGigaR": "embeddingsgigar",
    "gigachat/embeddings": "embeddings",
    "yandexgpt/latest": "yandexgpt:latest",
    "yandexgpt/rc": "yandexgpt:rc",
    "yandexgpt/deprecated": "yandexgpt:deprecated",
    "yandexgpt/yandexgpt": "yandexgpt:latest",
    "yandexgpt/yandexgpt:rc": "yandexgpt:rc",
    "yandexgpt/yandexgpt/rc": "yandexgpt:rc",
    "yandexgpt/yandexgpt-lite": "yandexgpt-lite:latest",
    "yandexgpt-lite/latest": "yandexgpt-lite:latest",
    "yandexgpt-lite/rc": "yandexgpt-lite:rc",
    "yandexgpt-32k/deprecated": "yandexgpt-32k:deprecated",
    "yandexgpt-pro": "yandexgpt:latest",
    "YandexGPT:RC": "yandexgpt:rc",
    "YandexGPT/aliceai-llm:latest": "aliceai-llm",
    "text-search-doc:latest": "text-search-doc",
    "XRouter/Auto": "xrouter/auto",
}


def read() -> Catalogue:
    return LiveCatalogue().current()


def found(name: str) -> CatalogModel:
    model = read().resolve(name)
    assert model is not None
    return model


@pytest.mark.parametrize("name", UPSTREAM_OF)
def test_every_id_of_the_contract_reaches_its_upstream(name: str) -> None:
    model = found(name)

    assert (model.id, model.routes[0].provider, model.routes[0].upstream_id) == UPSTREAM_OF[name]


@pytest.mark.parametrize(("spelling", "model_id"), SPELLINGS.items())
def test_other_spellings_name_the_same_model(spelling: str, model_id: str) -> None:
    assert found(spelling).id == model_id


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        ":latest",
        "gpt-4o",
        "gigachat/",
        "gigachat/yandexgpt:rc",
        "yandexgpt/gigachat-pro",
        "nobody/gigachat-pro",
        "gigachat-pro:rc",
        "yandexgpt:newest",
        "gigachat/xrouter/auto",
    ],
)
def test_a_name_nobody_bears_is_no_model(name: str) -> None:
    assert read().resolve(name) is None


@pytest.mark.parametrize("name", ["gigachat-3-ultra", "gigachat-2-reasoning", "gemma-3-27b-it"])
def test_a_model_that_waits_for_an_operator_is_not_served(name: str) -> None:
    catalogue = read()

    assert LanguageModel.objects.filter(public_id=name).exists()
    assert catalogue.resolve(name) is None
    assert name not in {model.id for model in catalogue.models()}


def test_a_disabled_model_is_gone_with_its_aliases() -> None:
    LanguageModel.objects.filter(public_id="gigachat-pro").update(enabled=False)

    assert read().resolve("gigachat-pro") is None
    assert read().resolve("gigachat/pro") is None


def test_a_model_without_a_price_is_not_served() -> None:
    Price.objects.filter(model_id="gigachat-pro").delete()

    assert read().resolve("gigachat-pro") is None


def test_a_model_without_an_enabled_route_is_not_served() -> None:
    Route.objects.filter(model__public_id="gigachat-pro").update(enabled=False)

    assert read().resolve("gigachat-pro") is None


def test_a_route_with_an_unreadable_profile_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    Route.objects.filter(model__public_id="gigachat-pro").update(profile={"tools": "perhaps"})

    assert read().resolve("gigachat-pro") is None
    assert "tools must be native, emulated or none" in caplog.text


def test_routes_stand_in_the_order_of_priority() -> None:
    model = LanguageModel.objects.get(public_id="gigachat-pro")
    Route.objects.filter(model=model).update(priority=5)
    Route.objects.create(model=model, provider="yandexgpt", upstream_id="second", priority=9)
    Route.objects.create(model=model, provider="gigachat", upstream_id="first", priority=1)

    routes = found("gigachat-pro").routes

    assert [route.upstream_id for route in routes] == ["first", "GigaChat-2-Pro", "second"]


def test_a_route_may_be_smaller_than_its_model() -> None:
    Route.objects.filter(model__public_id="gigachat-pro").update(profile={"context_tokens": 4096})

    profile = found("gigachat-pro").routes[0].profile

    assert (profile.context_tokens, profile.max_output_tokens) == (4096, 8192)


def test_an_id_wins_over_an_alias() -> None:
    model = LanguageModel.objects.get(public_id="gigachat-2-max")
    Alias.objects.create(name="gigachat-pro", model=model)

    assert found("gigachat-pro").id == "gigachat-pro"


def test_only_models_of_the_served_providers_remain() -> None:
    part = read().serving(frozenset({"gigachat"}))

    assert part.resolve("gigachat-pro") is not None
    assert part.resolve("yandexgpt") is None
    assert {route.provider for model in part.models() for route in model.routes} == {"gigachat"}
    assert part.serving(BOTH).resolve("yandexgpt") is None


def test_prompts_can_be_kept_from_the_provider_where_it_knows_a_word_for_it() -> None:
    assert found("yandexgpt").routes[0].profile.can_deny_data_collection
    assert not found("gigachat-pro").routes[0].profile.can_deny_data_collection


def test_all_models_remain_when_all_providers_are_served() -> None:
    assert read().serving(BOTH | {"cloudru"}).models() == read().models()


def test_a_model_of_two_providers_is_served_by_either() -> None:
    name = "qwen3.6-35b-a3b"
    both = found(name)
    assert [route.provider for route in both.routes] == ["yandexgpt", "cloudru"]
    for provider in ("yandexgpt", "cloudru"):
        alone = read().serving(frozenset({provider})).resolve(name)
        assert alone is not None
        assert [route.provider for route in alone.routes] == [provider]


def test_nothing_remains_when_no_provider_is_served() -> None:
    assert read().serving(frozenset()).models() == ()


def test_auto_may_be_answered_by_any_chat_model_the_cheapest_first() -> None:
    catalogue = read().serving(BOTH)
    auto = found("xrouter/auto")

    choices = catalogue.choices(auto)

    assert auto.is_auto
    assert auto.price is None
    assert choices[0].id == "gigachat-2"
    assert {choice.id for choice in choices} == {
        model.id for model in catalogue.models() if model.kind == "chat" and not model.is_auto
    }


def test_auto_chooses_among_the_served_providers_alone() -> None:
    part = read().serving(frozenset({"yandexgpt"}))
    auto = part.resolve("auto")

    assert auto is not None
    assert {choice.routes[0].provider for choice in part.choices(auto)} == {"yandexgpt"}


def test_an_ordinary_model_answers_for_itself() -> None:
    model = found("gigachat-pro")

    assert read().choices(model) == (model,)


@pytest.mark.parametrize("name", ["my model", "x y:latest", " model", "model\n", "Model"])
def test_a_name_is_judged_whole(name):
    with pytest.raises(ValidationError):
        LanguageModel._meta.get_field("public_id").clean(name, None)
