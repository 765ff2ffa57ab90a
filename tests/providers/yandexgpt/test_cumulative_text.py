"""Cumulative, sometimes revised texts become increments that repeat nothing."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.yandexgpt.cumulative_text import CumulativeText

WORDS = st.lists(st.sampled_from(["да", "нет", "а", "Б", "x.", "—"]), min_size=1, max_size=8)
SPACED = st.text(st.sampled_from("аб \n\t—👍"), max_size=30)


def told(*texts: str) -> tuple[list[str], list[bool]]:
    """Feed `texts`, the last one as final; give the increments and which were revisions."""
    growing = CumulativeText()
    last = len(texts) - 1
    steps = [growing.advance(text, final=index == last) for index, text in enumerate(texts)]
    return [step[0] for step in steps], [step[1] for step in steps]


def test_the_last_word_waits_for_the_next() -> None:
    assert told("Ка", "Казань стоит", "Казань стоит на", "Казань стоит на Волге") == (
        ["", "Казань ", "стоит ", "на Волге"],
        [False] * 4,
    )


def test_white_space_behind_the_last_word_waits_with_it() -> None:
    assert told("раз два \n", "раз два, три")[0] == ["раз ", "два, три"]


def test_a_revised_last_word_is_no_revision() -> None:
    assert told("Столица — Каза", "Столица — Москва")[0] == ["Столица — ", "Москва"]
    assert not any(told("Столица — Каза", "Столица — Москва")[1])


def test_a_revised_word_stays_and_the_common_part_is_not_repeated() -> None:
    texts = ["Столица Франции — Лион, это", "Столица Франции — Париж, на Сене"]
    assert told(*texts) == (["Столица Франции — Лион, ", "Париж, на Сене"], [False, True])


def test_a_revised_word_is_told_whole_even_if_it_begins_alike() -> None:
    assert told("один Петр и", "один Павел и я")[0] == ["один Петр ", "Павел и я"]


def test_growth_after_a_revision_is_told_as_growth() -> None:
    texts = ["a bbb c", "a xxx c", "a xxx c d", "a xxx c d e"]
    assert told(*texts) == (["a bbb ", "xxx ", "c ", "d e"], [False, True, False, False])


def test_a_text_that_changes_to_and_fro_is_not_repeated() -> None:
    texts = ["a bbb c", "a xxx c", "a bbb c d", "a bbb c d e"]
    assert told(*texts)[0] == ["a bbb ", "xxx ", "c ", "d e"]


def test_what_follows_a_revised_word_is_not_told_again() -> None:
    texts = ["раз дав три четыре", "раз два три четыре", "раз два три четыре пять шесть"]
    assert told(*texts) == (["раз дав три ", "", "четыре пять шесть"], [False, True, False])


def test_a_far_revision_does_not_repeat_the_long_text_behind_it() -> None:
    rest = "привет» и ушёл домой спать до самого утра, потому что"
    texts = [f'Он сказал "{rest}', f"Он сказал «{rest} устал."]
    assert told(*texts) == (
        [f'Он сказал "{rest.removesuffix("что")}', "что устал."],
        [False, True],
    )


def test_a_far_off_echo_does_not_swallow_new_text() -> None:
    texts = ["видел кошку и пса", "видел в парке собаку, кота, ёжика и пса"]
    assert told(*texts)[0] == ["видел кошку и ", "в парке собаку, кота, ёжика и пса"]


def test_a_text_that_falls_behind_for_a_moment_is_no_revision() -> None:
    assert told("a b c d", "a b", "a b c d e") == (["a b c ", "", "d e"], [False] * 3)


def test_a_final_text_shorter_than_what_was_told_is_named() -> None:
    assert told("a b c d", "a b") == (["a b c ", ""], [False, True])


def test_a_final_text_without_the_last_white_space_is_no_revision() -> None:
    assert told("a b c", "a b") == (["a b ", ""], [False, False])


def test_an_empty_final_text_lets_go_of_the_last_word() -> None:
    assert told("Сейчас посмотрю", "") == (["Сейчас ", "посмотрю"], [False, False])


def test_a_text_without_words_is_told_at_the_end() -> None:
    assert told(" ", " \n")[0] == ["", " \n"]


@given(st.text(max_size=40) | SPACED, st.lists(st.integers(0, 40), max_size=8))
def test_growing_texts_are_told_exactly(text: str, cuts: list[int]) -> None:
    increments, revised = told(*[text[:cut] for cut in sorted(cuts)], text)
    assert "".join(increments) == text
    assert not any(revised)


@given(st.lists(WORDS, min_size=1, max_size=12))
def test_no_leading_run_of_words_is_told_twice(texts: list[list[str]]) -> None:
    growing = CumulativeText()
    known: set[tuple[str, ...]] = set()
    for index, words in enumerate(texts):
        increment, _ = growing.advance(" ".join(words), final=index == len(texts) - 1)
        fresh = increment.split()
        settled = words if index == len(texts) - 1 else words[:-1]
        if not fresh:
            continue
        begin = len(settled) - len(fresh)
        assert settled[begin:] == fresh
        for end in range(begin + 1, len(settled) + 1):
            assert tuple(settled[:end]) not in known
        known.update(tuple(settled[:end]) for end in range(1, len(settled) + 1))


@given(st.lists(WORDS, min_size=1, max_size=12))
def test_a_text_told_otherwise_than_it_ended_was_named(texts: list[list[str]]) -> None:
    increments, revised = told(*[" ".join(words) for words in texts])
    if "".join(increments).rstrip() != " ".join(texts[-1]):
        assert any(revised)
