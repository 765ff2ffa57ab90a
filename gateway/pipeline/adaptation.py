"""Fit a request to a route: what the model does not honour is clamped or dropped, and named."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from gateway.providers.chat_types import ChatRequest
from gateway.providers.profile import TUNABLE, WHOLE, ModelProfile, Support

Action = Literal["clamped", "ignored", "emulated", "rewritten"]

_UNSAID: Mapping[str, object] = MappingProxyType(dict.fromkeys(TUNABLE) | {"stop": (), "n": 1})
# Values at which saying nothing means the same: they are dropped without a word.
_NEUTRAL: Mapping[str, object] = MappingProxyType(
    {
        "top_p": 1,
        "top_k": 0,
        "min_p": 0,
        "frequency_penalty": 0,
        "presence_penalty": 0,
        "repetition_penalty": 1,
        "logit_bias": {},
        "logprobs": False,
        "top_logprobs": 0,
    }
)
_ABOVE_EXCLUSIVE_MINIMUM = 0.001


@dataclass(frozen=True, slots=True)
class Adaptation:
    """One thing that was done to a request; written `temperature=clamped`."""

    parameter: str
    action: Action

    def __str__(self) -> str:
        return f"{self.parameter}={self.action}"


def adapt(
    request: ChatRequest, profile: ModelProfile, emulated: AbstractSet[str] = frozenset()
) -> tuple[ChatRequest, tuple[Adaptation, ...]]:
    """Return `request` with nothing in it that `profile` does not honour, and what was done.

    The fields in `emulated` stay as they are: the pipeline itself gives their effect.
    """
    dropped, gone = _drop(request, profile, emulated)
    kept = replace(request, **dropped)
    if _wants_determinism(kept, profile):
        if kept.top_p not in (None, 0, 1):
            gone = (*gone, "top_p")
        kept = replace(kept, temperature=None, top_p=0.0)
    moved: dict[str, Any] = {
        name: value
        for name in profile.parameters
        if name not in emulated and (value := _clamp(name, kept, profile)) != getattr(kept, name)
    }
    adaptations = [Adaptation(name, "ignored") for name in gone]
    adaptations += [Adaptation(name, "clamped") for name in moved]
    return replace(kept, **moved), tuple(sorted(adaptations, key=_order))


def unsupported(
    request: ChatRequest, profile: ModelProfile, emulated: AbstractSet[str] = frozenset()
) -> list[str]:
    """Name the parameters the caller set that `profile` does not honour at all."""
    return sorted(_drop(request, profile, emulated)[1])


def render(adaptations: Iterable[Adaptation]) -> str:
    """Write the header's value: `temperature=clamped, logit_bias=ignored`."""
    return ", ".join(map(str, adaptations))


def _drop(
    request: ChatRequest, profile: ModelProfile, emulated: AbstractSet[str]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the fields to change, with their new values, and the names that meant something."""
    changes: dict[str, Any] = {}
    gone: list[str] = []
    for name in TUNABLE:
        value = getattr(request, name)
        if value == _UNSAID[name] or name in emulated:
            continue
        limits = profile.parameters.get(name)
        if limits is not None and (not limits.choices or value in limits.choices):
            continue
        changes[name] = _UNSAID[name]
        if name not in _NEUTRAL or value != _NEUTRAL[name]:
            gone.append(name)
    _drop_tools(request, profile, changes, gone)
    if request.response_format is not None and _format_support(request, profile) == "none":
        changes["response_format"] = None
        gone.append("response_format")
    return changes, tuple(gone)


def _drop_tools(
    request: ChatRequest, profile: ModelProfile, changes: dict[str, Any], gone: list[str]
) -> None:
    has_tools = bool(request.tools) and profile.tools != "none"
    if request.tools and not has_tools:
        changes["tools"] = ()
        gone.append("tools")
    if request.tool_choice is not None and not has_tools:
        changes["tool_choice"] = None
        if request.tool_choice not in ("auto", "none"):
            gone.append("tool_choice")
    elif request.tool_choice == "required" and profile.tool_choice_required == "none":
        changes["tool_choice"] = "auto"
        gone.append("tool_choice")
    if request.parallel_tool_calls is not None and not has_tools:
        changes["parallel_tool_calls"] = None
    elif request.parallel_tool_calls and not profile.parallel_tool_calls:
        # `false` needs no such care: a model of one call a turn keeps it by itself.
        changes["parallel_tool_calls"] = None
        gone.append("parallel_tool_calls")


def _format_support(request: ChatRequest, profile: ModelProfile) -> Support:
    wanted = request.response_format
    if wanted is None or wanted.kind == "text":
        return "native"
    return profile.json_object if wanted.kind == "json_object" else profile.json_schema


def _wants_determinism(request: ChatRequest, profile: ModelProfile) -> bool:
    """Tell whether temperature 0, being out of range, has to be said as `top_p` 0."""
    limits = profile.parameters.get("temperature")
    return (
        request.temperature == 0
        and limits is not None
        and limits.exclusive_minimum
        and limits.minimum == 0
        and "top_p" in profile.parameters
        and profile.parameters["top_p"].minimum == 0
        and not profile.parameters["top_p"].exclusive_minimum
    )


def _clamp(name: str, request: ChatRequest, profile: ModelProfile) -> object:
    """Return the nearest value in range; what is no number stays as it is."""
    value: object = getattr(request, name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    limits, number = profile.parameters[name], int if name in WHOLE else float
    low, high = limits.minimum, limits.maximum
    if name == "max_tokens" and (high is None or high > profile.max_output_tokens):
        high = profile.max_output_tokens
    if low is not None and limits.exclusive_minimum and value <= low:
        return number(low + (1 if name in WHOLE else _ABOVE_EXCLUSIVE_MINIMUM))
    if low is not None and value < low:
        return number(low)
    if high is not None and value > high:
        return number(high)
    return value


def _order(adaptation: Adaptation) -> int:
    names = ChatRequest.__slots__
    return names.index(adaptation.parameter) if adaptation.parameter in names else len(names)
