"""Calls are told from words in a stream of text, wherever it is cut."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.pipeline.emulation.call_scanner import CallScanner, WrittenCall

OFFERED = ("get_weather", "find.trains")
CALL = '{"name": "get_weather", "arguments": {"city": "Москва {\\"}"}}'
MADE = WrittenCall("get_weather", '{"city": "Москва {\\"}"}')


def scanned(*pieces: str, is_cut: bool = False) -> tuple[str, list[WrittenCall]]:
    scanner = CallScanner(OFFERED)
    text = "".join(scanner.feed(piece) for piece in pieces)
    return text + scanner.finish(is_cut=is_cut), scanner.calls


FORMS = {
    "tagged": f"<tool_call>{CALL}</tool_call>",
    "tagged over lines": f"\n<tool_call>\n{CALL}\n</tool_call>\n",
    "tagged and fenced": f"```json\n<tool_call>{CALL}</tool_call>\n```",
    "never closed": f"<tool_call>{CALL}",
    "bare": CALL,
    "fenced": f"```json\n{CALL}\n```",
    "bare in a list": f"[{CALL}]",
    "as in an API": '{"tool_calls": [{"id": "1", "type": "function", "function": CALL}]}'.replace(
        "CALL", CALL
    ),
    "arguments as text": json.dumps(
        {"name": "get_weather", "arguments": '{"city": "Москва {\\"}"}'}, ensure_ascii=False
    ),
    "other keys": CALL.replace("arguments", "parameters").replace("name", "tool"),
    "chatter behind": f"<tool_call>{CALL}</tool_call>\n\nЕсли нужно что-то ещё, спрашивайте.",
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS.keys())
def test_every_form_of_a_call_is_read(text):
    assert scanned(text) == ("", [MADE])


def test_words_before_a_call_stay_without_the_blanks_between():
    assert scanned(f"Сейчас посмотрю.\n\n<tool_call>{CALL}</tool_call>") == (
        "Сейчас посмотрю.",
        [MADE],
    )


def test_several_calls_keep_their_order():
    other = '<tool_call>{"name": "find.trains", "arguments": {}}</tool_call>'
    text, calls = scanned(f"<tool_call>{CALL}</tool_call>\n{other}")
    assert text == ""
    assert calls == [MADE, WrittenCall("find.trains", "{}")]


def test_between_tags_a_call_of_an_unknown_tool_is_a_call():
    text, calls = scanned('<tool_call>{"name": "x", "arguments": {}}</tool_call>')
    assert (text, calls) == ("", [WrittenCall("x", "{}")])


WORDS = [
    "Столица России — Москва.",
    '{"name": "Казань", "arguments": {"people": 1300000}}',
    '{"city": "Казань"}',
    '```json\n{"city": "Казань", "tools": []}\n```\nВот и всё.',
    "```python\nif x < 3:\n    d = {'a': [1]}\n```",
    "Тег `<tool_call>` открывает вызов, `</tool_call>` закрывает.",
    "```python\nfound = re.search('<tool_call>(.*?)</tool_call>', text)\n```",
    "```python\nyield f'<tool_call>{written}</tool_call>'\n```\nВот и всё.",
    "a < b, c[0], {d} и <tool",
    "`код` и ``ещё``",
    '{\n  "type": "object"\n}',
    f"Ответ: {CALL}",
    f'[{CALL}, {{"name": "rm_rf", "arguments": {{}}}}]',
    f"[{CALL}, 7]",
    "{",
    "[[[",
    "``",
    '{"name": "get_we',
    '{"name": "get_weather", "arguments": 7}',
    " " * 700 + "слово" + " " * 300,
    "",
]


@pytest.mark.parametrize("text", WORDS)
def test_words_stay_words_to_the_letter(text):
    assert scanned(text) == (text, [])


def test_words_do_not_wait_for_the_end():
    scanner = CallScanner(OFFERED)
    assert scanner.feed("Столица ") == "Столица"
    assert scanner.feed("России\n") == " России"
    assert scanner.feed('{"city": ') == '\n{"city":'
    assert scanner.feed("1}") == " 1}"


@pytest.mark.parametrize("size", [3, 9])
def test_a_spoilt_call_is_a_call_with_what_there_is_of_its_arguments(size):
    text, calls = scanned(f"<tool_call>{CALL}"[:-size])
    assert text == ""
    assert calls == [WrittenCall("get_weather", MADE.arguments[: 1 - size])]


def test_a_call_that_breaks_off_before_its_arguments_is_one_with_its_text():
    text, calls = scanned(f"<tool_call>{CALL}"[:-30])
    assert text == ""
    assert calls == [WrittenCall("get_weather", CALL[:-30])]


def test_a_spoilt_bare_call_is_one_too():
    text, calls = scanned('```json\n{"name": "get_weather", "argum')
    assert text == ""
    assert calls == [WrittenCall("get_weather", '{"name": "get_weather", "argum')]


@pytest.mark.parametrize(
    "written",
    [
        '{"name": "find.trains"}',
        '{"name": "find.trains", "arguments": null}',
        '{"name": "find.trains", "arguments": ""}',
        '{"name": "find.trains", "arguments": {}, "id": 1}',
    ],
)
@pytest.mark.parametrize("form", ["{}", "<tool_call>{}</tool_call>", "```json\n{}\n```"])
def test_a_call_may_have_no_arguments(form: str, written: str):
    assert scanned(form.replace("{}", written)) == ("", [WrittenCall("find.trains", "{}")])


def test_between_tags_arguments_may_stand_beside_the_name():
    written = '{"name": "get_weather", "city": "Омск"}'
    _, calls = scanned(f"<tool_call>{written}</tool_call>")
    assert calls == [WrittenCall("get_weather", '{"city": "Омск"}')]
    assert scanned(written) == (written, [])


def test_half_a_character_in_a_call_is_an_unknown_one():
    call = '{"name": "get_weather", "arguments": {"city": "\\ud83d", "to": "\\ud83d\\udc4b"}}'
    [made] = scanned(f"<tool_call>{call}</tool_call>")[1]
    assert made.arguments == '{"city": "\ufffd", "to": "👋"}'


@pytest.mark.parametrize(
    "written",
    [
        f"<tool_call><tool_call>{CALL}</tool_call></tool_call>",
        f"<tool_call>\n```json\n{CALL}\n```\n</tool_call>",
        f"<tool_call>{CALL[:-1]}</tool_call>",
        f"<tool_call>{CALL[:-1]},}}</tool_call>",
    ],
)
def test_whole_arguments_are_found_in_a_malformed_call(written: str):
    assert scanned(written) == ("", [MADE])


def test_of_a_malformed_call_only_the_arguments_are_passed_on():
    _, calls = scanned(
        "<tool_call>{'name': 'get_weather', 'arguments': {'city': 'Омск'}}</tool_call>"
    )
    assert calls == [WrittenCall("get_weather", "{'city': 'Омск'}")]


def test_the_second_of_two_malformed_calls_is_not_lost():
    both = f"[{CALL}, {CALL},]"
    assert scanned(f"<tool_call>{both}</tool_call>")[1] == [WrittenCall("get_weather", both)]


def test_a_call_without_json_is_spoilt():
    text, calls = scanned("<tool_call>get_weather(Москва)</tool_call>")
    assert (text, calls) == ("", [WrittenCall("", "get_weather(Москва)")])


def test_a_cut_answer_is_not_blamed_for_the_call_it_began():
    assert scanned("Смотрю. <tool_call>" + CALL[:-5], is_cut=True) == ("Смотрю.", [])
    assert scanned(f"<tool_call>{CALL}", is_cut=True) == ("", [MADE])


PIECES = st.lists(
    st.sampled_from(
        [
            *FORMS.values(),
            *WORDS,
            CALL[:40],
            "\n",
            "\n\n",
            "```",
            "<tool_call>",
            "</tool_call>",
            '"',
        ]
    ),
    max_size=4,
).map("".join)


@given(text=PIECES, cuts=st.lists(st.integers(0, 400), max_size=12), is_cut=st.booleans())
def test_it_makes_no_difference_where_the_text_is_cut(text, cuts, is_cut):
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[a:b] for a, b in itertools.pairwise(places)]
    whole = scanned(text, is_cut=is_cut)
    assert scanned(*pieces, is_cut=is_cut) == whole
    assert scanned(*text, is_cut=is_cut) == whole


@given(st.text(alphabet='<>`{}[]"\\: \nатname_lo,', max_size=80))
def test_no_text_without_a_call_loses_a_letter(text):
    assert scanned(*text) == (text, [])
