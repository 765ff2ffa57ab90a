"""How well the rules of the seed judge, and how long it takes: `.venv/bin/python -m bench.moderation`.

Recall and false alarms on the texts of bench/moderation_corpus.txt that were held out while the rules were
tuned (`--tune` shows the other part, and `--missed` names each wrong one), plain and in disguise.
"""

import argparse
import functools
import hashlib
import itertools
import os
import pathlib
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator

import django

CORPUS = pathlib.Path(__file__).with_name("moderation_corpus.txt")
MOST_VARIANTS = 8
LOOKS = dict(zip("аеорсухкмт", "aeopcyxkmt", strict=True))
LEET = dict(zip("оаезбi", "0@3361", strict=True))
LATIN = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        [*"abvgdee", "zh", *"ziyklmnoprstuf", "kh", "ts", "ch", "sh", "sch", *"-y-e", "yu", "ya"],
        strict=True,
    )
)

Trick = Callable[[str, random.Random], list[str]]


def texts(wanted: str) -> Iterator[tuple[str, str]]:
    """Yield each text of a part, `tune` or `held-out`, behind its category or kind."""
    part = category = ""
    for line in CORPUS.read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            part = line[3:]
        elif line.startswith("= "):
            category = line[2:]
        elif line and not line.startswith(";") and part == wanted:
            yield from ((category, text) for text in variants(line))


def variants(line: str) -> list[str]:
    """Fill the choices of a line in, always the same few ways."""
    parts = [part.split("|") for part in re.split(r"[{}]", line)]
    everything = ["".join(chosen) for chosen in itertools.product(*parts)]
    everything.sort(key=lambda text: hashlib.sha256(text.encode()).digest())
    return everything[:MOST_VARIANTS]


def _spaced(text: str, chance: random.Random) -> list[str]:
    return ["  ".join(" ".join(word) for word in text.split())]


def _dotted(text: str, chance: random.Random) -> list[str]:
    return [" ".join(chance.choice(".-*").join(word) for word in text.split())]


def _invisible(text: str, chance: random.Random) -> list[str]:
    return ["".join(letter + chance.choice(("", "\u200b", "\u00ad", "\u0301")) for letter in text)]


def _lookalike(text: str, chance: random.Random) -> list[str]:
    looks = LOOKS if re.search("[а-я]", text) else {latin: other for other, latin in LOOKS.items()}
    return ["".join(looks.get(c, c) if chance.random() < 0.6 else c for c in text)]


def _leet(text: str, chance: random.Random) -> list[str]:
    return ["".join(LEET.get(c, c) if chance.random() < 0.5 else c for c in text)]


def _repeated(text: str, chance: random.Random) -> list[str]:
    return ["".join(c * 3 if c.isalpha() and chance.random() < 0.2 else c for c in text)]


def _latin(text: str, chance: random.Random) -> list[str]:
    return ["".join(LATIN.get(c, c) for c in text.lower()).replace("-", "")]


def _split(text: str, chance: random.Random) -> list[str]:
    at = chance.randrange(1, len(text))
    return [text[:at], text[at:]]


def _cut(by: str, text: str, chance: random.Random) -> list[str]:
    """Cut the long words of a text in two."""

    def cut(word: re.Match[str]) -> str:
        at = chance.randrange(2, len(word[0]) - 1)
        return word[0][:at] + by + word[0][at:]

    return [re.sub(r"\w{6,}", cut, text)]


def _fullwidth(text: str, chance: random.Random) -> list[str]:
    return ["".join(chr(ord(c) + 0xFEE0) if "a" <= c <= "z" else c for c in text.lower())]


def _capitals(text: str, chance: random.Random) -> list[str]:
    return [text.upper().replace("Е", "Ё")]


TRICKS: dict[str, Trick] = {
    "spaced": _spaced,
    "dotted": _dotted,
    "invisible": _invisible,
    "look-alike": _lookalike,
    "leet": _leet,
    "repeated": _repeated,
    "transliterated": _latin,
    "split in two messages": _split,
    "long words cut by spaces": functools.partial(_cut, " "),
    "long words cut by line ends": functools.partial(_cut, "\n"),
    "full width": _fullwidth,
    "capitals": _capitals,
}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--missed", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xrouter_site.settings")
    django.setup()
    from gateway.moderation.search import Search
    from gateway.moderation.seed import unsaved_rules

    search = Search([rule.as_rule() for rule in unsaved_rules()])
    part = "tune" if options.tune else "held-out"
    all_texts = list(texts(part))
    seen, refused, named = Counter[str](), Counter[str](), Counter[str]()
    started_s = time.perf_counter()
    for category, text in all_texts:
        found = {broken.rule.category for broken in search.find([text])}
        seen[category] += 1
        refused[category] += bool(found)
        named[category] += category in found
        if options.missed and bool(found) == category.startswith("ordinary"):
            print(f"{category}: {text} {sorted(b.rule.name for b in search.find([text]))}")
    text_us = (time.perf_counter() - started_s) / len(all_texts) * 1e6
    harmful = [(c, text) for c, text in all_texts if not c.startswith("ordinary")]
    print(f"{len(all_texts)} {part} texts, {text_us:.0f} µs each")
    for category, count in seen.items():
        right = "" if category.startswith("ordinary") else f", {named[category]} by their category"
        print(f"  {category}: {refused[category]} of {count} refused{right}")
    alarms = sum(count for category, count in refused.items() if category.startswith("ordinary"))
    caught = sum(refused.values()) - alarms
    ordinary = len(all_texts) - len(harmful)
    print(f"recall {caught / len(harmful):.3f}, false alarms {alarms / ordinary:.4f}")
    for name, trick in TRICKS.items():
        chance = random.Random(name)
        count = sum(bool(search.find(trick(text, chance))) for _, text in harmful)
        alarms = sum(
            bool(search.find(trick(text, chance))) for c, text in all_texts if c.startswith("ord")
        )
        print(f"  {name}: recall {count / len(harmful):.3f}, false alarms {alarms / ordinary:.4f}")


if __name__ == "__main__":
    main()
