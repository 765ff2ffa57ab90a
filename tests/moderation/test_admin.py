"""The operators' pages of moderation: a rule written and tried there, and what it found."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from gateway.models import ModerationEvent, ModerationRule
from gateway.moderation import live
from tests.accounts.operators import seat
from tests.accounts.people import account_of

pytestmark = [
    pytest.mark.django_db,
    # Static files are collected for a release, not for the tests.
    pytest.mark.filterwarnings("ignore:No directory at:UserWarning"),
]

RULES = reverse("admin:gateway_moderationrule_changelist")
NEW = reverse("admin:gateway_moderationrule_add")
EVENTS = reverse("admin:gateway_moderationevent_changelist")
WRITTEN = {
    **{"name": "vegetables", "category": "illicit", "action": "flag", "tier": "all"},
    **{"enabled": "on", "words": "огурец", "near": "купить", "within_words": 3},
}


@pytest.fixture
def operator(client: Client) -> Client:
    ModerationRule.objects.all().delete()
    return seat(client, User.objects.create_superuser("operator@example.ru", "a long password"))


def test_a_rule_is_written_and_in_force(operator: Client) -> None:
    saved = operator.post(NEW, WRITTEN)

    assert saved.status_code == 302, saved.context["adminform"].errors
    live.reset()
    [broken] = live.current().find(["Куплю огурцы"])
    assert (broken.rule.name, broken.rule.action) == ("vegetables", "flag")


def test_a_rule_may_have_as_many_russian_letters_as_its_field_takes(operator: Client) -> None:
    assert 'enctype="multipart/form-data"' in operator.get(NEW).content.decode()

    # The client of the tests sends a form in parts, too.
    saved = operator.post(NEW, WRITTEN | {"words": "огурец, " * 2_499})

    assert saved.status_code == 302, saved.context["adminform"].errors


def test_a_rule_that_is_too_long_to_be_received_is_refused_in_the_readers_language(
    operator: Client,
) -> None:
    refused = operator.post(
        NEW, WRITTEN | {"words": "х" * 40_000}, headers={"Accept-Language": "ru"}
    )

    assert refused.status_code == 413
    assert refused.content.decode() == "Тело больше 65536 байт."


def test_a_wrong_rule_is_refused_on_its_page(operator: Client) -> None:
    page = operator.post(NEW, WRITTEN | {"words": "", "near": "", "pattern": "("})

    assert page.status_code == 200
    errors = page.context["adminform"].errors
    assert errors == {"pattern": ["RE2 не разбирает этот шаблон: missing ): (."]}
    assert not ModerationRule.objects.exists()


def test_the_list_tells_what_each_rule_found_since_yesterday(operator: Client) -> None:
    operator.post(NEW, WRITTEN)
    account = account_of()
    for _ in range(3):
        ModerationEvent.objects.create(
            **{"account": account, "credential_kind": "key", "credential_id": 1},
            **{"category": "illicit", "rule": "vegetables", "action": "flag", "excerpt": "<b>"},
        )

    page = operator.get(RULES).content.decode()
    events = operator.get(EVENTS, {"q": account.owner.email, "category": "illicit"})

    assert '<td class="field-found_since_yesterday">3</td>' in page
    assert len(events.context["cl"].result_list) == 3
    assert "&lt;b&gt;" in events.content.decode()
    assert "ключ 1" in events.content.decode()
