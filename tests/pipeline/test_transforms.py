"""`middle-out` leaves out the middle, keeps the ends, and never parts a call from its result."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.pipeline.routing.middle_out import ELLIPSIS, middle_out
from gateway.pipeline.token_estimate import prompt_tokens
from gateway.providers.chat_types import ChatRequest, Message, ToolCall
from gateway.providers.profile import ModelProfile

SMALL = ModelProfile(context_tokens=400, max_output_tokens=100)


def _request(*messages: Message) -> ChatRequest:
    return ChatRequest(messages=messages)


def test_a_prompt_that_fits_is_left_alone() -> None:
    request = _request(Message("user", "Привет"))

    assert middle_out(request, SMALL) is request


def test_the_middle_goes_first() -> None:
    turns = [Message("user", f"{number} " + "слово " * 40) for number in range(9)]

    kept = middle_out(_request(Message("system", "Ты помощник."), *turns), SMALL).messages

    assert kept[0].role == "system"
    assert kept[1] == turns[0]
    assert kept[-1] == turns[-1]
    assert prompt_tokens(_request(*kept)) <= 300


def test_a_call_goes_with_its_result() -> None:
    call = ToolCall("c1", "f", '{"a": "' + "х" * 300 + '"}')
    request = _request(
        Message("user", "начало"),
        Message("assistant", tool_calls=(call,)),
        Message("tool", "результат " * 60, tool_call_id="c1", name="f"),
        Message("user", "конец " * 60),
    )

    kept = middle_out(request, SMALL).messages

    assert [message.role for message in kept] == ["user", "user"]


def test_one_message_that_is_too_long_loses_its_own_middle() -> None:
    text = "начало " + "середина " * 1000 + "конец"

    kept = middle_out(_request(Message("user", text)), SMALL).messages[0].content

    assert kept.startswith("начало")
    assert kept.endswith("конец")
    assert ELLIPSIS in kept
    assert prompt_tokens(_request(Message("user", kept))) <= 310


def test_two_messages_that_are_too_long_both_lose_their_middles() -> None:
    messages = [Message("user", "слово " * 1000), Message("user", "другое " * 1000)]

    kept = middle_out(_request(*messages), SMALL).messages

    assert all(ELLIPSIS in message.content for message in kept)
    assert prompt_tokens(_request(*kept)) <= 310


def _turn(*arguments: str, result: str = "ок") -> ChatRequest:
    """Return a dialogue that ends with calls of these arguments and their results."""
    calls = tuple(ToolCall(f"c{index}", "write", text) for index, text in enumerate(arguments))
    results = [Message("tool", result, tool_call_id=call.id, name="write") for call in calls]
    return _request(Message("user", "Запиши"), Message("assistant", tool_calls=calls), *results)


@pytest.mark.parametrize("is_ascii", [True, False])
def test_long_arguments_of_the_last_turn_lose_the_middles_of_their_texts(is_ascii: bool) -> None:
    written = {
        "path": "a.txt",
        "parts": [{"text": "начало " + "слово\n" * 900 + " конец"}],
        "n": 10**20,
    }
    request = _turn(json.dumps(written, ensure_ascii=is_ascii))

    kept = middle_out(request, SMALL)

    found = json.loads(kept.messages[1].tool_calls[0].arguments)
    [part] = found.pop("parts")
    assert found == {"path": "a.txt", "n": 10**20}
    assert part["text"].startswith("начало")
    assert part["text"].endswith("конец")
    assert ELLIPSIS in part["text"]
    assert prompt_tokens(kept) <= 310
    assert kept.messages[2] == request.messages[2]


@pytest.mark.parametrize(
    "arguments",
    [
        "{" + "слово " * 900,
        json.dumps("слово " * 900),
        json.dumps({"numbers": list(range(2000))}),
        json.dumps({f"key {number}": "ы" for number in range(500)}),
        json.dumps({"text": '\n"\\' * 900}),
        '{"a":' * 400 + '"б"' + "}" * 400,
        '{"a": ' + "[" * 1200 + "]" * 1200 + "}",
    ],
    ids=["broken", "a text", "numbers", "many keys", "escapes", "deep", "too deep"],
)
def test_arguments_of_any_shape_become_a_short_object(arguments: str) -> None:
    kept = middle_out(_turn(arguments), SMALL)

    assert isinstance(json.loads(kept.messages[1].tool_calls[0].arguments), dict)
    assert prompt_tokens(kept) <= 310


def test_many_long_calls_and_results_of_one_turn_are_all_shortened() -> None:
    long = json.dumps({"text": "слово " * 200}, ensure_ascii=False)
    roomy = ModelProfile(context_tokens=2000, max_output_tokens=100)

    kept = middle_out(_turn(*[long] * 20, result="итог " * 200), roomy)

    assert len(kept.messages) == 22
    assert len(kept.messages[1].tool_calls) == 20
    assert prompt_tokens(kept) <= 1900


@given(st.lists(st.text(max_size=600), min_size=1, max_size=12))
def test_the_last_message_always_stays(texts: list[str]) -> None:
    messages = [Message("user", text) for text in texts]

    kept = middle_out(_request(*messages), SMALL).messages

    assert kept
    assert kept[-1].content[:5] == texts[-1][:5]
