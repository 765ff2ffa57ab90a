"""An account's own names for models: which one goes first, and who hears of a change."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.audit.log import AuditEntry
from accounts.errors import InvalidModelMap
from accounts.keys.bearer import authenticate
from accounts.model_map.changing import replace_entries
from accounts.model_map.matching import EMPTY, ENTRIES_MAX, ModelMap, matches
from accounts.model_map.stored import entries_of
from accounts.models import AccountModelMap
from tests.accounts.oauth_clients import new_app
from tests.accounts.people import NATASHA, account_of, new_key

pytestmark = pytest.mark.both_stores


@pytest.mark.parametrize(
    ("pattern", "fitting", "unfitting"),
    [
        ("*", ["", "a", "*"], []),
        ("claude-*", ["claude-", "claude-3"], ["claude", "my-claude-3"]),
        ("*-mini", ["-mini", "gpt-4-mini"], ["mini", "gpt-4-mini-2"]),
        ("a*b*c", ["abc", "a1b2c", "abbc", "abcbc"], ["ac", "acb", "ab"]),
        ("ab*ba", ["abba", "ab-ba"], ["aba", "ab"]),
        ("**", ["", "a"], []),
        ("gpt-4.1*", ["gpt-4.1-nano"], ["gpt-4x1"]),
    ],
)
def test_a_star_stands_for_any_characters_and_nothing_else_does(pattern, fitting, unfitting):
    assert [name for name in fitting if not matches(pattern, name)] == []
    assert [name for name in unfitting if matches(pattern, name)] == []


def test_exact_names_go_first_then_the_longest_pattern():
    model_map = ModelMap.of(
        {"*": "e", "claude-*": "d", "claude-*haiku*": "c", "claude-haiku-5": "b", "Claude-H*": "a"}
    )
    wanted = {
        "claude-haiku-5": "b",
        "CLAUDE-HAIKU-4": "c",
        "claude-h": "a",
        "claude-opus": "d",
        "gpt": "e",
    }
    assert {name: model_map.target_of(name) for name in wanted} == wanted


def test_patterns_of_one_length_have_an_order_of_their_own():
    entries = {"b*": "b", "*a": "a"}
    for given in (entries, dict(reversed(entries.items()))):
        assert ModelMap.of(given).target_of("ba") == "a"


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["key", "token"])
def test_the_map_comes_with_the_credential_and_costs_no_statement(kind):
    key, raw = new_key()
    credential = raw if kind == "key" else new_app().token(key.user, scope="chat")
    statements = []
    for entries in ({}, {"gpt-*": "gigachat-2"}, {}):
        replace_entries(key.account, entries)
        authenticate(f"Bearer {credential}")  # notes the use, once
        replace_entries(key.account, entries)
        with CaptureQueriesContext(connection) as asked:
            caller = authenticate(f"Bearer {credential}")
        assert caller.model_map.target_of("gpt-5") == entries.get("gpt-*")
        statements.append(len(asked))
    assert len(set(statements)) == 1


@pytest.mark.django_db
def test_a_change_is_of_the_account_alone_and_stands_in_the_audit_log():
    key, raw = new_key()
    _, anothers = new_key("other@example.ru")
    replace_entries(key.account, {"gpt-*": "gigachat-2", "o3": "yandexgpt"})
    assert list(entries_of(key.account_id).items()) == [
        ("gpt-*", "gigachat-2"),
        ("o3", "yandexgpt"),
    ]
    assert authenticate(f"Bearer {anothers}").model_map is EMPTY
    replace_entries(key.account, {})
    assert (entries_of(key.account_id), AccountModelMap.objects.count()) == ({}, 0)
    assert authenticate(f"Bearer {raw}").model_map is EMPTY
    acts = AuditEntry.objects.filter(object_label=NATASHA, action="change")
    assert [act.detail for act in acts.order_by("pk")] == [
        {"model_map": {"before": 0, "after": 2}},
        {"model_map": {"before": 2, "after": 0}},
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("entries", "name"),
    [
        ({"": "a"}, ""),
        ({"a": ""}, "a"),
        ({"a" * 257: "a"}, "a" * 257),
        ({"a": "a" * 257}, "a"),
        ({" a": "a"}, " a"),
        ({"a\n": "a"}, "a\n"),
        ({"a": "b\u200b"}, "a"),
        ({"a*" * 9: "a"}, "a*" * 9),
        ({"ok": "a", "A": "a", "a": "b"}, "a"),
        ({str(number): "a" for number in range(ENTRIES_MAX + 1)}, ""),
    ],
)
def test_what_is_no_name_is_refused_and_nothing_is_written(entries, name):
    with pytest.raises(InvalidModelMap) as refusal:
        replace_entries(account_of(), entries)
    assert refusal.value.name == name
    assert not AccountModelMap.objects.exists()
