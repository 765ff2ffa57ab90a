"""The stylesheet keeps its promises: every class is there, every pair of colours can be read."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import admin

CSS = (settings.BASE_DIR / "static" / "xrouter.css").read_text()
TEMPLATES = settings.BASE_DIR / "templates"
MAX_BYTES = 28_000
TEXT_CONTRAST, EDGE_CONTRAST = 4.5, 3.0
COLOURS: dict[str, str] = dict(
    re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}, #[0-9a-f]{6})\)", CSS)
)
SURFACES = ("ground", "surface", "sunken")
TEXTS = [
    *((text, ground) for text in ("ink", "muted", "accent", "bad") for ground in SURFACES),
    *((text, f"{text}-soft") for text in ("good", "warn", "bad")),
    *(("ink", f"{ground}-soft") for ground in ("accent", "good", "warn", "bad")),
    *((token, "sunken") for token in ("good", "literal")),
    ("muted", "accent-soft"),
    ("accent", "accent-soft"),
    ("accent-strong", "accent-soft"),
    ("accent-strong", "surface"),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
]
EDGES = [("edge", ground) for ground in SURFACES]


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb`: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, other: str) -> float:
    low, high = sorted((luminance(first), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def colour(name: str, theme: int) -> str:
    return COLOURS[name].split(", ")[theme]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("pairs", "least"), [(TEXTS, TEXT_CONTRAST), (EDGES, EDGE_CONTRAST)])
def test_text_and_the_edges_of_controls_can_be_seen_on_their_ground(pairs, least, theme):
    faint = [
        (pair, ground)
        for pair, ground in pairs
        if contrast(colour(pair, theme), colour(ground, theme)) < least
    ]
    assert faint == []


def test_a_browser_without_light_dark_has_the_light_colours():
    fallback = CSS[CSS.index("@supports not") :]
    for name in COLOURS:
        assert f"--{name}: {colour(name, 0)};" in fallback, name


def test_every_class_of_the_templates_is_in_a_stylesheet():
    ours, theirs = settings.BASE_DIR / "static", Path(admin.__file__).parent / "static/admin/css"
    sheets = "".join(sheet.read_text() for each in (ours, theirs) for sheet in each.glob("*.css"))
    known = set(re.findall(r"\.([a-z][a-z0-9-]*)", sheets))
    for template in TEMPLATES.rglob("*.html"):
        for value in re.findall(r'class="([^"]*)"', template.read_text()):
            words = re.sub(r"{%.*?%}|[a-z-]*{{.*?}}[a-z-]*", " ", value).split()
            assert set(words) <= known, template


def test_the_stylesheet_stays_small():
    assert len(CSS.encode()) <= MAX_BYTES
