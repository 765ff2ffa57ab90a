"""The Russian texts: gathered from the sources and the OpenAPI document, merged into the catalogue, compiled.

As a program (script/messages) it rewrites the catalogue and names what is not translated; the tests
read it to see that nothing is left to do. It needs no gettext tools: it reads templates as Django does.
"""

import ast
import io
import pathlib
import re
import sys
import tokenize
from collections.abc import Iterator
from typing import Any

import orjson
import polib
from django.conf import settings
from django.utils.translation.template import templatize

from web.public.reference.prose import texts

ROOT = pathlib.Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "locale" / "ru" / "LC_MESSAGES" / "django.po"
COMPILED = CATALOGUE.with_suffix(".mo")
OPENAPI = ROOT / "docs" / "openapi.json"
SOURCES = ("web", "gateway", "billing", "accounts", "infra", "templates", "xrouter_site")
TITLE = (
    "Russian texts of XRouter's pages and mails. script/messages keeps the list; write msgstr here."
)
FUNCTIONS = {
    "gettext": ("msgid",),
    "pgettext": ("msgctxt", "msgid"),
    "ngettext": ("msgid", "msgid_plural"),
    "npgettext": ("msgctxt", "msgid", "msgid_plural"),
}
"""What each function's first arguments are."""
PLACEHOLDER = re.compile(r"%\((\w+)\)[-+0 #]*\d*(?:\.\d+)?[sdif]|%[sdif]|\{(\w*)\}")

Message = dict[str, str]


def main() -> int:
    """Bring the catalogue up to date; the exit status says whether a text is missing."""
    catalogue = load()
    update(catalogue)
    catalogue.save(str(CATALOGUE))
    catalogue.save_as_mofile(str(COMPILED))
    missing = catalogue.untranslated_entries()
    for entry in missing:
        sys.stdout.write(f"{entry.occurrences[0][0]}: {entry.msgid}\n")
    sys.stdout.write(f"{len(catalogue)} texts, {len(missing)} without Russian.\n")
    return 1 if missing else 0


def load() -> polib.POFile:
    return polib.pofile(str(CATALOGUE), wrapwidth=100_000)


def update(catalogue: polib.POFile) -> None:
    """Add what is new, drop what is gone, keep every translation."""
    template = polib.POFile(wrapwidth=100_000)
    template.extend(gather())
    catalogue.merge(template)
    for gone in catalogue.obsolete_entries():
        catalogue.remove(gone)
    for entry in catalogue:
        entry.flags = [flag for flag in entry.flags if flag == "fuzzy"]
    catalogue.header = TITLE
    catalogue.metadata_is_fuzzy = False
    catalogue.sort(key=lambda entry: (entry.msgid, entry.msgctxt or ""))


def gather() -> list[polib.POEntry]:
    """Return an entry for each text of the sources, with the files that it stands in."""
    entries: dict[tuple[str, str], polib.POEntry] = {}
    for path in [*sources(), OPENAPI]:
        for message in messages_in(path):
            key = (message["msgid"], message.get("msgctxt", ""))
            entry = entries.setdefault(key, polib.POEntry(**message, **_untranslated(message)))
            if plural := message.get("msgid_plural"):
                entry.msgid_plural = plural
                entry.msgstr_plural = entry.msgstr_plural or dict.fromkeys(range(4), "")
            place = (str(path.relative_to(ROOT)), "")
            if place not in entry.occurrences:
                entry.occurrences.append(place)
    return list(entries.values())


def sources() -> list[pathlib.Path]:
    """Return the files that hold texts."""
    found = [path for folder in SOURCES for path in (ROOT / folder).rglob("*")]
    return sorted(path for path in found if path.suffix in {".py", ".html", ".txt"})


def messages_in(path: pathlib.Path) -> Iterator[Message]:
    """Yield the texts of one file."""
    source = path.read_text()
    if path == OPENAPI:
        yield from ({"msgid": text} for text in texts(orjson.loads(source)))
    elif path.suffix == ".py":
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                yield from _message(name, [_constant(argument) for argument in node.args])
    else:
        yield from _messages_in_template(templatize(source, origin=str(path)))


def placeholders(text: str) -> list[str]:
    return sorted(match[0] for match in PLACEHOLDER.finditer(text.replace("%%", "")))


def _messages_in_template(code: str) -> Iterator[Message]:
    """Read what Django makes of a template: calls of the functions among rows of X."""
    for call in re.finditer(r"\b(n?p?gettext|_)\(", code):
        texts: list[str | None] = []
        for token in tokenize.generate_tokens(io.StringIO(code[call.end() :]).readline):
            if token.type == tokenize.STRING:
                texts.append(ast.literal_eval(token.string))
            elif token.string != ",":
                break
        yield from _message(call[1], texts)


def _message(function: str, texts: list[str | None]) -> Iterator[Message]:
    name = function.removesuffix("_lazy").removesuffix("_noop")
    parts = FUNCTIONS.get("gettext" if name == "_" else name, ())
    if parts and len(texts) >= len(parts) and all(texts[: len(parts)]):
        yield {part: text for part, text in zip(parts, texts, strict=False) if text}


def _constant(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _untranslated(message: Message) -> dict[str, Any]:
    return {"msgstr_plural": dict.fromkeys(range(4), "")} if "msgid_plural" in message else {}


if __name__ == "__main__":
    settings.configure()
    sys.exit(main())
