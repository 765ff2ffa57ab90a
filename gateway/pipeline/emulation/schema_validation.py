"""Validate a value against a caller's JSON Schema, in bounded time whatever the schema."""

from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from itertools import islice
from time import thread_time
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend
from referencing import Registry

from gateway.pipeline.emulation.ecma_pattern import compiled
from gateway.pipeline.emulation.normalize_schema import NotASchema, dropped_patterns, plain
from gateway.pipeline.emulation.satisfiability import impossibility
from gateway.pipeline.errors import InvalidParameter
from gateway.providers.chat_types import JSONObject
from infra import exact_json

MOST_STEPS = 100_000
"""How many keywords, and members of their values, one validation may evaluate."""

PROBE_STEPS = 2000
"""Steps that validating an empty value may take, plus one for every BYTES_PER_STEP of schema."""

BYTES_PER_STEP = 4

MOST_SEARCH_STEPS = 10**8
"""What one search for a pattern may take at worst, half a second: its instructions times the bytes of text."""

SECONDS_PER_STEP = 5e-6
"""The time of the processor that counts as one of MOST_STEPS; most searches take far less than their worst."""

TOO_LARGE = "the document is too large or too deep to be checked against its schema"
MOST_NAMED = 8
MOST_NAME_CHARACTERS = 120
MOST_FAULTS = 3
MOST_FAULT_CHARACTERS = 240
MOST_QUOTED_CHARACTERS = 80

_PROBES: tuple[Any, ...] = ("", {})


def check_schema(schema: JSONObject, param: str) -> None:
    """Refuse an invalid schema, one with remote references, or one that takes too long to evaluate.

    Raises InvalidParameter for `param`, the caller's field.
    """
    try:
        # No pattern is compiled yet: a request may bring many tools, of which few are called.
        written = plain(schema, has_patterns=False)
        most_steps = PROBE_STEPS + len(exact_json.dumps(schema)) // BYTES_PER_STEP
        for probe in _PROBES:
            _judge(probe, written, most_steps)
    except NotASchema as error:
        raise InvalidParameter(f"{param} is no valid JSON Schema: {error}.", param=param) from error
    except (_TooMuch, RecursionError) as error:
        raise InvalidParameter(
            f"{param}: the schema recurses without end or unfolds beyond measure. Simplify it.",
            param=param,
        ) from error


def check_parameters(schema: JSONObject, param: str) -> None:
    """Refuse what `check_schema` does, and parameters of a tool that are no object.

    Raises InvalidParameter for `param`, the caller's field.
    """
    check_schema(schema, param)
    kinds = schema.get("type", "object")
    if "object" not in (kinds if isinstance(kinds, list) else [kinds]):
        raise InvalidParameter(
            f"{param} must be of type object: make a property of what is none.", param=param
        )


def check_satisfiable(schema: JSONObject, param: str) -> None:
    """Refuse a schema that nothing can satisfy. Raises InvalidParameter for `param`, the caller's field."""
    written = plain(schema)
    validator = _Validator(written, registry=Registry())

    def fits(value: Any, part: JSONObject | bool) -> bool:
        return next(validator.evolve(schema=part).iter_errors(value), None) is None

    token = _steps_left.set([MOST_STEPS])
    try:
        why = impossibility(written, fits)
    except (_TooMuch, RecursionError):
        return
    finally:
        _steps_left.reset(token)
    if why is not None:
        raise InvalidParameter(
            f"{param}: nothing can satisfy this schema, since {why[:MOST_FAULT_CHARACTERS]}.",
            param=param,
        )


def unchecked(schema: JSONObject, param: str) -> list[str]:
    """Return the paths of what no answer is checked against, since its patterns take more than linear time.

    `param` is the caller's field, whose schema has passed `check_schema`.
    """
    dropped = dropped_patterns(schema)
    paths = [f"{param}.{where[:MOST_NAME_CHARACTERS]}" for where in dropped[:MOST_NAMED]]
    return [*paths, "…"] if len(dropped) > MOST_NAMED else paths


def fault_of(value: Any, schema: JSONObject) -> str | None:
    """Return why `value` does not fit, in words for the model; None if it does."""
    try:
        return _judge(value, plain(schema), MOST_STEPS) or None
    except NotASchema as error:
        return f"the schema is wrong: {error}"
    except (_TooMuch, RecursionError):
        return TOO_LARGE


def broken_keyword(value: Any, schema: JSONObject) -> str:
    """Return where the schema first says no to `value`, as `properties/n/type`; nothing of the value."""
    token = _steps_left.set([MOST_STEPS])
    try:
        first = next(_Validator(plain(schema), registry=Registry()).iter_errors(value), None)
    except (NotASchema, _TooMuch, RecursionError):
        return ""
    finally:
        _steps_left.reset(token)
    steps = [] if first is None else list(first.absolute_schema_path)
    return "/".join(map(str, steps))[:MOST_FAULT_CHARACTERS]


class _TooMuch(Exception):
    """The validation takes more steps than allowed."""


_steps_left: ContextVar[list[int]] = ContextVar("steps_left")


def _judge(value: Any, schema: JSONObject, most_steps: int) -> str:
    token = _steps_left.set([most_steps])
    try:
        errors = _Validator(schema, registry=Registry()).iter_errors(value)
        return "; ".join(_in_words(error) for error in islice(errors, MOST_FAULTS))
    finally:
        _steps_left.reset(token)


def _in_words(error: ValidationError) -> str:
    return f"{error.json_path}: {error.message[:MOST_FAULT_CHARACTERS]}"


def _counted(keyword: Callable[..., Any]) -> Callable[..., Iterator[ValidationError]]:
    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        left = _steps_left.get()
        left[0] -= 1 + (len(value) if isinstance(value, list | dict) else 0)
        if left[0] < 0:
            raise _TooMuch
        found: Iterable[ValidationError] | None = keyword(validator, value, instance, schema)
        yield from found or ()

    return check


def _unique_items(
    validator: Any, wanted: bool, instance: Any, schema: Any
) -> Iterator[ValidationError]:
    """Compare the items as JSON text, for pairwise comparison takes quadratic time."""
    if wanted and isinstance(instance, list):
        written = {exact_json.dumps(item, sorts_keys=True) for item in instance}
        if len(written) < len(instance):
            yield ValidationError("the items must all be different")


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _is_found(pattern, instance):
        yield ValidationError(f"{_quoted(instance)} does not match {pattern!r}")


def _pattern_properties(
    validator: Any, parts: JSONObject, instance: Any, schema: Any
) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for pattern, part in parts.items():
            for name, value in instance.items():
                if _is_found(pattern, name):
                    yield from validator.descend(value, part, path=name, schema_path=pattern)


def _additional_properties(
    validator: Any, wanted: Any, instance: Any, schema: Any
) -> Iterator[ValidationError]:
    """Judge the properties that neither `properties` nor a pattern names."""
    patterns = schema.get("patternProperties")
    if not patterns or not isinstance(instance, dict):
        keyword = Draft202012Validator.VALIDATORS["additionalProperties"]
        yield from keyword(validator, wanted, instance, schema) or ()
        return
    named = schema.get("properties", {})
    for name, value in instance.items():
        if name not in named and not any(_is_found(pattern, name) for pattern in patterns):
            if wanted is False:
                listed = ", ".join(map(repr, patterns))
                words = f"{_quoted(name)} does not match any of the patterns: {listed}"
                yield ValidationError(words)
            else:
                yield from validator.descend(value, wanted, path=name)


def _quoted(text: str) -> str:
    """Quote so much of a text that there is room for the pattern that it does not match."""
    return f"{text[:MOST_QUOTED_CHARACTERS]!r}{'…' if len(text) > MOST_QUOTED_CHARACTERS else ''}"


def _is_found(pattern: str, text: str) -> bool:
    """Search for a pattern that `plain` has let pass, for as long as there are steps left."""
    expression = compiled(pattern).expression
    if expression is None:
        return True
    encoded = text.encode("utf-8", "surrogatepass")
    if expression.size * len(encoded) > MOST_SEARCH_STEPS:
        raise _TooMuch
    begun_s = thread_time()
    is_found = expression.is_in(encoded)
    left = _steps_left.get()
    left[0] -= 1 + int((thread_time() - begun_s) / SECONDS_PER_STEP)
    if left[0] < 0:
        raise _TooMuch
    return is_found


_OURS: dict[str, Callable[..., Any]] = {
    "additionalProperties": _additional_properties,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "uniqueItems": _unique_items,
}
_Validator = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        name: _counted(keyword)
        for name, keyword in {**Draft202012Validator.VALIDATORS, **_OURS}.items()
    },
)
