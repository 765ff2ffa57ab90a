"""Whether a value fits a caller's JSON Schema, told in bounded time whatever the schema."""

from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from itertools import islice
from typing import Any

import orjson
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend
from referencing import Registry

from gateway.pipeline.errors import InvalidParameter
from gateway.pipeline.plain_schema import NotASchema, plain
from gateway.providers.chat_types import JSONObject

MOST_STEPS = 100_000
"""Keywords, and members of their values, that one validation may look at."""

PROBE_STEPS = 2000
"""Steps in which a value of nothing must be done with, and one more for every BYTES_PER_STEP of schema."""

BYTES_PER_STEP = 4
MOST_FAULTS = 3
MOST_FAULT_CHARACTERS = 240

_PROBES: tuple[Any, ...] = ("", {})


def check_schema(schema: JSONObject, param: str) -> None:
    """Refuse what is no JSON Schema, leads out of itself, or cannot be worked on in bounded time.

    Raises InvalidParameter with `param`, the caller's field.
    """
    try:
        written = plain(schema)
        most_steps = PROBE_STEPS + len(orjson.dumps(schema)) // BYTES_PER_STEP
        for probe in _PROBES:
            _judge(probe, written, most_steps)
    except NotASchema as error:
        raise InvalidParameter(f"{param} is no valid JSON Schema: {error}.", param=param) from error
    except (_TooMuch, RecursionError) as error:
        raise InvalidParameter(
            f"{param}: the schema recurses without end or unfolds beyond measure. Simplify it.",
            param=param,
        ) from error


def fault_of(value: Any, schema: JSONObject) -> str | None:
    """Say in words for the model why `value` does not fit, or None. What cannot be judged does not."""
    try:
        return _judge(value, plain(schema), MOST_STEPS) or None
    except NotASchema as error:
        return f"the schema is wrong: {error}"
    except (_TooMuch, RecursionError):
        return "the document is too large or too deep to be checked against its schema"


class _TooMuch(Exception):
    """The steps are used up."""


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
    """Compare the items as text, for comparing each with each would take the square of their number."""
    if wanted and isinstance(instance, list):
        written = {orjson.dumps(item, option=orjson.OPT_SORT_KEYS) for item in instance}
        if len(written) < len(instance):
            yield ValidationError("the items must all be different")


_Validator = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        name: _counted(_unique_items if name == "uniqueItems" else keyword)
        for name, keyword in Draft202012Validator.VALIDATORS.items()
    },
)
