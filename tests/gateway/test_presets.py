"""Presets of OpenAI-compatible servers: one step adds all of one, and asks for its list of models alone."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import orjson
import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User
from billing.models import Price, UpstreamPrice
from gateway.catalog.presets import presets, rates_of
from gateway.catalog.seed import seed_catalogue
from gateway.catalog.snapshot import LiveCatalogue
from gateway.models import LanguageModel, OpenAIServer, ProviderCredential, Route
from gateway.providers.errors import ProviderProtocolError
from gateway.providers.openai_listing import ListedModel, read_models
from gateway.providers.profile import read_profile
from gateway.providers.registry import BUILT_IN
from sandbox.core.credentials import OPENAI_COMPATIBLE_API_KEY, YANDEX_API_KEY, YANDEX_FOLDER_ID
from sandbox.server import Sandbox
from tests.accounts.operators import seat

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]

ADDRESS = "admin:gateway_openaiserver_preset"
LISTED = ["qwen3-8b", "gemma-3-27b-it", "gpt-oss-20b", "bge-m3"]


@pytest.fixture
def upstream() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def operator_client(client: Client) -> Client:
    return seat(client, User.objects.create_superuser("operator@example.ru", "a long password"))


def send(client: Client, **fields: str) -> Any:
    return client.post(reverse(ADDRESS), fields)


def own(upstream: Sandbox, **fields: str) -> dict[str, str]:
    usual = {
        "preset": "vllm",
        "base_url": f"{upstream.openai_origin}/v1",
        "api_key": OPENAI_COMPATIBLE_API_KEY,
    }
    return usual | fields


def errors(response: Any) -> dict[str, Any]:
    assert response.status_code == 200
    found: dict[str, Any] = response.context["form"].errors
    return found


def test_one_step_adds_server_key_models_profiles_and_prices(
    operator_client: Client, upstream: Sandbox
) -> None:
    fields = own(upstream, prompt="10.5", completion="20", name="Ours")
    assert send(operator_client, **fields).status_code == 302

    assert OpenAIServer.objects.get().slug == "vllm"
    [credential] = ProviderCredential.objects.all()
    assert (credential.provider, credential.name) == ("vllm", "vllm")
    routes = Route.objects.filter(provider="vllm").order_by("pk")
    assert [route.upstream_id for route in routes] == LISTED
    model = LanguageModel.objects.get(public_id="vllm/gemma-3-27b-it")
    assert (model.context_tokens, model.max_output_tokens) == (131_072, 8_192)
    price = Price.objects.get(model_id=model.public_id)
    assert (price.prompt_nano, price.completion_nano, price.cached_nano) == (10_500, 20_000, 10_500)
    assert UpstreamPrice.objects.get(upstream_id="gemma-3-27b-it").source == "vLLM"
    assert LiveCatalogue().current().resolve("vllm/gemma-3-27b-it") is not None
    assert AuditEntry.objects.filter(object_label="vllm").count() == 1


def test_nothing_is_asked_for_but_the_list(operator_client: Client, upstream: Sandbox) -> None:
    send(operator_client, **own(upstream, prompt="1", completion="1"))
    asked = [
        (request.method, request.path) for request in upstream.requests.of("openai_compatible", "")
    ]
    assert asked == [("GET", "/v1/models")]


def test_without_a_price_the_models_wait_for_one(
    operator_client: Client, upstream: Sandbox
) -> None:
    send(operator_client, **own(upstream, slug="ours"))
    model = LanguageModel.objects.get(public_id="ours/qwen3-8b")
    assert (model.enabled, model.waits_for) == (False, "price")
    assert not Price.objects.filter(model_id__startswith="ours/").exists()


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"api_key": "sk-wrong"}, "__all__"),
        ({"base_url": "ftp://nowhere"}, "__all__"),
        ({"base_url": "http://127.0.0.1:9/v1"}, "__all__"),
        ({"prompt": "1"}, "prompt"),
        ({"prompt": "0", "completion": "1"}, "prompt"),
        ({"prompt": "-1", "completion": "1"}, "prompt"),
        ({"prompt": "1.0001", "completion": "1"}, "prompt"),
        ({"preset": "unheard-of"}, "preset"),
        ({"slug": "gigachat"}, "__all__"),
        ({"slug": "Not A Slug"}, "__all__"),
        ({"preset": "cloudru", "api_key": ""}, "api_key"),
    ],
)
def test_what_is_wrong_adds_nothing_and_is_named(
    operator_client: Client, upstream: Sandbox, fields: dict[str, str], where: str
) -> None:
    assert where in errors(send(operator_client, **own(upstream, **fields)))
    assert not OpenAIServer.objects.exists()
    assert not ProviderCredential.objects.exists()


def test_a_preset_of_a_built_in_provider_adds_its_key(
    operator_client: Client, upstream: Sandbox, settings: Any
) -> None:
    settings.YANDEX_BASE_URL = upstream.yandex_origin
    fields = {"preset": "ai-studio", "api_key": YANDEX_API_KEY, "folder_id": YANDEX_FOLDER_ID}
    assert send(operator_client, **fields).status_code == 302
    assert send(operator_client, **fields).status_code == 302
    credential, other = ProviderCredential.objects.order_by("created_at")
    assert (credential.name, other.name) == ("ai-studio", "ai-studio-2")
    assert (credential.provider, credential.settings) == (
        "yandexgpt",
        {"folder_id": YANDEX_FOLDER_ID},
    )
    assert not OpenAIServer.objects.exists()


def test_a_model_that_the_catalogue_has_is_left_alone(
    operator_client: Client, upstream: Sandbox
) -> None:
    LanguageModel.objects.create(
        public_id="vllm/qwen3-8b", name="Mine", owned_by="me", context_tokens=5, max_output_tokens=5
    )
    send(operator_client, **own(upstream))
    assert LanguageModel.objects.get(public_id="vllm/qwen3-8b").name == "Mine"
    assert len(Route.objects.filter(provider="vllm")) == len(LISTED) - 1


def test_an_operator_who_may_not_add_servers_is_refused(client: Client) -> None:
    assert client.get(reverse(ADDRESS)).status_code == 302


def test_the_list_of_servers_leads_to_the_page(operator_client: Client) -> None:
    page = operator_client.get(reverse("admin:gateway_openaiserver_changelist")).content.decode()
    assert reverse(ADDRESS) in page
    assert operator_client.get(reverse(ADDRESS)).status_code == 200


def test_every_preset_is_whole() -> None:
    for preset in presets().values():
        read_profile(dict(preset.profile), context_tokens=1, max_output_tokens=1)
        assert bool(preset.provider) is not bool(preset.slug)
        if preset.provider:
            assert BUILT_IN[preset.provider].compatible_path is not None
            assert set(preset.settings) <= set(BUILT_IN[preset.provider].settings)


def test_models_of_built_in_presets_are_seeded_with_prices() -> None:
    seed_catalogue()
    for preset in presets().values():
        if preset.provider:
            assert UpstreamPrice.objects.filter(provider=preset.provider).exists()


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", orjson.dumps({"data": "x"})])
def test_what_is_no_list_of_models_is_refused(body: bytes) -> None:
    with pytest.raises(ProviderProtocolError):
        read_models(body, provider="vllm")


def test_a_list_is_read_in_its_order_and_cards_without_an_id_are_passed_over() -> None:
    cards = [
        {"id": "b", "max_model_len": 7},
        {"object": "model"},
        {"id": "a", "max_model_len": "x"},
    ]
    assert read_models(orjson.dumps({"data": cards}), provider="vllm") == [
        ListedModel("b", 7),
        ListedModel("a"),
    ]


def test_a_price_of_a_part_of_a_nano_credit_is_no_price() -> None:
    with pytest.raises(ValueError, match="three digits"):
        rates_of(Decimal("0.0001"), Decimal(1), Decimal(1))
