"""The documents keep to what there is: links, twins, variables, models, parameters, marker words, files."""

import functools
import pathlib
import re
import tomllib

import pytest

from gateway.providers.profile import TUNABLE
from sandbox.core import markers
from tests.documents import PAGES, PROJECT, read
from tests.servers import variables

TWINS = [
    ("README.md", "README.ru.md"),
    ("TERMS.md", "docs/en/terms.md"),
    ("PRIVACY.md", "docs/en/privacy.md"),
    ("docs/security-policy.md", "SECURITY.md"),
    *(
        (f"docs/{path.relative_to('docs/en')}", str(path))
        for path in PAGES
        if path.parts[:2] == ("docs", "en") and path.name not in {"terms.md", "privacy.md"}
    ),
]
FOR_DEVELOPERS = [
    path
    for path in PAGES
    if path.parts[:2] == ("docs", "decisions")
    or path.name
    in {"architecture.md", "performance.md", "CONTRIBUTING.md", "operations.md", "deployment.md"}
]
INDEX = ["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "TERMS.md", "PRIVACY.md"]
CATALOGUE = tomllib.loads((PROJECT / "gateway/catalog/catalogue.toml").read_text(encoding="utf-8"))
SEEDED = [
    model
    for model in CATALOGUE["models"]
    if model.get("enabled", True) and not model.get("is_auto", False)
]

CYRILLIC = re.compile(r"[А-Яа-яЁё]")

# What looks like the path of a file: a known ending, or a folder.
_FILE = re.compile(r"(?:[\w.-]+/)*[\w.-]+\.(?:py|toml|lua|md|yaml|json)|(?:[\w.-]+/)+")


def test_every_relative_link_resolves():
    broken = [
        f"{path}: {link}"
        for path in PAGES
        for link in read(path).links
        if not link.startswith(("http://", "https://")) and not _resolves(link, path)
    ]
    assert broken == []


def _resolves(link: str, path: pathlib.Path) -> bool:
    target, _, anchor = link.partition("#")
    file = (PROJECT / path.parent / target).resolve() if target else PROJECT / path
    if not file.is_relative_to(PROJECT) or not file.exists():
        return False
    return not anchor or anchor in read(file.relative_to(PROJECT)).anchors


def test_the_index_leads_to_every_page():
    reached: set[pathlib.Path] = set()
    waiting = [pathlib.Path("docs/README.md")]
    while waiting:
        path = waiting.pop()
        if path in reached:
            continue
        reached.add(path)
        for link in read(path).links:
            target = link.partition("#")[0]
            if target.endswith(".md") and "://" not in target:
                file = (PROJECT / path.parent / target).resolve()
                waiting.append(file.relative_to(PROJECT))
    assert set(PAGES) <= reached
    direct = {pathlib.PurePath(link).name for link in read("docs/README.md").links}
    assert set(INDEX) <= direct


@pytest.mark.parametrize(("left", "other"), TWINS)
def test_the_two_languages_keep_in_step(left, other):
    first, second = read(left), read(other)
    assert [level for level, _ in first.headings] == [level for level, _ in second.headings]
    assert code_that_differs(first, second) == []
    assert [(row[0], len(row)) for row in first.rows if row[0].startswith("`")] == [
        (row[0], len(row)) for row in second.rows if row[0].startswith("`")
    ]


def code_that_differs(first, second):
    """Return the lines of code without Russian words that are not the same in both pages.

    What an example prints may be in another language, and is tried elsewhere.
    """
    differing = []
    for block, other in zip(first.blocks, second.blocks, strict=True):
        assert block.language == other.language
        if block.language != "text":
            lines = zip(block.text.splitlines(), other.text.splitlines(), strict=True)
            differing += [
                (left, right)
                for left, right in lines
                if left != right and not CYRILLIC.search(left + right)
            ]
    return differing


@pytest.mark.parametrize("path", ["README.md", "README.ru.md"])
def test_the_environment_table_names_exactly_the_variables_there_are(path):
    named = [
        row[0].strip("`") for row in read(path).rows if re.fullmatch(r"`[A-Z][A-Z_]+`", row[0])
    ]
    assert sorted(named) == sorted(variables())


def test_the_models_page_lists_what_is_seeded():
    listed = {
        row[0].strip("`"): (row[1], row[2], row[3])
        for row in read("docs/models.md").rows
        if row[0].startswith("`")
    }
    assert listed == {
        model["id"]: (
            model["routes"][0]["upstream_id"],
            ", ".join(f"`{name}`" for name in model.get("aliases", [])) or "—",
            " / ".join(_dearest(model, kind) for kind in ("prompt", "completion", "cached")),
        )
        for model in SEEDED
    }


def _dearest(model, kind):
    own = [route["price"] for route in model["routes"] if "price" in route]
    return str(max(price[kind] for price in (model["price"], *own)))


@pytest.mark.parametrize(("column", "provider"), [(2, "gigachat"), (3, "yandexgpt")])
def test_the_parameters_page_says_who_honours_what(column, provider):
    result = {
        row[0].strip("`"): row[column]
        for row in read("docs/api-parameters.md").rows
        if len(row) == 4 and row[0].startswith("`")
    }
    assert set(result) == set(TUNABLE)
    honoured = {
        name
        for model in SEEDED
        for route in model["routes"]
        if route["provider"] == provider
        for name in _parameters(route["profile"])
    }
    silent = {name for name, cell in result.items() if cell == "—"}
    assert set(TUNABLE) - silent - {"stop", "n"} == honoured


def test_the_sandbox_page_lists_every_marker():
    described = set(re.findall(r"`sandbox:([a-z]+|\d{3})", markers.__doc__ or ""))
    listed = {
        found[1]
        for row in read("docs/sandbox.md").rows
        if (found := re.match(r"`sandbox:([a-z]+|\d{3})", row[0]))
    }
    assert listed
    assert listed == described


def test_the_errors_page_names_codes_that_the_table_has():
    table = (PROJECT / "gateway/api/errors.py").read_text(encoding="utf-8")
    for file in ("body.py", "request_body.py"):
        table += (PROJECT / "gateway/api" / file).read_text(encoding="utf-8")
    rows = [row for row in read("docs/errors.md").rows if re.fullmatch(r"\d{3}", row[0])]
    assert {row[1].strip("`") for row in rows} <= set(re.findall(r'"([a-z_]+)"', table))
    for status, code in re.findall(r'\((\d{3}), "([a-z_]+)"', table):
        assert any(row[0] == status and row[1] == f"`{code}`" for row in rows), (status, code)


def test_a_file_that_is_named_exists():
    missing = [
        f"{path}: {word}"
        for path in FOR_DEVELOPERS
        for word in read(path).code
        if _FILE.fullmatch(word) and "NAME" not in word
        if not (PROJECT / word).exists() and ("/" in word or word not in _names())
    ]
    assert missing == []


def test_the_life_of_a_request_is_told_in_files():
    prose = read("docs/architecture.md").prose
    life = prose.partition("## The life of one request")[2].partition("\n## ")[0]
    steps = re.split(r"^\d+\. ", life, flags=re.MULTILINE)[1:]
    assert len(steps) > 8
    assert all(re.search(r"`[\w./]+\.(?:py|lua)`", step) for step in steps)


def test_unreleased_stands_on_top_of_the_changelog():
    headings = [text for level, text in read("CHANGELOG.md").headings if level == 2]
    assert headings[0] == "Unreleased"


@functools.cache
def _names() -> frozenset[str]:
    """Return the names of the files in the apps, by which a page may call them as a kind."""
    return frozenset(
        file.name
        for package in ("xrouter_site", "web", "gateway", "billing", "accounts", "infra", "sandbox")
        for file in (PROJECT / package).rglob("*.py")
    )


def _parameters(profile: str) -> set[str]:
    fields = CATALOGUE["profiles"][profile]
    inherited = _parameters(fields["like"]) if "like" in fields else set()
    return inherited | set(fields.get("parameters", {}))
