"""A validated request: the chat request, the models to try, and the caller's routing preferences."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Literal, NamedTuple

from gateway.catalog.snapshot import CatalogModel
from gateway.providers.chat_types import ChatRequest

Sort = Literal["price", "throughput", "latency"]


class Preferences(NamedTuple):
    """The `provider` object of a request. Slugs are in lower case; prices are roubles per million tokens.

    `sort` orders the routes of each model; with `across_models`, those of all models together. `slugs` are
    all that are named, each behind the path of its field.
    """

    order: tuple[str, ...] = ()
    only: frozenset[str] | None = None
    ignore: frozenset[str] = frozenset()
    allow_fallbacks: bool = True
    require_parameters: bool = False
    sort: Sort | None = None
    across_models: bool = False
    max_prompt_price: Decimal | None = None
    max_completion_price: Decimal | None = None
    slugs: tuple[tuple[str, str], ...] = ()


def prompts(request: ChatRequest) -> tuple[ChatRequest, ...]:
    """Return one request with one choice for each prompt: the request itself, where it is one."""
    if request.is_batch:
        return tuple(
            request._replace(messages=(message,), is_batch=False, n=1)
            for message in request.messages
        )
    return (request,) if request.n == 1 else (request._replace(n=1),)


def parts(request: ChatRequest) -> tuple[ChatRequest, ...]:
    """Return what is asked of a provider one by one, in the order of the choices: each prompt `n` times."""
    asked = prompts(request)
    return asked if request.n == 1 else tuple(p for p in asked for _ in range(request.n))


class RequestedModel(NamedTuple):
    """A requested name and the models that may answer for it, more than one for an auto model.

    `sort` is what the name's ending asks for; `name` is the name as the caller wrote it, which `is_mapped`
    where the account's model map gave it a meaning.
    """

    models: tuple[CatalogModel, ...]
    sort: Sort | None = None
    is_auto: bool = False
    name: str = ""
    is_mapped: bool = False


class CallerNotes(NamedTuple):
    """What a caller notes on a request for itself; kept with the generation. None was not given."""

    user: str | None = None
    session_id: str | None = None
    metadata: Mapping[str, str] | None = None


class CompletionRequest(NamedTuple):
    """A chat request with the models to try, in order.

    `model_fields` are the paths of their names in the body. `ignored` holds the paths of fields that have
    no effect; `is_strict` refuses instead of adapting, `is_middle_out` shortens a prompt that does not fit,
    `hides_reasoning` leaves its text out of the answer.
    `names` are the caller's own words for parameters, and paths of messages, where they differ from those
    of ChatRequest.
    """

    request: ChatRequest
    models: tuple[str, ...]
    preferences: Preferences = Preferences()
    is_strict: bool = False
    is_middle_out: bool = False
    hides_reasoning: bool = False
    ignored: tuple[str, ...] = ()
    notes: CallerNotes = CallerNotes()
    model_fields: tuple[str, ...] = ()
    names: Mapping[str, str] = MappingProxyType({})
