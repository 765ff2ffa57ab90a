"""The compatibility page says what the last runs of the clients came to, and of the versions pinned."""

import json
import re

import pytest

from clients.page import PAGES, PROJECT, load, render
from clients.roster import CLIENTS, FEATURES, MODELS

GROUPS = sorted({client.environment for client in CLIENTS})


def rows(page):
    """Return the cells of the first table behind client and model."""
    table = page.partition("\n\n1. ")[0].partition("## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("| ")][2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {(title, model.strip("`")): rest for title, model, *rest in cells}


def title(client):
    return client.title if isinstance(client.title, str) else client.title.ru


def pins(group):
    """Return package and exact version as an environment installs them."""
    if group == "npm":
        lock = json.loads((PROJECT / "clients/npm/package-lock.json").read_text(encoding="utf-8"))
        return {
            name.removeprefix("node_modules/"): package["version"]
            for name, package in lock["packages"].items()
            if name
        }
    text = (PROJECT / f"clients/{group}.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE))


@pytest.mark.parametrize("language", PAGES)
def test_the_page_is_what_the_results_say(language):
    assert PAGES[language].read_text(encoding="utf-8") == render(load(), language)


def test_the_english_page_has_the_same_cells_and_no_russian():
    russian, english = render(load()), render(load(), "en")
    said = [[cell.replace("да", "yes") for cell in cells] for cells in rows(russian).values()]
    assert list(rows(english).values()) == said
    assert not re.search("[а-яё]", english, re.IGNORECASE)


@pytest.mark.parametrize("group", GROUPS)
def test_what_ran_is_what_is_pinned(group):
    results, pinned = load(), pins(group)
    for client in CLIENTS:
        if client.environment == group and client.name in results:
            versions = dict(results[client.name]["versions"])
            assert versions.pop("Python", None) or versions.pop("Node.js")
            assert versions
            assert versions.items() <= pinned.items()


def test_without_runs_every_cell_is_blank():
    assert rows(render({})) == {
        (title(client), model.chat): [""] * len(FEATURES) for client in CLIENTS for model in MODELS
    }


def test_a_cell_without_a_run_is_blank_among_others():
    outcomes = {MODELS[1].chat: {"stream": "pass"}}
    page = render({"langchain": {"date": "2026-11-22", "versions": {}, "outcomes": outcomes}})
    cells = rows(page)
    assert cells["LangChain", MODELS[1].chat] == ["", "да", *[""] * (len(FEATURES) - 2)]
    assert cells["LangChain", MODELS[0].chat] == [""] * len(FEATURES)


def test_a_failure_is_named_under_the_table():
    error = "BadRequestError: `tools` are refused"
    outcomes = {model.chat: {"chat": "pass", "tools": error} for model in MODELS}
    page = render({"litellm": {"date": "2026-11-22", "versions": {}, "outcomes": outcomes}})
    assert rows(page)["LiteLLM как клиент", MODELS[1].chat][2] == "нет (2)"
    assert f"2. LiteLLM как клиент, `{MODELS[1].chat}`: `BadRequestError: 'tools' are" in page
