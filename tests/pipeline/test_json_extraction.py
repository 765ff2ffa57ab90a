"""JSON is found in what models write around it, and never made up."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.pipeline.emulation.structured_output import documents

DOCUMENT = '{\n  "a": [1, "x}"],\n  "б": "``` нет"\n}'


@pytest.mark.parametrize(
    "text",
    [
        DOCUMENT,
        f"  {DOCUMENT}\n",
        f"\ufeff{DOCUMENT}",
        f"```json\n{DOCUMENT}\n```",
        f"```\n{DOCUMENT}\n```\nВот так.",
        f"Конечно! Вот:\n\n{DOCUMENT}\n\nСпрашивайте ещё.",
        f"Вот {{так}}: {DOCUMENT}",
    ],
)
def test_the_document_comes_as_the_model_wrote_it(text):
    assert [found for found, _ in documents(text)][:1] == [DOCUMENT]


@pytest.mark.parametrize(
    "text",
    ["", "Нет.", '{"a": 1,}', "{'a': 1}", '{"a": NaN}', '{"a": 1', '{"a": "\ud800"}', "[" * 5000],
)
def test_what_is_no_json_is_not_mended(text):
    assert list(documents(text)) == []


def test_several_documents_come_in_their_order():
    assert [value for _, value in documents('{"a": 1} или [2] или {"c": 3}')] == [
        {"a": 1},
        [2],
        {"c": 3},
    ]


@pytest.mark.parametrize("text", ['"Казань"', "12", "true"])
def test_a_bare_value_counts_where_it_stands_alone(text):
    assert list(documents(f" {text} ")) == [(text, json.loads(text))]
    assert list(documents(f"Ответ: {text}")) == []


def test_a_flood_of_brackets_ends():
    assert list(documents("{" * 100_000)) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=4), JSON, max_size=3), st.booleans())
def test_any_object_is_found_in_prose(value, is_ascii):
    text = json.dumps(value, ensure_ascii=is_ascii, indent=2)
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    assert next(documents(f"Вот:\n{text}\nВсё."), None) == (text, value)
