"""What an operator may write, and what the tables refuse."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from gateway.models import ModerationRule
from gateway.moderation.seed import seed_rules
from gateway.moderation.word_forms import word_forms
from tests.moderation.written import rule, search

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "__all__"),
        ({"words": "слово", "pattern": "слово"}, "__all__"),
        ({"words": ", ,\n"}, "words"),
        ({"words": "аб*"}, "words"),
        ({"words": "сло*во"}, "words"),
        ({"words": "слово", "near": "!"}, "near"),
        ({"words": "слово", "unless": "c++"}, "unless"),
        ({"words": "слово", "within_words": 0}, "within_words"),
        ({"words": "слово", "within_words": 31}, "within_words"),
        ({"words": "слово", "category": "boredom"}, "category"),
        ({"words": "слово", "action": "like"}, "action"),
        ({"pattern": "("}, "pattern"),
        ({"pattern": r"(а)\1"}, "pattern"),
        ({"pattern": "а*"}, "pattern"),
    ],
)
def test_a_wrong_rule_is_refused_by_its_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        rule(**fields).full_clean()

    assert field in refusal.value.message_dict


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"words": "слово", "pattern": "слово"},
        {"words": "слово", "category": "boredom"},
        {"words": "слово", "action": "like"},
        {"words": "слово", "tier": "some"},
        {"words": "слово", "within_words": 31},
    ],
)
def test_the_database_refuses_it_too(fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        rule(**fields).save()


def test_the_forms_of_words_are_looked_up_when_a_rule_is_saved() -> None:
    saved = rule("ёлка, =ель, сосн*", "cut")
    saved.forms = {}
    saved.save()

    assert set(saved.forms) == {"ёлка", "cut"}
    assert {"елка", "елками", "елок"} <= set(saved.forms["ёлка"])
    assert saved.forms["cut"] == ["cut"]
    fresh = ModerationRule.objects.get(pk=saved.pk)
    assert search(fresh).find(["cut ёлками"])
    fresh.enabled = False
    fresh.forms = {}
    fresh.save(update_fields=["enabled", "updated_at"])
    assert ModerationRule.objects.get(pk=saved.pk).forms == saved.forms


def test_words_of_other_languages_have_one_form() -> None:
    assert word_forms(["gun", "it's", "x2"]) == {"gun": ["gun"], "it's": ["its"], "x2": ["x2"]}


def test_seeding_again_changes_no_rule_that_an_operator_edited() -> None:
    ModerationRule.objects.all().delete()
    seed_rules()
    first, second = ModerationRule.objects.order_by("pk")[:2]
    first.words = "огурец"
    first.save()
    second.delete()

    seed_rules()

    assert ModerationRule.objects.get(name=first.name).words == "огурец"
    assert ModerationRule.objects.filter(name=second.name).exists()
