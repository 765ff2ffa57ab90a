"""What an upstream model can do, as data: the pipeline reads this and never a provider's name."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Support = Literal["native", "emulated", "none"]
ReasoningOff = Literal["none", "off"]

NO_OP_VALUES: Mapping[str, object] = MappingProxyType(
    {
        "max_tokens": None,
        "temperature": None,
        "top_p": 1,
        "top_k": 0,
        "min_p": 0,
        "seed": None,
        "stop": (),
        "frequency_penalty": 0,
        "presence_penalty": 0,
        "repetition_penalty": 1,
        "logit_bias": {},
        "logprobs": False,
        "top_logprobs": 0,
        "n": 1,
        "reasoning_effort": None,
    }
)
"""Each parameter with the value that means the same as leaving it out; None where only absence does."""
TUNABLE = tuple(NO_OP_VALUES)
"""The fields of a ChatRequest that a profile's `parameters` may name, as people list them."""

WHOLE = frozenset({"max_tokens", "top_k", "seed", "top_logprobs", "n"})
"""Those among them that are whole numbers."""

_SUPPORT: Mapping[object, Support] = {"native": "native", "emulated": "emulated", "none": "none"}


@dataclass(frozen=True, slots=True)
class ParameterRange:
    """Values an upstream takes for one request parameter. A value outside is clamped and named."""

    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: bool = False
    default: float | int | str | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """Capabilities of one route. A parameter that is not in `parameters` is not honoured.

    `wire` names one of the forms of API that the provider has, "" where it has but one. `dimensions` are
    the lengths of vectors that a caller may choose from. `reasoning_off` is what must be sent as
    `reasoning_effort` where the caller asks for none, to a model that reasons unless told not to.
    """

    context_tokens: int
    max_output_tokens: int
    parameters: Mapping[str, ParameterRange] = field(default_factory=lambda: MappingProxyType({}))
    tools: Support = "none"
    tool_choice_required: Support = "none"
    parallel_tool_calls: bool = False
    json_object: Support = "none"
    json_schema: Support = "none"
    images: bool = False
    can_deny_data_collection: bool = False
    wire: str = ""
    dimensions: tuple[int, ...] = ()
    reasoning_off: ReasoningOff | None = None


def read_profile(document: object, *, context_tokens: int, max_output_tokens: int) -> ModelProfile:
    """Read a profile as the catalogue keeps it: the fields of ModelProfile, each of them optional.

    `parameters` maps a name to the fields of its ParameterRange. The two sizes hold where the
    document has none of its own.

    Raises:
        ValueError: an unknown name, or a value of the wrong kind; the message says which.
    """
    fields = _object(document, "profile", ModelProfile.__slots__)
    ranges = _object(fields.get("parameters", {}), "parameters", TUNABLE)
    return ModelProfile(
        context_tokens=_tokens(fields, "context_tokens", context_tokens),
        max_output_tokens=_tokens(fields, "max_output_tokens", max_output_tokens),
        parameters=MappingProxyType({name: _range(name, ranges[name]) for name in ranges}),
        tools=_support(fields, "tools"),
        tool_choice_required=_support(fields, "tool_choice_required"),
        parallel_tool_calls=_flag(fields, "parallel_tool_calls"),
        json_object=_support(fields, "json_object"),
        json_schema=_support(fields, "json_schema"),
        images=_flag(fields, "images"),
        can_deny_data_collection=_flag(fields, "can_deny_data_collection"),
        wire=_wire(fields),
        dimensions=_dimensions(fields),
        reasoning_off=_reasoning_off(fields),
    )


def _range(name: str, document: object) -> ParameterRange:
    fields = _object(document, name, ParameterRange.__slots__)
    choices = fields.get("choices", [])
    if not isinstance(choices, list) or not all(isinstance(choice, str) for choice in choices):
        raise ValueError(f"{name}: choices must be a list of texts.")
    default = fields.get("default")
    if isinstance(default, bool) or not isinstance(default, int | float | str | None):
        raise ValueError(f"{name}: default must be a number or a text.")
    minimum, maximum = _bound(name, fields, "minimum"), _bound(name, fields, "maximum")
    if minimum is not None and maximum is not None and minimum > maximum:
        raise ValueError(f"{name}: minimum is above maximum.")
    return ParameterRange(
        minimum=minimum,
        maximum=maximum,
        exclusive_minimum=_flag(fields, "exclusive_minimum"),
        default=default,
        choices=tuple(choices),
    )


def _object(document: object, what: str, names: Collection[str]) -> Mapping[str, object]:
    if not isinstance(document, dict):
        raise ValueError(f"{what} must be an object.")
    if unknown := sorted(set(document) - set(names)):
        raise ValueError(f"{what} has unknown names: {', '.join(map(str, unknown))}.")
    return document


def _tokens(fields: Mapping[str, object], name: str, otherwise: int) -> int:
    value = fields.get(name, otherwise)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name} must be a whole number from 0 up.")
    return value


def _support(fields: Mapping[str, object], name: str) -> Support:
    value = fields.get(name, "none")
    if not isinstance(value, str) or value not in _SUPPORT:
        raise ValueError(f"{name} must be native, emulated or none.")
    return _SUPPORT[value]


def _wire(fields: Mapping[str, object]) -> str:
    value = fields.get("wire", "")
    if not isinstance(value, str):
        raise ValueError("wire must be a text.")
    return value


def _dimensions(fields: Mapping[str, object]) -> tuple[int, ...]:
    value = fields.get("dimensions", [])
    if not isinstance(value, list) or not all(type(size) is int and size > 0 for size in value):
        raise ValueError("dimensions must be a list of whole numbers from 1 up.")
    return tuple(value)


def _reasoning_off(fields: Mapping[str, object]) -> ReasoningOff | None:
    value = fields.get("reasoning_off")
    if value is None:
        return None
    if value == "none":
        return "none"
    if value == "off":
        return "off"
    raise ValueError("reasoning_off must be none or off.")


def _flag(fields: Mapping[str, object], name: str) -> bool:
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false.")
    return value


def _bound(name: str, fields: Mapping[str, object], side: str) -> float | None:
    value = fields.get(side)
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        raise ValueError(f"{name}: {side} must be a number.")
    return value
