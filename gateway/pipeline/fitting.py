"""Fit an order to one route: the request as the route honours it, or why it cannot serve it. Pure."""

from collections.abc import Set as AbstractSet

from gateway.catalog import Model, Route
from gateway.pipeline.adaptation import Adaptation, adapt, unsupported
from gateway.pipeline.errors import (
    ContextLengthExceeded,
    InvalidParameter,
    NoProviderAvailable,
    UnsupportedContent,
)
from gateway.pipeline.estimate import prompt_floor_tokens
from gateway.pipeline.order import ChatOrder
from gateway.pipeline.transforms import middle_out
from gateway.providers.chat_types import ChatRequest


def fitted(
    order: ChatOrder, model: Model, route: Route, emulated: AbstractSet[str]
) -> tuple[ChatRequest, tuple[Adaptation, ...]]:
    """Return the request for a route, and what was changed; `emulated` parameters any model honours.

    Raises RequestRefused.
    """
    profile = route.profile
    _refuse_unmet_demands(order, model, route, emulated)
    request, adapted = adapt(order.request, profile, emulated)
    if order.is_middle_out:
        shortened = middle_out(request, profile)
        if shortened is not request:
            request, adapted = shortened, (*adapted, Adaptation("messages", "rewritten"))
    floor_tokens = prompt_floor_tokens(request)
    if floor_tokens >= profile.context_tokens:
        raise ContextLengthExceeded(
            f"The maximum context length of {model.id} is {profile.context_tokens} tokens, "
            f"and the messages have {floor_tokens} tokens at least. Shorten them, or send "
            'transforms: ["middle-out"].',
            param="messages",
        )
    changed = [*map(str, adapted), *(f"{name}=ignored" for name in order.ignored)]
    if order.is_strict and changed:
        raise InvalidParameter(
            f"{model.id} would need changes, and X-XRouter-Strict forbids them: "
            f"{', '.join(changed)}.",
            param=changed[0].partition("=")[0],
        )
    return request, adapted


def _refuse_unmet_demands(
    order: ChatOrder, model: Model, route: Route, emulated: AbstractSet[str]
) -> None:
    """Refuse what no adaptation can mend: pictures, privacy, parameters that must be honoured."""
    request, profile = order.request, route.profile
    for index, message in enumerate(request.messages):
        if message.images and not profile.images:
            path = f"messages[{index}].content"
            raise UnsupportedContent(
                f"{path}: {model.id} takes no pictures. "
                "GET /v1/models lists in `architecture` which models do.",
                param=path,
            )
    if request.data_collection == "deny" and not profile.can_deny_data_collection:
        raise NoProviderAvailable(
            f"{route.provider} cannot be told not to keep prompts (provider.data_collection)."
        )
    if order.preferences.require_parameters:
        missing = unsupported(request, profile, emulated)
        if missing:
            raise NoProviderAvailable(
                f"{model.id} does not honour {', '.join(missing)} (provider.require_parameters)."
            )
