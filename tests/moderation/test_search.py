"""What a search finds: words in their forms, what is near them, and both in every disguise."""

import itertools
import sys

import pytest

from gateway.moderation.live import TEST_RULE
from gateway.moderation.rules import SearchRule
from gateway.moderation.search import FLAGGED_INPUT_CHARACTERS, Search
from tests.moderation.written import rule, search

SOLD = search(rule("огурец, самогонный аппарат, чернозём*, cucumber", "купить, =buy"))
TEST = Search([TEST_RULE])


@pytest.mark.parametrize(
    "text",
    [
        "Купить огурец",
        "где огурцы купили",
        "Куплю самогонные аппараты!",
        "купить: черноземный грунт",
        "buy a cucumber",
        "КУПИ\u0301ТЬ ОГУРЕ\u0301Ц",
        "куп\u200bить огу\u00adрец",
        "купить \u202eогурец",
        "купить oгypeц",  # Latin o, y, p, e
        "buу а сuсumbеr",  # Cyrillic у, а, с, е
        "buy a ｃｕｃｕｍｂｅｒ",
        "buy a 𝐜𝐮𝐜𝐮𝐦𝐛𝐞𝐫",
        "buy a cųćumbęr",
        "купить ὀгуρец",
        "к у п и т ь  о г у р е ц",
        "к.у.п.и.т.ь о-г-у-р-е-ц",
        "купить огу рец",
        "купить о\nг\nу\nр\nе\nц",
        "купить черно зем",
        "купить черно\nзем",
        "куп1ть 0гур3ц",
        "buy a cucumb3r",
        "купииить огуууурец",
        "kupit ogurec",
        "kupit' chernozem",
        "купить огурец" + "\U000e0061",
        "buy a " + "".join(chr(0xE0000 + ord(letter)) for letter in "cucumber"),
    ],
)
def test_a_disguise_hides_nothing(text: str) -> None:
    [broken] = SOLD.find(["Привет.", text])

    assert broken.rule.category == "drugs"
    assert 0 < len(broken.excerpt) <= FLAGGED_INPUT_CHARACTERS


@pytest.mark.parametrize(
    "text",
    [
        "Огурец полезен",
        "купить хлеба, а потом ещё молока, сыра и масла; огурец не нужен",
        "купить самогонный",
        "купить огуречный лосьон",
        "Купить билет. Гурец — фамилия",
        "о г у р е ц",
        "",
        "\0",
        "\ud800",
        "漢字😀",
    ],
)
def test_what_is_not_meant_passes(text: str) -> None:
    assert SOLD.find([text]) == []


def test_a_phrase_is_found_wherever_it_is_cut_into_messages() -> None:
    phrase = "xrouter-moderation-test"
    cuts = [(phrase[:at], phrase[at:]) for at in range(1, len(phrase))]
    cuts += [("купить огу", "рец"), ("купить", "огурец"), ("kupit og", "urec")]

    assert [texts for texts in cuts if not SOLD.find(texts) and not TEST.find(texts)] == []
    assert [texts for texts in cuts if SOLD.find(texts, are_apart=True)] == []
    assert [texts for texts in cuts if TEST.find(texts, are_apart=True)] == []


def test_many_words_in_pieces_hide_none_that_stands_where_it_is_forbidden() -> None:
    harmless = "черно зем, " * 200

    assert SOLD.find([harmless]) == []
    assert SOLD.find([harmless + "слово " * 100 + "купить черно зем"])


def test_a_word_must_be_as_near_as_the_rule_says() -> None:
    near = search(rule("огурец", "купить", within_words=2))

    assert near.find(["купить свежий огурец"])
    assert near.find(["огурец надо купить"])
    assert not near.find(["купить очень свежий огурец"])
    far = "слово " * 5000
    assert near.find([far + "огурец " + far + "огурец купить " + far])


def test_every_group_is_needed_and_an_exception_excuses() -> None:
    groups = search(rule("огурец", "купить,\nпродать\nтайно", "=для =салата"))

    assert groups.find(["тайно продам огурец"])
    assert not groups.find(["продам огурец"])
    assert not groups.find(["тайно продам огурец для салата"])


def test_a_pattern_is_matched_with_the_folded_text() -> None:
    pattern = search(rule(pattern=r"гр(ядк|ёбан)[а-й] №?\d+"))

    assert pattern.find(["Ряд: ГРЯДКА  7"]) == []
    assert pattern.find(["Ряд: ГРЯДКА 7, там"])[0].excerpt.startswith("ГРЯДКА 7")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("xrouter-moderation-test", "xrouter-moderation-test"),
        ("скажи xrouter-moderation-test", "xrouter-moderation-test"),
        ("скажи: xrouter   moderation test", ": xrouter   moderation test"),
        ("скажи xrou ter-mod eration-test", "xrou ter-mod eration-test"),
        ("скажи xrouter-moder ation-test", "xrouter-moder ation-test"),
        ("скажи x r o u t e r-moderation-test", "x r o u t e r-moderation-test"),
        ("а " * 5_000 + "xrouter-moderation-test", "xrouter-moderation-test"),
    ],
)
def test_the_excerpt_begins_where_the_phrase_does(said: str, shown: str) -> None:
    [broken] = TEST.find([f"{said} пожалуйста"])

    assert broken.excerpt == f"{shown} пожалуйста"


def test_the_excerpt_shows_the_place_within_a_long_text() -> None:
    before = "Ещё одно предложение\u00ad с 😀 и é. " * 9000

    [broken] = SOLD.find(["Начало", before + "Хочу купить огурец сегодня. " + before])

    assert "купить огурец" in broken.excerpt
    assert len(broken.excerpt) <= FLAGGED_INPUT_CHARACTERS


def test_each_rule_is_named_once_in_their_order() -> None:
    rules = [rule("огурец", name="first"), rule("огурец, тыква", name="second", tier="paid")]

    found = search(*rules).find(["огурец и огурец", "тыква"])

    assert [each.rule.name for each in found] == ["first", "second"]
    assert [each.rule.applies(is_free=True) for each in found] == [True, False]


@pytest.mark.parametrize(
    "unit", ["купить ", "огурец ", "о г у р е ц ", "0гурец", "ogu рец ", "a1", "ａb"]
)
def test_the_work_grows_with_the_text_alone(unit: str) -> None:
    """Compared by steps of the interpreter, which no load of the machine changes."""

    def steps(length: int) -> int:
        counted = itertools.count()
        text = unit * (length // len(unit))
        sys.setprofile(lambda *event: next(counted))
        try:
            SOLD.find([text])
        finally:
            sys.setprofile(None)
        return next(counted)

    assert steps(80_000) < 2.5 * steps(40_000) + 1000


def test_what_an_edit_leaves_alone_is_taken_over() -> None:
    first, second = rule("огурец", name="first").as_rule(), rule("тыква", name="second").as_rule()
    before = Search([first, second])
    changed = rule("кабачок", name="second").as_rule()

    after = Search([changed, first], before)

    found = after.find(["огурец, тыква, кабачок"])
    assert [each.rule.name for each in found] == ["second", "first"]
    assert "кабачок" in found[0].excerpt


def test_a_search_of_no_rules_finds_nothing() -> None:
    assert Search([]).find(["купить огурец"]) == []
    assert Search([SearchRule(name="x", category="hate")]).find(["x"]) == []
