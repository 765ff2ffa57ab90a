"""Stop sequences cut the text at the same place however it was split into chunks."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.pipeline.emulation.stop_sequences import stop_at
from gateway.providers.chat_types import ChatChunk, TokenLogprob, Usage
from gateway.providers.tick import TICK
from tests.pipeline.wrapper_chats import chunks_in

TEXT = st.text(alphabet="ab#\nя", max_size=40)
SEQUENCES = st.lists(st.text(alphabet="ab#\nя", min_size=1, max_size=4), min_size=1, max_size=4)


def _cut(text: str, sequences: list[str]) -> str:
    found = [at for at in (text.find(sequence) for sequence in sequences) if at >= 0]
    return text[: min(found)] if found else text


@given(st.lists(TEXT, min_size=1, max_size=8), SEQUENCES)
def test_the_text_ends_before_the_first_sequence_for_every_split(
    pieces: list[str], sequences: list[str]
) -> None:
    chunks = [ChatChunk(text=piece) for piece in pieces]
    chunks.append(ChatChunk(finish_reason="length"))

    answer = chunks_in(stop_at(chunks, tuple(sequences)))

    whole = "".join(pieces)
    expected = _cut(whole, sequences)
    assert "".join(chunk.text for chunk in answer) == expected
    assert answer[-1].finish_reason == ("length" if expected == whole else "stop")


def test_what_cannot_begin_a_sequence_is_not_held_back() -> None:
    answer = stop_at([ChatChunk(text="Привет, м"), ChatChunk(text="ир")], ("###",))

    assert next(answer) == ChatChunk(text="Привет, м")


def test_a_tick_stays_a_tick_while_text_is_held_back() -> None:
    answer = stop_at([ChatChunk(text="#"), TICK, ChatChunk(text="!")], ("##",))

    assert list(answer) == [ChatChunk(), TICK, ChatChunk(text="#!")]


def test_usage_of_the_chunks_is_kept() -> None:
    usage = Usage(3, 4)

    (chunk,) = chunks_in(stop_at([ChatChunk(text="а", usage=usage)], ("б",)))
    assert chunk.usage == usage


def test_what_a_filter_says_is_not_searched() -> None:
    said = ChatChunk(text="Не могу", finish_reason="content_filter")
    assert chunks_in(stop_at([said], ("могу",))) == [said]


def test_tokens_behind_the_cut_are_not_told() -> None:
    tokens = tuple(TokenLogprob(token, -0.1) for token in ("один", " два", " три", " четыре"))
    whole = ChatChunk(text="один два три четыре", finish_reason="stop", logprobs=tokens)

    [cut] = chunks_in(stop_at([whole], (" три",)))
    assert (cut.text, cut.logprobs) == ("один два", tokens[:2])

    held = ChatChunk(text="один д", logprobs=tokens[:1])
    *_, cut = chunks_in(
        stop_at([held, whole._replace(text="ва три", logprobs=tokens[1:])], ("два",))
    )
    assert (cut.text, cut.logprobs) == ("", ())
