"""The page of the whole API says of paths, scopes, codes and types what the specification says."""

import json
import re

from gateway.api.schema.openapi.operations import OPERATIONS
from tests.documents import PROJECT, read

PAGE = read("docs/api-spec.md")
METHODS = {"get", "post", "put", "patch", "delete"}


def test_it_lists_every_operation_with_its_scope():
    document = json.loads((PROJECT / "docs/openapi.json").read_text(encoding="utf-8"))
    specified = {}
    for path, operations in document["paths"].items():
        for method in METHODS & operations.keys():
            security = operations[method].get("security", [{}])
            scope = "без ключа" if {} in security else f"`{security[0]['bearer'][0]}`"
            specified[f"`{method.upper()} {path}`"] = scope
    listed = {row[0]: row[1] for row in PAGE.rows if re.match(r"`[A-Z]+ /", row[0])}
    assert listed == specified
    assert listed.keys() > {f"`{each.method} {each.path}`" for each in OPERATIONS}


def test_its_codes_are_those_of_the_page_of_errors():
    rows = [row for row in PAGE.rows if re.fullmatch(r"\d{3}", row[0])]
    listed = {(row[0], code) for row in rows for code in re.findall(r"`([a-z_]+)`", row[2])}
    explained = {
        (row[0], row[1].strip("`"))
        for row in read("docs/errors.md").rows
        if re.fullmatch(r"\d{3}", row[0])
    }
    assert listed == explained


def test_earlier_names_of_pages_lead_to_them():
    for old, new in (("parameters", "api-parameters"), ("examples", "api-examples")):
        assert read(f"docs/{old}.md").links == [f"{new}.md"]
