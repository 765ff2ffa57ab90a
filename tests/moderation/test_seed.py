"""How the rules of a new installation judge texts that they were not tuned by: bench/moderation.py has more."""

import random

import pytest

from bench.moderation import TRICKS, texts
from gateway.moderation.categories import OWN
from gateway.moderation.search import Search
from gateway.moderation.seed import unsaved_rules

HARMFUL = [(category, text) for category, text in texts("held-out") if category in OWN]
ORDINARY = [text for category, text in texts("held-out") if category not in OWN]


@pytest.fixture(scope="module")
def search() -> Search:
    rules = unsaved_rules()
    for rule in rules:
        rule.clean()
    return Search([rule.as_rule() for rule in rules])


@pytest.mark.parametrize("category", OWN)
def test_nine_of_ten_harmful_texts_are_refused_by_their_category(
    search: Search, category: str
) -> None:
    of_it = [text for named, text in HARMFUL if named == category]
    caught = [
        text
        for text in of_it
        if category in {broken.rule.category for broken in search.find([text])}
    ]

    assert len(of_it) >= 40
    assert len(caught) >= 0.9 * len(of_it)


def test_one_of_a_hundred_ordinary_texts_is_refused_at_most(search: Search) -> None:
    alarms = [text for text in ORDINARY if search.find([text])]

    assert len(ORDINARY) >= 200
    assert len(alarms) <= 0.01 * len(ORDINARY), alarms


@pytest.mark.parametrize("name", TRICKS)
def test_tricks_hide_little(search: Search, name: str) -> None:
    chance = random.Random(name)
    caught = [text for _, text in HARMFUL if search.find(TRICKS[name](text, chance))]

    assert len(caught) >= 0.85 * len(HARMFUL)
