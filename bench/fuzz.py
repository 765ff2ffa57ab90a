"""Requests made of docs/openapi.json, right and nearly right, sent to a running service for some minutes.

`.venv/bin/python -m bench.fuzz --minutes 10 --seed 1`

Hypothesis alone makes them: hypothesis-jsonschema 0.23 does not run with its present version. Every other
request is as the document says; in the rest one value in a dozen is of another kind.
"""

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisWarning

from bench.robustness import CANARY, DOCUMENT, MODELS, Robustness, Sent, http_request, running

EXAMPLES_A_TURN = 20
DEEPEST = 6
WRONG_ONE_IN = 12
EXCLUSIVE = ("messages", "prompt")
"""Fields of which a request may have one alone, which no schema says."""

BODY_METHODS = ("post", "put", "patch")

TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["", CANARY, "0", "null", "true", "\x00", "\ufeff", "a" * 300, "../..", "🙂" * 20]
    ),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
KNOWN: dict[str, st.SearchStrategy[Any]] = {
    "model": st.sampled_from(MODELS),
    "type": st.sampled_from(
        ["text", "image_url", "function", "message", "json_object", "json_schema"]
    ),
    "parameters": st.fixed_dictionaries({"type": st.just("object"), "properties": st.just({})}),
    "url": st.sampled_from(
        ["data:image/png;base64,iVBORw0KGgo=", "data:,", "https://a.invalid/b.png"]
    ),
}
"""Fields whose schema says less than a request needs to come further; taken every other time."""

TALK = [{"role": "user", "content": "Привет"}]
ANSWERED: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": TALK},
    "/v1/completions": {"prompt": "Привет"},
    "/v1/embeddings": {"model": "embeddings", "input": "Привет"},
    "/v1/messages": {"messages": TALK, "max_tokens": 16},
    "/v1/messages/count_tokens": {"messages": TALK},
    "/v1/moderations": {"input": "Привет"},
    "/v1/plan": {"messages": TALK},
    "/v1/responses": {"input": "Привет"},
}
"""What makes a body one that is answered: every other one has it, beside fields that are drawn."""


@st.composite
def values(draw: st.DrawFn, schema: Any, is_right: bool, name: str = "", depth: int = 0) -> Any:
    """Draw a value of a schema of the document; one in a dozen is another where it need not be right."""
    is_wrong = not is_right and draw(st.integers(1, WRONG_ONE_IN)) == WRONG_ONE_IN
    if is_wrong or not isinstance(schema, dict):
        return draw(ANYTHING)
    while "$ref" in schema:
        schema = _resolved(schema["$ref"]) | {k: v for k, v in schema.items() if k != "$ref"}
    if name in KNOWN and (name == "model" or draw(st.booleans())):
        return draw(KNOWN[name])
    for union in ("anyOf", "oneOf"):
        if branches := schema.get(union):
            return draw(values(draw(st.sampled_from(branches)), is_right, name, depth))
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    kinds = schema.get("type", "object" if "properties" in schema else None)
    kind = draw(st.sampled_from(kinds)) if isinstance(kinds, list) else kinds
    return draw(_of_kind(kind, schema, is_right, depth))


@st.composite
def _of_kind(
    draw: st.DrawFn, kind: str | None, schema: dict[str, Any], is_right: bool, depth: int
) -> Any:
    match kind:
        case "object":
            return draw(_objects(schema, is_right, depth))
        case "array":
            fewest = min(schema.get("minItems", 0), 3)
            most = min(schema.get("maxItems", 3), 3 if depth < DEEPEST else fewest)
            item = values(schema.get("items", {}), is_right, "", depth + 1)
            return draw(st.lists(item, min_size=fewest, max_size=max(fewest, most)))
        case "integer" | "number":
            least, most = schema.get("minimum", -10), schema.get("maximum", 10_000)
            whole = st.integers(int(least), max(int(least), min(int(most), 10_000)))
            return draw(whole if kind == "integer" else whole | st.floats(least, most))
        case "boolean":
            return draw(st.booleans())
        case "string":
            return draw(TEXTS)
        case "null":
            return None
    return draw(ANYTHING)


@st.composite
def _objects(draw: st.DrawFn, schema: dict[str, Any], is_right: bool, depth: int) -> dict[str, Any]:
    properties = schema.get("properties", {})
    required = set(schema.get("required", ()))
    optional = [name for name in properties if name not in required]
    few = st.lists(st.sampled_from(optional), max_size=4, unique=True) if optional else st.just([])
    chosen = {*required, *(draw(few) if depth < DEEPEST else ())}
    found = {
        name: draw(values(properties.get(name, {}), is_right, name, depth + 1))
        for name in sorted(chosen)
    }
    if not is_right and draw(st.integers(1, WRONG_ONE_IN)) == 1:
        found |= draw(st.dictionaries(TEXTS, ANYTHING, max_size=2))
    return found


def _resolved(reference: str) -> dict[str, Any]:
    node: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        node = node[step.replace("~1", "/").replace("~0", "~")]
    return dict(node)


@st.composite
def requests(draw: st.DrawFn, path: str, method: str, operation: dict[str, Any], key: str) -> Sent:
    """Draw a request of one operation."""
    address, query, is_right = path, [], draw(st.booleans())
    for given_parameter in operation.get("parameters", ()):
        parameter = given_parameter
        if "$ref" in parameter:
            parameter = _resolved(parameter["$ref"])
        value = quote(
            str(draw(values(parameter.get("schema", {}), is_right))).encode("utf-8", "replace"),
            safe="",
        )
        if parameter["in"] == "path":
            address = address.replace(f"{{{parameter['name']}}}", value or "x")
        elif parameter["in"] == "query" and draw(st.booleans()):
            query.append(f"{parameter['name']}={value}")
    if query:
        address += "?" + "&".join(query)
    address = address.replace(CANARY, "x")  # the log has every path
    body = None
    if method in BODY_METHODS and (described := operation.get("requestBody")):
        schema = described["content"]["application/json"]["schema"]
        value = draw(values(schema, is_right))
        plain = ANSWERED.get(path.removeprefix("/api"))
        if plain and isinstance(value, dict) and draw(st.booleans()):
            value |= plain
        if is_right and isinstance(value, dict) and all(name in value for name in EXCLUSIVE):
            del value[draw(st.sampled_from(EXCLUSIVE))]
        body = json.dumps(value).encode()
    return Sent(f"{method} {path}", http_request(method.upper(), address, key, body))


def fuzz(robustness: Robustness, key: str, *, minutes: float, first_seed: int) -> None:
    """Go round all operations until the time is over; those with a body have twenty times as many turns."""
    until_s = time.monotonic() + minutes * 60
    turns: list[tuple[int, Callable[[int], None]]] = []
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            if isinstance(operation, dict) and "responses" in operation:
                strategy = requests(path, method, operation, key)
                count = EXAMPLES_A_TURN if method in BODY_METHODS else 2
                turns.append((count, _turn(robustness, strategy, count)))
    number = first_seed
    while time.monotonic() < until_s:
        for _, turn in turns:
            number += 1
            turn(number)
            if time.monotonic() >= until_s:
                return


def _turn(
    robustness: Robustness, strategy: st.SearchStrategy[Sent], count: int
) -> Callable[[int], None]:
    def turn(number: int) -> None:
        @seed(number)
        @settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def send(sent: Sent) -> None:
            robustness.send(sent)

        send()

    return turn


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    warnings.simplefilter("ignore", HypothesisWarning)
    with running() as robustness:
        key = robustness.service.fresh_key(balance="1000000")
        workers = robustness.service.workers()
        fuzz(robustness, key, minutes=options.minutes, first_seed=options.seed)
        robustness.judge_service(key, workers)
        return robustness.tell(f"{options.minutes:g} minutes, seed {options.seed}")


if __name__ == "__main__":
    sys.exit(main())
