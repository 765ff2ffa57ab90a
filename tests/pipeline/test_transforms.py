"""`middle-out` leaves out the middle, keeps the ends, and never parts a call from its result."""

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


@given(st.lists(st.text(max_size=600), min_size=1, max_size=12))
def test_the_last_message_always_stays(texts: list[str]) -> None:
    messages = [Message("user", text) for text in texts]

    kept = middle_out(_request(*messages), SMALL).messages

    assert kept
    assert kept[-1].content[:5] == texts[-1][:5]
