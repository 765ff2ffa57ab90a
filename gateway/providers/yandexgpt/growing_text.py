"""Texts that grow, and are sometimes revised -> what is new in them."""

import re
from collections import deque
from itertools import takewhile

_WORD = re.compile(r"\S+")
_VERSIONS = 32
"""Texts that a revision is compared with: more would let a broken upstream take all our time."""


class GrowingText:
    """Turns the whole text so far, which is what Yandex streams, into increments.

    The last word, with the white space behind it, is held back until the next word begins, since
    Yandex may still change it. So what was *told* ends where a word starts, until the final text.

    A new text that does not continue what was told revises it. What was told stays, and the telling
    goes on from the common part. That is the longest run of leading words that the new text shares
    with any text told of late: it is not told twice, even if Yandex changes its mind to and fro.

        told `the capital is Lyon `, now comes `the capital is Paris, in the north`:
        `Paris, in the ` is told

    Nor are words told twice that follow a revised one. If the latter half of what was told behind
    the leading run is found again in its new surroundings, the telling goes on behind it.

        told `one tow three four `, now comes `one two three four five six`: `five ` is told

    Only where that half was revised too is it told again, for else the reader would lose text.
    """

    def __init__(self) -> None:
        self._latest = ""
        # One per revision; the last one is what the next text should continue.
        self._told = deque([""], maxlen=_VERSIONS)

    def advance(self, text: str, *, final: bool) -> tuple[str, bool]:
        """Take the next text; give its new characters, and whether told words were revised.

        An empty text says nothing of the text: at the end it lets go of what is held back.
        """
        self._latest = text or self._latest
        settled = self._latest if final else self._latest[: _last_word_start(self._latest)]
        told = self._told[-1]
        if settled.startswith(told):
            # Growth after a revision may lead back to words that were told before it.
            start = self._resume(settled) if len(self._told) > 1 else len(told)
            self._told[-1] = settled
            return settled[start:], False
        if told.startswith(settled) and (not final or told[len(settled) :].isspace()):
            return "", False  # fallen behind: it may yet catch up, or lacks white space alone
        start = self._resume(settled)
        self._told.append(settled)
        return settled[start:], True

    def _resume(self, settled: str) -> int:
        """Find the start of the first word that is still to be told."""
        words = list(_WORD.finditer(settled))
        new = [word.group() for word in words]
        known = max(_shared(new, told.split()) for told in self._told)
        present = self._told[-1].split()
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
