"""Part what a model thinks from what it says, where the server leaves both in one text. Pure.

Models such as DeepSeek-R1 and Qwen3 think before all else, between `<think>` and `</think>`. A server that is
not told to read their form (vLLM and SGLang by `--reasoning-parser`, llama.cpp by `--reasoning-format`, older
Ollama) gives it as content, and what is but a draft there looks like the answer: a call, a JSON document.

Source: the chat templates of deepseek-ai/DeepSeek-R1 and Qwen/Qwen3; docs.vllm.ai, reasoning outputs; read
2026-11.
"""

from typing import Literal

OPENING = "<think>"
CLOSING = "</think>"


class ThoughtParting:
    """Takes the text of one answer in pieces. A tag that stands anywhere but before all else is a word."""

    def __init__(self) -> None:
        self._stage: Literal["before", "within", "behind", "over"] = "before"
        self._held = ""
        self._has_thought = False

    @property
    def is_over(self) -> bool:
        """Whether whatever comes now is text."""
        return self._stage == "over"

    def take(self, piece: str) -> tuple[str, str]:
        """Return the text and the thoughts that are known with the next piece."""
        self._held += piece
        thought = ""
        if self._stage == "before":
            begun = self._held.lstrip()
            if begun.startswith(OPENING):
                self._stage, self._held = "within", begun.removeprefix(OPENING)
            elif not OPENING.startswith(begun):
                self._stage = "over"
        if self._stage == "within":
            thought = self._thought()
        if self._stage == "behind":
            self._held = self._held.lstrip()
            if self._held:
                self._stage = "over"
        if self._stage != "over":
            return "", thought
        text, self._held = self._held, ""
        return text, thought

    def end(self) -> tuple[str, str]:
        """Return what was held back, now that no piece follows."""
        rest, self._held = self._held, ""
        return ("", rest) if self._stage == "within" else (rest, "")

    def _thought(self) -> str:
        """Return the thoughts that are certain, without the blanks before them."""
        if not self._has_thought:
            self._held = self._held.lstrip()
        thought, closing, behind = self._held.partition(CLOSING)
        if closing:
            self._stage, self._held = "behind", behind
        else:
            certain = len(thought) - beginning_of(CLOSING, thought)
            thought, self._held = thought[:certain], thought[certain:]
        self._has_thought = self._has_thought or bool(thought)
        return thought


def beginning_of(mark: str, text: str) -> int:
    """Return how many of the last characters of `text` may begin `mark`."""
    sizes = range(min(len(text), len(mark) - 1), 0, -1)
    return next((size for size in sizes if mark.startswith(text[-size:])), 0)
