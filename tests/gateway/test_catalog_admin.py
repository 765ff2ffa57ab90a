"""The operators' desk: a model with its names and routes on one page, and two switches."""

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from accounts.models import User
from gateway.catalog import LiveCatalogue
from gateway.models import LanguageModel, Route
from gateway.seed import seed_catalogue
from tests.accounts.operators import seat

pytestmark = [
    pytest.mark.django_db,
    # Static files are collected for a release, not for the tests.
    pytest.mark.filterwarnings("ignore:No directory at:UserWarning"),
]

LIST = reverse("admin:gateway_languagemodel_changelist")


@pytest.fixture
def desk(client: Client) -> Client:
    seed_catalogue()
    return seat(client, User.objects.create_superuser("operator@example.ru", "a long password"))


def test_the_list_can_be_searched_by_alias_and_filtered_by_provider(desk: Client) -> None:
    found = desk.get(LIST, {"q": "gigachat/max", "routes__provider": "gigachat"})

    assert [model.public_id for model in found.context["cl"].queryset] == ["gigachat-2-max"]


def test_a_page_shows_aliases_and_routes(desk: Client) -> None:
    model = LanguageModel.objects.get(public_id="yandexgpt:latest")

    page = desk.get(reverse("admin:gateway_languagemodel_change", args=[model.pk])).content.decode()

    assert "yandexgpt-pro" in page
    assert "yandexgpt/latest" in page
    assert "reasoning_effort" in page


def test_the_switches_withdraw_and_offer_models_before_the_next_look(desk: Client) -> None:
    time_s = 0.0
    live = LiveCatalogue(clock=lambda: time_s)
    assert live.current().resolve("gigachat-pro") is not None
    chosen = list(
        LanguageModel.objects.filter(public_id__in=["gigachat-pro", "gigachat-3-ultra"])
        .order_by("public_id")
        .values_list("pk", flat=True)
    )

    answer = desk.post(LIST, {"action": "disable", "_selected_action": chosen})
    time_s += 1

    assert [str(message) for message in get_messages(answer.wsgi_request)]
    assert live.current().resolve("gigachat-pro") is None

    desk.post(LIST, {"action": "enable", "_selected_action": chosen[1:]})
    time_s += 1

    assert live.current().resolve("gigachat-pro") is not None
    assert not LanguageModel.objects.get(public_id="gigachat-3-ultra").enabled


def test_a_profile_is_checked_before_it_is_saved(desk: Client) -> None:
    model = LanguageModel.objects.get(public_id="gigachat-pro")
    route = model.routes.get()
    address = reverse("admin:gateway_languagemodel_change", args=[model.pk])
    form = {
        "public_id": model.public_id,
        "name": model.name,
        "kind": model.kind,
        "owned_by": model.owned_by,
        "context_tokens": model.context_tokens,
        "max_output_tokens": model.max_output_tokens,
        "enabled": "on",
        "aliases-TOTAL_FORMS": 0,
        "aliases-INITIAL_FORMS": 0,
        "routes-TOTAL_FORMS": 1,
        "routes-INITIAL_FORMS": 1,
        "routes-0-id": route.pk,
        "routes-0-model": model.pk,
        "routes-0-provider": route.provider,
        "routes-0-upstream_id": "GigaChat-4-Pro",
        "routes-0-priority": 0,
        "routes-0-weight": 1,
        "routes-0-enabled": "on",
    }

    refused = desk.post(address, form | {"routes-0-profile": '{"tools": "perhaps"}'})
    assert refused.status_code == 200
    assert "tools must be native, emulated or none" in refused.content.decode()

    saved = desk.post(address, form | {"routes-0-profile": '{"tools": "native"}'})
    assert saved.status_code == 302
    assert Route.objects.get(model=model).upstream_id == "GigaChat-4-Pro"
