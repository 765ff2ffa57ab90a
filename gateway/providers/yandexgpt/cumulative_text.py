"""Cumulative texts, sometimes revised -> the new characters of each."""

import re
from collections import deque
from itertools import takewhile

_WORD = re.compile(r"\S+")
_VERSIONS = 32
"""How many earlier texts a revision is compared with, a limit on CPU time."""


class CumulativeText:
    """Turns the whole text so far, which is what Yandex streams, into increments.

    The last word and the white space after it are held back until the next word begins, since Yandex
    may still change it. So what was sent ends where a word starts, until the final text.

    A new text that does not continue what was sent is a revision. What was sent cannot be taken back;
    sending goes on after the longest run of leading words that the new text shares with any recent
    text, so that nothing is sent twice even if Yandex changes a word to and fro.

        sent `the capital is Lyon `, now comes `the capital is Paris, in the north`:
        `Paris, in the ` is sent

    Words that follow a revised one are not sent twice either: if the second half of what was sent
    after that run is found again in the new text, sending goes on after it.

        sent `one tow three four `, now comes `one two three four five six`: `five ` is sent

    Only if that half was revised too is it sent again, as the reader would lose text otherwise.
    """

    def __init__(self) -> None:
        self._latest = ""
        # One per revision; the next text should continue the last one.
        self._sent = deque([""], maxlen=_VERSIONS)

    def advance(self, text: str, *, final: bool) -> tuple[str, bool]:
        """Take the next text; return its new characters, and whether it revises words that were sent.

        An empty text changes nothing; if it is `final`, what is held back is returned.
        """
        self._latest = text or self._latest
        settled = self._latest if final else self._latest[: _last_word_start(self._latest)]
        sent = self._sent[-1]
        if settled.startswith(sent):
            # Growth after a revision may lead back to words that were sent before it.
            start = self._resume(settled) if len(self._sent) > 1 else len(sent)
            self._sent[-1] = settled
            return settled[start:], False
        if sent.startswith(settled) and (not final or sent[len(settled) :].isspace()):
            return "", False  # fallen behind: it may yet catch up, or lacks white space alone
        start = self._resume(settled)
        self._sent.append(settled)
        return settled[start:], True

    def _resume(self, settled: str) -> int:
        """Find the start of the first word that is still to be sent."""
        words = list(_WORD.finditer(settled))
        new = [word.group() for word in words]
        known = max(_shared(new, sent.split()) for sent in self._sent)
        present = self._sent[-1].split()
        behind = present[_shared(new, present) :]
        echo = behind[max(1, len(behind) // 2) :]
        # Further off it would be chance, and skipping to it would lose what is new.
        near = new[known : known + len(behind) + len(echo)]
        known += _end_of(echo, near) if echo else 0
        return words[known].start() if known < len(words) else len(settled)


def _last_word_start(text: str) -> int:
    kept = text.rstrip()
    # Splitting from the right looks at the last word alone, however long the text is.
    return len(kept) - len(kept.rsplit(None, 1)[-1]) if kept else 0


def _shared(left: list[str], right: list[str]) -> int:
    """Count the leading words that two texts share."""
    pairs = zip(left, right, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _end_of(echo: list[str], words: list[str]) -> int:
    """Count the words up to the end of the first `echo`; 0 if there is none."""
    hay, needle = f" {' '.join(words)} ", f" {' '.join(echo)} "
    found = hay.find(needle)
    return hay.count(" ", 0, found) + len(echo) if found >= 0 else 0
