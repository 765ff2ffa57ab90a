"""Rules as an operator writes them, compiled."""

from typing import Any

from gateway.models import ModerationRule
from gateway.moderation.rules import words_of
from gateway.moderation.search import Search
from gateway.moderation.word_forms import word_forms


def rule(words: str = "", near: str = "", unless: str = "", **fields: Any) -> ModerationRule:
    """Return a rule that refuses, not saved."""
    fields = {"name": "example", "category": "drugs", "action": "block"} | fields
    forms = word_forms(words_of(words, near, unless))
    return ModerationRule(words=words, near=near, unless=unless, forms=forms, **fields)


def search(*rules: ModerationRule) -> Search:
    return Search([each.as_rule() for each in rules])
