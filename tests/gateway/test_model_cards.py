"""The wire form of the catalogue: what OpenAI's and OpenRouter's clients read of a model."""

import orjson
import pytest

from gateway.api.endpoints.model_cards import ModelCard, ParametersCard, model_card, parameters_card
from gateway.catalog.snapshot import LiveCatalogue
from gateway.moderation import live
from gateway.pipeline.routing.router import EMULATED_PARAMETERS


@pytest.fixture
def seeded(db: None) -> None:
    live.reset()


def card_of(name: str, emulated: frozenset[str] = frozenset()) -> ModelCard:
    catalogue = LiveCatalogue().current()
    model = catalogue.resolve(name)
    assert model is not None
    return model_card(model, catalogue.choices(model), emulated)


def parameters_of(name: str, emulated: frozenset[str] = frozenset()) -> ParametersCard:
    catalogue = LiveCatalogue().current()
    model = catalogue.resolve(name)
    assert model is not None
    return parameters_card(model, catalogue.choices(model), emulated)


@pytest.mark.usefixtures("seeded")
def test_a_card_bears_what_clients_read() -> None:
    card = card_of("gigachat-pro")

    assert card["id"] == card["canonical_slug"] == "gigachat-pro"
    assert card["object"] == "model"
    assert card["owned_by"] == "sber"
    assert card["created"] > 1_700_000_000
    assert card["context_length"] == card["top_provider"]["context_length"] == 131_072
    assert card["top_provider"]["max_completion_tokens"] == 8192
    assert card["top_provider"]["is_moderated"] is True
    assert card["per_request_limits"] is None
    assert card["is_free"] is False
    assert card["pricing"] == {
        "prompt": "0.0005",
        "completion": "0.0005",
        "input_cache_read": "0",
        "request": "0",
        "image": "0",
        "currency": "RUB",
    }
    assert card["architecture"] == {
        "modality": "text+image->text",
        "input_modalities": ["text", "image"],
        "output_modalities": ["text"],
        "tokenizer": "gigachat",
        "instruct_type": None,
    }


@pytest.mark.usefixtures("seeded")
def test_supported_parameters_are_what_every_route_honours() -> None:
    assert card_of("gigachat-2", EMULATED_PARAMETERS)["supported_parameters"] == [
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "stop",
        "repetition_penalty",
        "n",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
        "structured_outputs",
        "stream",
    ]
    assert card_of("yandexgpt")["supported_parameters"] == [
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "reasoning_effort",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
        "structured_outputs",
        "stream",
    ]


@pytest.mark.usefixtures("seeded")
def test_features_follow_the_profile() -> None:
    assert card_of("gigachat-2-max")["supported_features"] == [
        "streaming",
        "tools",
        "parallel_tool_calls",
        "json_mode",
        "structured_outputs",
        "vision",
    ]
    assert card_of("yandexgpt")["supported_features"] == [
        "streaming",
        "tools",
        "parallel_tool_calls",
        "json_mode",
        "structured_outputs",
        "reasoning",
    ]


@pytest.mark.usefixtures("seeded")
def test_an_embeddings_model_says_so() -> None:
    card = card_of("text-search-doc")

    assert card["architecture"]["modality"] == "text->embeddings"
    assert card["architecture"]["output_modalities"] == ["embeddings"]
    assert card["top_provider"]["max_completion_tokens"] is None
    assert card["supported_parameters"] == ["encoding_format"]
    assert card["supported_features"] == []
    assert card["pricing"]["prompt"] == "0.00001"


@pytest.mark.usefixtures("seeded")
def test_auto_states_the_cheapest_price_and_promises_what_all_keep() -> None:
    card = card_of("xrouter/auto")

    assert card["pricing"]["prompt"] == card_of("gpt-oss-120b")["pricing"]["prompt"]
    assert "tools" in card["supported_parameters"]
    assert "top_p" not in card["supported_parameters"]
    assert card["architecture"]["input_modalities"] == ["text"]
    temperature = parameters_of("xrouter/auto")["parameters"]["temperature"]
    assert temperature == {
        "type": "number",
        "min": 0,
        "exclusive_min": True,
        "max": 1,
        "default": None,
    }


@pytest.mark.usefixtures("seeded")
def test_parameters_bear_type_range_and_default() -> None:
    card = parameters_of("yandexgpt:latest", EMULATED_PARAMETERS)

    assert card["model"] == "yandexgpt:latest"
    assert list(card["parameters"]) == card["supported_parameters"]
    parameters = card["parameters"]
    assert parameters["temperature"] == {"type": "number", "min": 0, "max": 1, "default": 0.3}
    assert parameters["max_tokens"] == {"type": "integer", "min": 1, "max": 8192, "default": None}
    assert parameters["max_completion_tokens"] == parameters["max_tokens"]
    assert parameters["reasoning_effort"] == {
        "type": "string",
        "choices": ["low", "medium", "high"],
        "default": None,
    }
    assert parameters["stop"] == {"type": "array", "default": None}
    assert parameters["n"] == {"type": "integer", "min": 1, "max": 20, "default": 1}


@pytest.mark.usefixtures("seeded")
def test_every_served_model_can_be_written() -> None:
    catalogue = LiveCatalogue().current()
    for model in catalogue.models():
        choices = catalogue.choices(model)
        assert orjson.loads(orjson.dumps(model_card(model, choices)))["id"] == model.id
        assert orjson.loads(orjson.dumps(parameters_card(model, choices)))["model"] == model.id
