"""What a server answers becomes chunks; what is no answer becomes an error."""

from typing import Any

import orjson
import pytest

from gateway.providers.chat_types import ChatChunk, JSONObject, TokenLogprob, Usage
from gateway.providers.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderProtocolError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from gateway.providers.openai_compatible.usage import read_usage
from tests.providers.openai_compatible.upstream import (
    EIGHT,
    KEY,
    NAME,
    USAGE,
    event,
    read,
    reader,
    text_of,
    whole,
    written,
)

USED = Usage(17, 4)
ONLY_USAGE = {**event(None), "choices": [], "usage": USAGE}
NESTED = b'{"a":' * 3000 + b"1" + b"}" * 3000


def test_a_stream_is_its_words_its_end_and_its_usage() -> None:
    assert read(written(*EIGHT)) == [
        ChatChunk(text="Во"),
        ChatChunk(text="семь."),
        ChatChunk(finish_reason="stop", native_finish_reason="stop"),
        ChatChunk(usage=USED),
    ]


def test_a_whole_answer_is_one_chunk() -> None:
    assert reader().whole(orjson.dumps(whole())) == ChatChunk(
        text="Восемь.", finish_reason="stop", native_finish_reason="stop", usage=USED
    )


@pytest.mark.parametrize(
    ("said", "text", "thought"),
    [
        ("<think>\nДумаю.\n</think>\n\nВосемь.", "Восемь.", "Думаю.\n"),
        ("\n<think>\n\n</think>\n\nВосемь.", "Восемь.", ""),
        ("<think>a < b, </thin>k</think>Восемь", "Восемь", "a < b, </thin>k"),
        ("<think>Не успел</th", "", "Не успел</th"),
        ("Пиши <think>так</think>.", "Пиши <think>так</think>.", ""),
        ("</think>", "</think>", ""),
        ("  <thin", "  <thin", ""),
        ("<think>а</think>б <think>в</think>", "б <think>в</think>", "а"),
    ],
)
def test_thoughts_that_a_server_leaves_before_the_text_are_parted_from_it(
    said: str, text: str, thought: str
) -> None:
    for size in (1, 3, len(said)):
        pieces = [said[at : at + size] for at in range(0, len(said), size)]
        for end in (event({}, "stop"), None):
            events = [event({"content": piece}) for piece in pieces] + ([end] if end else [])
            chunks = read(written(*events))
            assert "".join(chunk.text for chunk in chunks) == text
            assert "".join(chunk.reasoning for chunk in chunks) == thought
    answer = reader().whole(orjson.dumps(whole(said)))
    assert (answer.text, answer.reasoning) == (text, thought)


@pytest.mark.parametrize(
    ("native", "finish"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("eos_token", "stop"),
    ],
)
def test_every_finish_reason_is_mapped_and_kept(native: str, finish: str) -> None:
    for chunk in (
        reader().whole(orjson.dumps(whole("а", native))),
        read(written(event({}, native)))[0],
    ):
        assert (chunk.finish_reason, chunk.native_finish_reason) == (finish, native)


@pytest.mark.parametrize("native", ["abort", "error"])
def test_an_answer_that_the_server_broke_off_is_no_answer(native: str) -> None:
    with pytest.raises(ProviderProtocolError):
        read(written(event({"content": "Во"}), event({}, native)))


def test_a_finish_without_a_delta_is_a_finish() -> None:
    chunks = read(written(event({"content": "да"}), event(None, "stop")))
    assert chunks[-1] == ChatChunk(finish_reason="stop", native_finish_reason="stop")


def test_a_finish_reason_of_no_letters_is_none() -> None:
    chunks = read(written(event({"content": "Во"}, ""), event({"content": "семь"}, "stop")))
    assert [chunk.finish_reason for chunk in chunks] == [None, "stop"]


@pytest.mark.parametrize(
    "events",
    [
        [event({"content": "да"}), event({}, "stop"), ONLY_USAGE],
        [event({"content": "да"}), event({}, "stop", usage=USAGE)],
        [event({"content": "да"}, "stop", usage=USAGE)],
        [
            event({"content": "да"}, usage={**USAGE, "completion_tokens": 1}),
            event({}, "stop", usage={**USAGE, "completion_tokens": 3}),
            ONLY_USAGE,
        ],
        [event({"content": "да"}, usage=None), event({}, "stop", usage=None), ONLY_USAGE],
        [
            event({"content": "да"}, usage={"prompt_tokens": 0, "completion_tokens": 0}),
            event({}, "stop", usage=USAGE),
        ],
    ],
    ids=["behind", "finish", "only", "every", "nulls", "zeros"],
)
def test_usage_may_come_anywhere_and_the_last_one_wins(events: list[Any]) -> None:
    chunks = read(written(*events))
    assert text_of(chunks) == "да"
    assert [chunk.usage for chunk in chunks if chunk.usage][-1] == USED
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["stop"]


@pytest.mark.parametrize(
    ("usage", "found"),
    [
        (USAGE, USED),
        ({**USAGE, "prompt_tokens_details": {"cached_tokens": 5}}, Usage(17, 4, 5)),
        ({**USAGE, "prompt_tokens_details": {"cached_tokens": 50}}, Usage(17, 4, 17)),
        ({**USAGE, "prompt_tokens_details": {"cached_tokens": None}}, USED),
        ({**USAGE, "prompt_tokens_details": {"cached_tokens": -1}}, USED),
        ({**USAGE, "prompt_tokens_details": None}, USED),
        ({**USAGE, "completion_tokens_details": {"reasoning_tokens": 3}}, Usage(17, 4, 0, 3)),
        ({**USAGE, "completion_tokens_details": {"reasoning_tokens": 9}}, Usage(17, 4, 0, 4)),
        ({**USAGE, "completion_tokens": 0}, Usage(17, 0)),
        (None, None),
        ([], None),
        ({}, None),
        ({"prompt_tokens": 17}, None),
        ({**USAGE, "prompt_tokens": 0}, None),
        ({**USAGE, "prompt_tokens": -5}, None),
        ({**USAGE, "completion_tokens": -5}, None),
        ({**USAGE, "completion_tokens": 10**12}, None),
        ({**USAGE, "completion_tokens": 4.0}, None),
        ({**USAGE, "completion_tokens": "4"}, USED),
        ({**USAGE, "prompt_tokens_details": {"cached_tokens": "5"}}, Usage(17, 4, 5)),
        ({**USAGE, "completion_tokens": "4.0"}, None),
        ({**USAGE, "completion_tokens": "-4"}, None),
        ({**USAGE, "completion_tokens": True}, None),
    ],
)
def test_usage_is_read_or_left_out_but_never_invented(usage: Any, found: Usage | None) -> None:
    assert read_usage(usage) == found


def test_what_a_model_thinks_aloud_is_not_its_answer() -> None:
    thoughts: list[JSONObject] = [{"reasoning": "Хм"}, {"reasoning_content": "Хм", "content": None}]
    events = [*map(event, thoughts), event({"content": "да"}), event({}, "stop")]
    chunks = read(written(*events))
    assert chunks[:3] == [
        ChatChunk(reasoning="Хм"),
        ChatChunk(reasoning="Хм"),
        ChatChunk(text="да"),
    ]
    answer = reader().whole(orjson.dumps(whole("да", reasoning_content="Хм", reasoning="Хм")))
    assert (answer.text, answer.reasoning) == ("да", "Хм")
    odd = reader().whole(orjson.dumps(whole("да", reasoning={"text": "Хм"})))
    assert (odd.text, odd.reasoning) == ("да", "")


def test_a_mark_of_the_servers_own_template_is_cut_and_an_id_that_is_a_name_is_replaced() -> None:
    call = {"id": "weather", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    events = [event({"content": "[TOOL_CALL_END]"}), event({"tool_calls": [{"index": 0, **call}]})]
    chunks = read(written(*events))
    assert "".join(chunk.text for chunk in chunks) == ""
    [delta, *_] = [delta for chunk in chunks for delta in chunk.tool_calls]
    assert delta.id not in ("weather", None)
    assert chunks[-1].finish_reason == "tool_calls"


@pytest.mark.parametrize("size", range(1, 16))
def test_the_mark_is_cut_also_where_it_comes_in_pieces(size: int) -> None:
    said = "до [TOOL_CALL_END]после[TOOL_CALL_END]"
    pieces = [said[start : start + size] for start in range(0, len(said), size)]
    events = [event({"content": piece}) for piece in pieces]
    assert text_of(read(written(*events, event({}, "stop")))) == "до после"
    assert text_of(read(written(*events))) == "до после"


@pytest.mark.parametrize("end", [[event({}, "stop")], []], ids=["finished", "by DONE alone"])
def test_what_only_begins_like_the_mark_is_text(end: list[JSONObject]) -> None:
    pieces = ["[TOOL", "S] [", "[", "TOOL_CALL_", "ENDS] [TOOL_CALL_END"]
    chunks = read(written(*(event({"content": piece}) for piece in pieces), *end))
    assert text_of(chunks) == "".join(pieces)
    assert chunks[0].text == "[TOOLS] "


def test_probabilities_of_words_that_are_held_back_come() -> None:
    held = event({"content": "["})
    held["choices"][0]["logprobs"] = {"content": [{"token": "[", "logprob": -1}]}
    chunks = read(written(held, event({"content": "1]"}), event({}, "stop")))
    assert text_of(chunks) == "[1]"
    assert chunks[0].logprobs == (TokenLogprob("[", -1.0),)


def test_probabilities_come_with_their_words_and_what_is_odd_is_left_out() -> None:
    chosen = {
        "token": "да",
        "logprob": -0.5,
        "bytes": [208],
        "top_logprobs": [{"token": "нет", "logprob": -1}],
    }
    answer = whole("да")
    answer["choices"][0]["logprobs"] = {"content": [chosen, 5, {"token": 1}], "refusal": None}
    found = reader().whole(orjson.dumps(answer)).logprobs
    assert found == (TokenLogprob("да", -0.5, (("нет", -1.0),)),)
    answer["choices"][0]["logprobs"] = {"content": "nonsense"}
    assert reader().whole(orjson.dumps(answer)).logprobs == ()


def test_a_refusal_is_told_apart_from_the_text() -> None:
    chunk = reader().whole(orjson.dumps(whole(None, refusal="Нет.")))
    assert (chunk.text, chunk.refusal, chunk.finish_reason) == ("", "Нет.", "stop")


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\n", b"\r\n"])
def test_line_ends_of_any_kind_are_taken(end: bytes) -> None:
    data = written(*EIGHT).replace(b"\n\n", end)
    assert read(data) == read(written(*EIGHT))


def test_comments_events_and_fields_unknown_are_passed_over() -> None:
    odd = b": ping\n\nevent: chunk\nid: 1\n"
    data = odd + b"".join(written(item, done=False) + odd for item in EIGHT) + b"data: [DONE]\n\n"
    assert read(data) == read(written(*EIGHT))


def test_an_event_over_several_lines_is_one() -> None:
    pretty = [orjson.dumps(item, option=orjson.OPT_INDENT_2) for item in EIGHT]
    data = b"".join(b"data: " + item.replace(b"\n", b"\ndata: ") + b"\n\n" for item in pretty)
    assert read(data + b"data: [DONE]\n\n") == read(written(*EIGHT))


def test_a_missing_mark_behind_a_finish_reason_is_tolerated() -> None:
    assert read(written(*EIGHT, done=False)) == read(written(*EIGHT))


def test_a_mark_without_a_finish_reason_is_an_orderly_end() -> None:
    last = read(written(event({"content": "да"})))[-1]
    assert (last.finish_reason, last.native_finish_reason) == ("stop", None)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"data: [DONE]\n\n", b": ping\n\n", b"<html>\n\n"])
def test_a_stream_that_says_nothing_is_no_answer(data: bytes) -> None:
    with pytest.raises(ProviderProtocolError):
        read(data)


def test_cut_anywhere_a_stream_is_an_error_or_whole() -> None:
    data = written(*EIGHT)
    finished = data.index(b'"stop"}]}') + len(b'"stop"}]}')
    for size in range(len(data)):
        if size < finished:
            with pytest.raises(ProviderProtocolError):
                read(data[:size])
        else:
            assert text_of(read(data[:size])) == "Восемь."


def without(*path: str | int, by: Any = None) -> Any:
    """Spoil one place of a good event."""
    spoilt: Any = event({"content": "да"}, "stop")
    place = spoilt
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = by
    return spoilt


@pytest.mark.parametrize(
    "spoilt",
    [
        None,
        5,
        [],
        "текст",
        {},
        without("choices"),
        without("choices", by={}),
        without("choices", by="nonsense"),
        without("choices", by=[None]),
        without("choices", 0, by=[]),
        without("choices", 0, "delta", by="да"),
        without("choices", 0, "delta", by=[]),
        without("choices", 0, "delta", by={"content": 5}),
        without("choices", 0, "delta", by={"content": ["да"]}),
        without("choices", 0, "delta", by={"refusal": {}}),
        without("choices", 0, "finish_reason", by=5),
        without("choices", 0, "finish_reason", by={}),
    ],
)
def test_what_is_no_answer_is_a_protocol_error(spoilt: Any) -> None:
    with pytest.raises(ProviderProtocolError) as caught:
        read(written(event({"content": "Во"}), spoilt, *EIGHT))
    assert (caught.value.provider, caught.value.status) == (NAME, 200)
    body = orjson.dumps(spoilt).replace(b'"delta"', b'"message"')
    with pytest.raises(ProviderProtocolError):
        reader().whole(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff\xfe",
        NESTED,
        orjson.dumps(whole())[:-3],
        orjson.dumps(whole("а", None)),
        orjson.dumps({**whole(), "choices": []}),
        orjson.dumps(whole()).replace(b'"message"', b'"delta"'),
    ],
)
def test_a_whole_answer_that_is_none_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(ProviderProtocolError):
        reader().whole(body)


@pytest.mark.parametrize("malformed", [b"<html>", b'{"choices": [', b'"\xff\xfe"', NESTED, b"{}{}"])
def test_rubbish_in_mid_stream_is_a_protocol_error(malformed: bytes) -> None:
    good = written(event({"content": "Во"}), done=False)
    with pytest.raises(ProviderProtocolError):
        read(good + b"data: " + malformed + b"\n\n" + written(*EIGHT))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"error": {"message": "why", "code": 500}}, ProviderUnavailable),
        ({"error": {"message": "why", "type": "server_error", "code": None}}, ProviderUnavailable),
        ({"error": {"message": "why", "code": 429}}, ProviderRateLimited),
        ({"error": {"message": "why", "code": "429"}}, ProviderRateLimited),
        ({"error": {"message": "why", "code": "rate_limit_exceeded"}}, ProviderRateLimited),
        ({"error": {"message": "why", "type": "BadRequestError", "code": 400}}, ProviderRejected),
        ({"error": {"message": "why", "type": "invalid_request_error"}}, ProviderRejected),
        ({"error": {"message": "why", "code": "invalid_api_key"}}, ProviderAuthError),
        ({"error": {"message": "why", "code": 200}}, ProviderUnavailable),
        ({"error": {"message": "q", "grpcCode": 8, "httpCode": 429}}, ProviderRateLimited),
        ({"error": {"message": "q", "grpc_code": 3, "http_code": 400}}, ProviderRejected),
        ({"object": "error", "message": "why", "code": 400}, ProviderRejected),
        ({"error": "why"}, ProviderUnavailable),
        ({"error": {}}, ProviderUnavailable),
        ({"error": {"message": "why", "code": 502}, **event({}, "error")}, ProviderUnavailable),
    ],
)
def test_an_error_inside_an_answer_is_of_the_kind_it_names(
    error: Any, kind: type[ProviderError]
) -> None:
    with pytest.raises(kind) as caught:
        read(written(event({"content": "Во"}), error))
    assert type(caught.value) is kind
    with pytest.raises(kind):
        reader().whole(orjson.dumps(error))


def test_an_error_inside_an_answer_shows_no_secret() -> None:
    with pytest.raises(ProviderUnavailable) as caught:
        read(written({"error": {"message": f"bad {KEY}"}}))
    assert KEY not in f"{caught.value.message} {caught.value.raw}"
    assert "bad ***" in (caught.value.raw or "")
