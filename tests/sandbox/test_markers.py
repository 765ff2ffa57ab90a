"""How marker words are read, and the silences they put into an answer."""

from collections.abc import Iterable

from sandbox.core.controls import Settings
from sandbox.core.conversation import Conversation
from sandbox.core.exchange import EVENT_STREAM, Piece, SandboxResponse
from sandbox.core.markers import read_markers, without_markers
from sandbox.core.scenario import Scenario
from sandbox.gigachat.emulator import GigaChatEmulator
from tests.sandbox.chats import chat

EMULATOR = GigaChatEmulator(Settings(), Scenario())


def marked(text: str, *, streamed: bool = True) -> SandboxResponse:
    """Return an answer of four pieces after the faults that the words ask for."""
    pieces = [Piece(b"a"), Piece(b"b", 0.01), Piece(b"c", 0.01), Piece(b"d", 0.01)]
    answer = SandboxResponse(200, EVENT_STREAM, pieces, streamed=streamed)
    for fault in read_markers(chat(text)).faults():
        answer = fault.change(answer, EMULATOR)
    return answer


def waits(pieces: Iterable[Piece]) -> list[float]:
    return [piece.wait_s for piece in pieces]


def test_slow_is_a_silence_before_the_first_event() -> None:
    assert waits(marked("sandbox:slow=2.5").pieces) == [2.5, 0.01, 0.01, 0.01]


def test_a_marker_may_end_a_sentence() -> None:
    assert waits(marked("Расскажи sandbox:slow=2.5.").pieces)[0] == 2.5


def test_slow_is_a_silence_before_a_plain_answer() -> None:
    assert marked("sandbox:slow=2.5", streamed=False).wait_s == 2.5


def test_pause_is_a_silence_in_the_middle() -> None:
    assert waits(marked("sandbox:pause=2").pieces) == [0, 0.01, 2.01, 0.01]


def test_interval_paces_the_events() -> None:
    assert waits(marked("sandbox:interval=0.5").pieces) == [0, 0.5, 0.5, 0.5]


def test_markers_combine() -> None:
    answer = marked("Расскажи sandbox:interval=0.5 о Волге sandbox:slow=1 sandbox:cut")
    assert waits(answer.pieces) == [1, 0.5]


def test_nonsense_asks_for_nothing() -> None:
    for text in ("sandbox:slow=soon", "sandbox:error=999", "sandbox:nothing", "sandbox:", "429"):
        assert waits(marked(text).pieces) == [0, 0.01, 0.01, 0.01]


def test_a_text_is_read_without_its_markers() -> None:
    assert without_markers("Расскажи sandbox:slow=1 о Волге sandbox:unruly=fences!") == (
        "Расскажи о Волге"
    )


def test_markers_of_earlier_messages_have_passed() -> None:
    assert "cut" not in read_markers(chat("sandbox:cut", "Да", "Привет"))
    assert "cut" in read_markers(chat("Привет", "Да", "sandbox:cut"))
    assert read_markers(Conversation(())).faults() == []
