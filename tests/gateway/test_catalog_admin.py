"""The operators' admin: a model with its names and routes on one page, and two switches."""

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from accounts.audit.log import AuditEntry
from accounts.models import User
from gateway.admin.route_form import RouteForm
from gateway.catalog.snapshot import LiveCatalogue
from gateway.models import LanguageModel, Route
from gateway.providers.profile import ModelProfile, read_profile
from tests.accounts.operators import seat
from tests.accounts.page_forms import fields_of

pytestmark = [
    pytest.mark.django_db,
    # Static files are collected for a release, not for the tests.
    pytest.mark.filterwarnings("ignore:No directory at:UserWarning"),
]

LIST = reverse("admin:gateway_languagemodel_changelist")


@pytest.fixture
def operator_client() -> Client:
    client = Client(headers={"accept-language": "en"})
    return seat(client, User.objects.create_superuser("operator@example.ru", "a long password"))


def test_the_list_can_be_searched_by_alias_and_filtered_by_provider(
    operator_client: Client,
) -> None:
    found = operator_client.get(LIST, {"q": "gigachat/max", "routes__provider": "gigachat"})

    assert [model.public_id for model in found.context["cl"].queryset] == ["gigachat-2-max"]


def test_a_page_shows_aliases_and_routes(operator_client: Client) -> None:
    model = LanguageModel.objects.get(public_id="yandexgpt:latest")

    page = operator_client.get(
        reverse("admin:gateway_languagemodel_change", args=[model.pk])
    ).content.decode()

    assert "yandexgpt-pro" in page
    assert "yandexgpt/latest" in page
    assert "reasoning_effort" in page


def test_the_switches_withdraw_and_offer_models_before_the_next_look(
    operator_client: Client,
) -> None:
    time_s = 0.0
    live = LiveCatalogue(clock=lambda: time_s)
    assert live.current().resolve("gigachat-pro") is not None
    chosen = list(
        LanguageModel.objects.filter(public_id__in=["gigachat-pro", "gigachat-3-ultra"])
        .order_by("public_id")
        .values_list("pk", flat=True)
    )

    form = {"action": "disable", "_selected_action": chosen}
    assert operator_client.post(LIST, form).status_code == 200
    assert LanguageModel.objects.filter(pk__in=chosen, enabled=True).exists()
    answer = operator_client.post(LIST, form | {"_confirmed": 1, "reason": "It is too slow."})
    time_s += 1

    assert [str(message) for message in get_messages(answer.wsgi_request)]
    assert live.current().resolve("gigachat-pro") is None

    operator_client.post(LIST, {"action": "enable", "_selected_action": chosen[1:]})
    time_s += 1

    assert live.current().resolve("gigachat-pro") is not None
    assert not LanguageModel.objects.get(public_id="gigachat-3-ultra").enabled


def test_a_profile_is_checked_before_it_is_saved(operator_client: Client) -> None:
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
        "status": model.status,
        "successor": model.successor,
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

    temperature = "routes-0-parameters-temperature"
    faults: list[tuple[str, str, str]] = [
        ("routes-0-tools", "perhaps", "Select a valid choice"),
        ("routes-0-context_tokens", "-1", "greater than or equal to 0"),
        ("routes-0-dimensions", "256, x", "Write whole numbers"),
        ("routes-0-dimensions", "9" * 5000, "Write whole numbers"),
        ("routes-0-provider", "GigaChat", "Write the provider in small letters."),
        (f"{temperature}-minimum", "low", "temperature: a bound is a number."),
        (f"{temperature}-minimum", "3", "temperature: minimum is above maximum."),
    ]
    form |= {f"{temperature}-is_honoured": "on", f"{temperature}-maximum": "2"}
    for field, value, said in faults:
        refused = operator_client.post(address, form | {field: value})
        assert refused.status_code == 200
        assert said in refused.content.decode()
    assert Route.objects.get(pk=route.pk).profile == route.profile

    typed = {
        "routes-0-tools": "native",
        "routes-0-images": "on",
        "routes-0-max_output_tokens": "0",
        "routes-0-dimensions": "256, 512",
        "routes-0-reasoning_off": "none",
        f"{temperature}-minimum": "0",
        f"{temperature}-exclusive_minimum": "on",
        f"{temperature}-default": "0,3",
        "routes-0-parameters-reasoning_effort-is_honoured": "on",
        "routes-0-parameters-reasoning_effort-choices": "low, high",
    }
    saved = operator_client.post(address, form | typed)
    assert saved.status_code == 302
    route.refresh_from_db()
    assert route.upstream_id == "GigaChat-4-Pro"
    assert route.profile == {
        "tools": "native",
        "images": True,
        "max_output_tokens": 0,
        "dimensions": [256, 512],
        "reasoning_off": "none",
        "parameters": {
            "temperature": {
                "minimum": 0,
                "maximum": 2,
                "exclusive_minimum": True,
                "default": 0.3,
            },
            "reasoning_effort": {"choices": ["low", "high"]},
        },
    }


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("max_output_tokens", {"max_output_tokens": "0"}, "A chat model answers with a token"),
        ("is_auto", {"is_auto": "on", "is_free": "on"}, "An automatic model is a chat model"),
        (
            "deprecated_on",
            {"deprecated_on": "2027-01-02", "ends_on": "2027-01-01"},
            "The end is announced on the last day at the latest.",
        ),
    ],
)
def test_what_no_model_can_be_is_said_in_words_by_its_field(
    operator_client: Client, field: str, typed: dict[str, str], said: str
) -> None:
    model = LanguageModel.objects.get(public_id="gigachat-pro")
    page = reverse("admin:gateway_languagemodel_change", args=[model.pk])

    refused = operator_client.post(page, fields_of(operator_client.get(page)) | typed)

    [error] = refused.context["adminform"].form.errors[field]
    assert error.startswith(said)
    assert list(refused.context["adminform"].form.errors) == [field]


def test_every_capability_that_the_code_knows_has_a_field():
    assert set(ModelProfile.__slots__) <= set(RouteForm.base_fields)


def test_a_page_that_is_saved_as_it_is_shown_changes_no_profile(operator_client: Client) -> None:
    routes = list(Route.objects.order_by("pk"))
    assert len(routes) > 10
    for route in routes:
        page = reverse("admin:gateway_route_change", args=[route.pk])
        assert operator_client.post(page, fields_of(operator_client.get(page))).status_code == 302
    acts = AuditEntry.objects.filter(object_kind="gateway.route")
    assert not acts.exists()
    for route in routes:
        kept = Route.objects.get(pk=route.pk)
        assert read(kept) == read(route)


def read(route: Route) -> ModelProfile:
    return read_profile(route.profile, context_tokens=7, max_output_tokens=5)


def test_what_the_code_does_not_know_is_refused_until_it_is_dropped(
    operator_client: Client,
) -> None:
    route = Route.objects.filter(provider="gigachat").earliest("pk")
    known = dict(route.profile)
    Route.objects.filter(pk=route.pk).update(profile=known | {"telepathy": True})
    page = reverse("admin:gateway_route_change", args=[route.pk])
    form = fields_of(operator_client.get(page)) | {"weight": "7"}

    refused = operator_client.post(page, form)
    assert refused.status_code == 200
    assert "unknown names: telepathy" in refused.content.decode()

    assert operator_client.post(page, form | {"drop_unknown": "on"}).status_code == 302
    route.refresh_from_db()
    assert (route.weight, "telepathy" in route.profile) == (7, False)
    assert read(route) == read(Route(profile=known))
