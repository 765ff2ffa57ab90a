"""Fit a request to a route: refuse, clamp or drop what the model does not honour, and name it. Pure."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from types import MappingProxyType
from typing import Any, get_args

from gateway.catalog.snapshot import CatalogModel, CatalogRoute
from gateway.pipeline.candidate import Adaptation
from gateway.pipeline.errors import (
    ContextLengthExceeded,
    InvalidParameter,
    NoProviderAvailable,
)
from gateway.pipeline.request import CompletionRequest, prompts
from gateway.pipeline.routing.middle_out import middle_out
from gateway.pipeline.routing.pictures import refuse_unfit_pictures, with_words_for_pictures
from gateway.pipeline.token_estimate import prompt_floor_tokens
from gateway.providers.chat_types import ChatRequest, ReasoningEffort
from gateway.providers.profile import NO_OP_VALUES, TUNABLE, WHOLE, ModelProfile, Support
from gateway.providers.registry import leaves_blanks_out

_UNSAID: Mapping[str, object] = MappingProxyType(dict.fromkeys(TUNABLE) | {"stop": (), "n": 1})
_ABOVE_EXCLUSIVE_MINIMUM = 0.001


def fitted(
    completion_request: CompletionRequest,
    model: CatalogModel,
    route: CatalogRoute,
    emulated: AbstractSet[str],
) -> tuple[ChatRequest, tuple[Adaptation, ...]]:
    """Return the request as a route honours it, and what was changed.

    The `emulated` parameters every model honours. Raises RequestRefused where the route cannot serve it.
    """
    profile = route.profile
    _refuse_unmet_demands(completion_request, model, route, emulated)
    request, adapted = adapt(completion_request.request, profile, emulated)
    request, retold = with_words_for_pictures(request, route)
    adapted = (*adapted, *retold)
    if completion_request.is_middle_out:
        messages = tuple(
            message
            for prompt in prompts(request)
            for message in middle_out(prompt, profile).messages
        )
        if messages != request.messages:
            request = request._replace(messages=messages)
            adapted = (*adapted, Adaptation("messages", "rewritten"))
    names = completion_request.names
    is_unsayable = _is_blank if leaves_blanks_out(route.provider, profile.wire) else _is_empty
    if any(map(is_unsayable, prompts(request))):
        raise InvalidParameter("Every message is empty.", param=names.get("messages", "messages"))
    if names:
        adapted = tuple(
            dict.fromkeys(
                replace(change, parameter=names.get(change.parameter, change.parameter))
                for change in adapted
            )
        )
    floor_tokens = max(map(prompt_floor_tokens, prompts(request)))
    if floor_tokens >= profile.context_tokens:
        raise ContextLengthExceeded(
            f"The maximum context length of {model.id} is {profile.context_tokens} tokens, "
            f"and the messages have {floor_tokens} tokens at least. Shorten them, or send "
            'transforms: ["middle-out"].',
            param=names.get("messages", "messages"),
        )
    if completion_request.is_strict and (adapted or completion_request.ignored):
        changed = [*map(str, adapted), *(f"{name}=ignored" for name in completion_request.ignored)]
        raise InvalidParameter(
            f"{model.id} would need changes, and X-XRouter-Strict forbids them: "
            f"{', '.join(changed)}.",
            param=changed[0].partition("=")[0],
        )
    return request, adapted


def adapt(
    request: ChatRequest, profile: ModelProfile, emulated: AbstractSet[str] = frozenset()
) -> tuple[ChatRequest, tuple[Adaptation, ...]]:
    """Return `request` without anything that `profile` does not honour, and what was changed.

    The fields in `emulated` stay as they are: the pipeline emulates them, but for `stop` beside JSON.
    """
    request = _with_highest_effort(request, profile)
    dropped, gone = _drop(request, profile, emulated)
    kept = request._replace(**dropped) if dropped else request
    if _wants_determinism(kept, profile):
        if kept.top_p not in (None, 0, 1):
            gone = (*gone, "top_p")
        kept = kept._replace(temperature=None, top_p=0.0)
    moved: dict[str, Any] = {
        name: value
        for name in profile.parameters
        if name not in emulated and (value := _clamp(name, kept, profile)) != getattr(kept, name)
    }
    adaptations = [Adaptation(name, "ignored") for name in gone]
    adaptations += [Adaptation(name, "clamped") for name in moved]
    if kept.reasoning_effort is None and profile.reasoning_off is not None:
        moved["reasoning_effort"] = profile.reasoning_off
    return kept._replace(**moved) if moved else kept, tuple(sorted(adaptations, key=_order))


def _with_highest_effort(request: ChatRequest, profile: ModelProfile) -> ChatRequest:
    """Put the highest effort that the model has in the place of `max`."""
    limits = profile.parameters.get("reasoning_effort")
    if request.reasoning_effort != "max" or limits is None:
        return request
    known = [effort for effort in get_args(ReasoningEffort) if effort in limits.choices]
    return request._replace(reasoning_effort=known[-1] if known else "high")


def unsupported(
    request: ChatRequest, profile: ModelProfile, emulated: AbstractSet[str] = frozenset()
) -> list[str]:
    """Name the parameters the caller set that `profile` does not honour at all."""
    return sorted(_drop(_with_highest_effort(request, profile), profile, emulated)[1])


def render(adaptations: Iterable[Adaptation]) -> str:
    """Return the header's value: `temperature=clamped, logit_bias=ignored`."""
    return ", ".join(map(str, adaptations))


def _refuse_unmet_demands(
    completion_request: CompletionRequest,
    model: CatalogModel,
    route: CatalogRoute,
    emulated: AbstractSet[str],
) -> None:
    """Refuse what no adaptation can fix: images, data collection, required parameters."""
    request, profile = completion_request.request, route.profile
    refuse_unfit_pictures(completion_request, model, route)
    if request.data_collection == "deny" and not profile.can_deny_data_collection:
        raise NoProviderAvailable(
            f"{route.provider} cannot be told not to keep prompts (provider.data_collection)."
        )
    if completion_request.preferences.require_parameters:
        missing = unsupported(request, profile, emulated)
        if missing:
            raise NoProviderAvailable(
                f"{model.id} does not honour {', '.join(missing)} (provider.require_parameters)."
            )


def _is_blank(request: ChatRequest) -> bool:
    """Say whether no message says anything."""
    return all(message.is_blank for message in request.messages)


def _is_empty(request: ChatRequest) -> bool:
    """Say whether there are empty system messages alone, which every wire leaves out."""
    return not any(message.content or message.role != "system" for message in request.messages)


def _drop(
    request: ChatRequest, profile: ModelProfile, emulated: AbstractSet[str]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the fields to change, with their new values, and the names of those that had an effect."""
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
        if value != NO_OP_VALUES[name]:
            gone.append(name)
    _drop_tools(request, profile, changes, gone)
    wanted = request.response_format
    if wanted is not None and _format_support(request, profile) == "none":
        changes["response_format"] = None
        gone.append("response_format")
    elif wanted is not None and wanted.kind != "text" and request.stop and "stop" in emulated:
        # A JSON document is not cut: what is left of it would be none.
        changes["stop"] = ()
        gone.append("stop")
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
        # `false` needs nothing: a model of one call a turn complies anyway.
        changes["parallel_tool_calls"] = None
        gone.append("parallel_tool_calls")


def _format_support(request: ChatRequest, profile: ModelProfile) -> Support:
    wanted = request.response_format
    if wanted is None or wanted.kind == "text":
        return "native"
    return profile.json_object if wanted.kind == "json_object" else profile.json_schema


def _wants_determinism(request: ChatRequest, profile: ModelProfile) -> bool:
    """Say whether temperature 0, which is out of range here, must be sent as `top_p` 0."""
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
    """Return the nearest number in range; any other value unchanged."""
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
    names = ChatRequest._fields
    return names.index(adaptation.parameter) if adaptation.parameter in names else len(names)
