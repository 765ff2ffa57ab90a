"""Several prompts, and several answers to each, are asked for one by one and come as choices of one answer."""

import pytest

from gateway.pipeline.emulation.wrappers import with_wrappers
from gateway.pipeline.request import parts
from gateway.providers.chat_types import ChatChunk, ChatRequest, Message, Tool, Usage
from gateway.providers.errors import ProviderRateLimited
from gateway.providers.tick import TICK
from tests.pipeline.wrapper_chats import (
    EMULATED,
    NATIVE,
    ScriptedModel,
    call,
    chunks_in,
    layered,
    words,
)

BATCH = ChatRequest((Message("user", "раз"), Message("user", "два")), is_batch=True, max_tokens=9)


def test_each_prompt_is_asked_for_by_itself() -> None:
    model = ScriptedModel([words("1"), words("2")])

    list(layered(model, NATIVE)(BATCH))

    assert model.asked == [
        BATCH._replace(messages=(message,), is_batch=False) for message in BATCH.messages
    ]


def test_a_plain_request_is_passed_on_as_it_is() -> None:
    request = ChatRequest((Message("user", "раз"), Message("user", "два")))

    assert parts(request) == (request,)
    assert parts(request)[0] is request


def test_each_prompt_is_asked_as_often_as_n_says() -> None:
    model = ScriptedModel([words(str(number)) for number in range(4)])

    chunks = chunks_in(layered(model, NATIVE)(BATCH._replace(n=2)))

    first, second = (
        BATCH._replace(messages=(message,), is_batch=False) for message in BATCH.messages
    )
    assert model.asked == [first, first, second, second]
    assert [(c.choice, c.text) for c in chunks if c.text] == [
        (number, str(number)) for number in range(4)
    ]


def test_a_dialogue_is_asked_as_often_as_n_says() -> None:
    dialogue = BATCH._replace(is_batch=False)
    model = ScriptedModel([words("1", usage=Usage(5, 1)), words("2", usage=Usage(5, 3, 4))])

    chunks = chunks_in(layered(model, NATIVE)(dialogue._replace(n=2)))

    assert model.asked == [dialogue, dialogue]
    assert [c.choice for c in chunks if c.finish_reason] == [0, 1]
    assert chunks[-1].usage == Usage(10, 4, 4)


def test_calls_of_each_choice_are_numbered_anew_and_have_ids_of_their_own() -> None:
    model = ScriptedModel([words('<tool_call>{"name": "f", "arguments": {}}</tool_call>')] * 2)
    request = ChatRequest((Message("user", "раз"),), tools=(Tool("f"),), n=2)

    chunks = chunks_in(with_wrappers(model, EMULATED, provider="p")(request))

    calls = [(c.choice, call) for c in chunks for call in c.tool_calls]
    assert [(choice, call.index) for choice, call in calls] == [(0, 0), (1, 0)]
    assert len({call.id for _, call in calls}) == 2


def test_an_id_that_a_provider_gives_twice_is_made_anew() -> None:
    model = ScriptedModel([call("f", "{}")] * 2)
    request = ChatRequest((Message("user", "раз"),), tools=(Tool("f"),), n=2)

    chunks = chunks_in(with_wrappers(model, NATIVE, provider="p")(request))

    first, second = (call.id for chunk in chunks for call in chunk.tool_calls)
    assert first != second


def test_choices_come_in_order_each_with_its_end_and_usage_as_a_sum() -> None:
    first, second = Usage(5, 1, 2), Usage(7, 3, source="estimated")
    model = ScriptedModel(
        [words("1", usage=first), [*words("2", finish="length", usage=second), TICK]]
    )

    chunks = chunks_in(layered(model, NATIVE)(BATCH))

    assert [(c.choice, c.text, c.finish_reason) for c in chunks[:-1]] == [
        (0, "1", None),
        (0, "", "stop"),
        (1, "2", None),
        (1, "", "length"),
    ]
    assert chunks[-1] == ChatChunk(usage=Usage(12, 4, 2, source="estimated"), choice=1)
    assert not any(chunk.usage for chunk in chunks[:-1])


def test_usage_is_unknown_where_that_of_one_is() -> None:
    model = ScriptedModel([words("1", usage=Usage(5, 1)), words("2")])

    assert not any(chunk.usage for chunk in chunks_in(layered(model, NATIVE)(BATCH)))


def test_what_a_filter_refused_is_not_counted() -> None:
    model = ScriptedModel(
        [words("нет", finish="content_filter", usage=Usage(5, 1)), words("2", usage=Usage(7, 3))]
    )

    assert chunks_in(layered(model, NATIVE)(BATCH))[-1].usage == Usage(7, 3)


def test_nothing_of_a_plain_batch_comes_before_all_of_it() -> None:
    model = ScriptedModel([words("1"), [TICK, ProviderRateLimited("busy", provider="p")]])
    steps = layered(model, NATIVE)(BATCH)

    assert next(steps) is TICK
    with pytest.raises(ProviderRateLimited):
        next(steps)


def test_the_choices_of_a_streamed_batch_do_not_wait_for_each_other() -> None:
    model = ScriptedModel([words("1"), [ProviderRateLimited("busy", provider="p")]])
    steps = layered(model, NATIVE)(BATCH._replace(stream=True))

    first = next(steps)

    assert isinstance(first, ChatChunk)
    assert first.text == "1"


def test_the_failure_of_one_ends_all() -> None:
    model = ScriptedModel([words("1"), [ProviderRateLimited("busy", provider="p")]])

    with pytest.raises(ProviderRateLimited):
        list(layered(model, NATIVE)(BATCH))
    assert model.open_answers == 0
