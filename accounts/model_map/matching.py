"""Which model an account means by a name that the catalogue does not know. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from accounts.errors import InvalidModelMap

ENTRIES_MAX = 200
NAME_MAX_CHARS = 256
STAR = "*"
STARS_MAX = 8
"""Of one pattern: every request with an unknown name is compared with all of them."""


@dataclass(frozen=True, slots=True)
class ModelMap:
    """Names and patterns, in lower case, with the models they stand for.

    In a pattern each `*` stands for any characters, none too. Exact names go before patterns, longer patterns
    before shorter ones.
    """

    exact: Mapping[str, str] = field(default_factory=dict)
    patterns: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, entries: Mapping[str, str]) -> "ModelMap":
        """Return the map of these names to models."""
        folded = {name.lower(): target for name, target in entries.items()}
        patterns = [(name, target) for name, target in folded.items() if STAR in name]
        return cls(
            exact={name: target for name, target in folded.items() if STAR not in name},
            patterns=tuple(sorted(patterns, key=lambda entry: (-len(entry[0]), entry[0]))),
        )

    def target_of(self, name: str) -> str | None:
        """Return the model that a name in any letter case stands for, or None."""
        name = name.lower()
        if (target := self.exact.get(name)) is not None:
            return target
        return next((target for pattern, target in self.patterns if matches(pattern, name)), None)


EMPTY = ModelMap()


def matches(pattern: str, name: str) -> bool:
    """Say whether a name fits a pattern, in time that grows with their length alone."""
    head, *between, tail = pattern.split(STAR)
    if len(name) < len(head) + len(tail) or not (name.startswith(head) and name.endswith(tail)):
        return False
    position, end = len(head), len(name) - len(tail)
    for piece in between:
        position = name.find(piece, position, end)
        if position < 0:
            return False
        position += len(piece)
    return True


def check_names(entries: Mapping[str, str]) -> None:
    """Check the names and the texts of their models. Raises InvalidModelMap."""
    if len(entries) > ENTRIES_MAX:
        raise InvalidModelMap("", f"must have {ENTRIES_MAX} entries at most.")
    seen: set[str] = set()
    for name, target in entries.items():
        for text in (name, target):
            if (
                not 1 <= len(text) <= NAME_MAX_CHARS
                or not text.isprintable()
                or text != text.strip()
            ):
                raise InvalidModelMap(
                    name,
                    f"must be names of 1 to {NAME_MAX_CHARS} printable characters, without spaces around.",
                )
        if name.count(STAR) > STARS_MAX:
            raise InvalidModelMap(name, f"must have {STARS_MAX} stars at most.")
        if name.lower() in seen:
            raise InvalidModelMap(name, "stands there twice: letter case makes no other name.")
        seen.add(name.lower())
