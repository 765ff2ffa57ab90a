"""The pages read through functions of the apps that own the tables: no query is written in web."""

import ast
import pathlib

WEB = pathlib.Path(__file__).resolve().parents[2] / "web"
QUERIES = {"objects", "_default_manager", "_base_manager", "QuerySet", "get_object_or_404"}


def names_of(source: pathlib.Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source.read_text())):
        match node:
            case ast.Attribute(attr=name) | ast.Name(id=name) | ast.alias(name=name):
                found.add(name)
    return found


def test_no_page_writes_a_query():
    sources = sorted(WEB.rglob("*.py"))
    assert sources
    assert {
        str(path): names_of(path) & QUERIES for path in sources if names_of(path) & QUERIES
    } == {}
