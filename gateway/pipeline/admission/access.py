"""Resolve the models that a caller names, within what is served and the key's allow-list."""

import time
from collections.abc import Sequence
from typing import Literal, NamedTuple

from accounts.principal import Principal
from gateway import upstreams
from gateway.catalog import snapshot
from gateway.catalog.snapshot import CatalogModel, CatalogRoute, Catalogue
from gateway.pipeline.errors import (
    InvalidParameter,
    ModelNotAllowed,
    ModelNotFound,
    NoProviderAvailable,
)
from gateway.pipeline.request import CompletionRequest, RequestedModel, Sort
from gateway.providers.profile import ModelProfile

_SORTS: dict[str, Sort] = {":floor": "price", ":nitro": "throughput"}
"""Endings of a model's name that say how to choose among its routes."""
_FREE = ":free"
"""An ending that means nothing but that the model is to be free."""
_ENDINGS = (*_SORTS, _FREE)

_NARROWED_FOR_S = 1.0
"""How long it is believed what the accounts can do, so that requests need not look their adapters up for it."""


class _Narrowed(NamedTuple):
    """The part of the catalogue that is served, and what the accounts can do of it."""

    whole: Catalogue
    catalogue: Catalogue
    until_s: float


_narrowed: dict[bool, _Narrowed] = {}


def served_to(principal: Principal | None) -> Catalogue:
    """Return the models that can be served to the caller; to a test key the sandbox serves all of them.

    Their profiles promise what the accounts at the providers can do.
    """
    is_test = principal is not None and principal.is_test
    whole = snapshot.current().serving(upstreams.served(is_test=is_test))
    known = _narrowed.get(is_test)
    if known is not None and known.whole is whole and time.monotonic() < known.until_s:
        return known.catalogue

    def profile_of(route: CatalogRoute) -> ModelProfile:
        return upstreams.narrowed(route.provider, route.profile, is_test=is_test)

    narrowed = whole.narrowed(profile_of)
    _narrowed[is_test] = _Narrowed(whole, narrowed, time.monotonic() + _NARROWED_FOR_S)
    return narrowed


def resolve(model_id: str, principal: Principal | None) -> CatalogModel:
    """Return a model that is served and that the caller may use.

    Raises ModelNotFound, ModelNotAllowed; InvalidParameter for `NAME:free` of a model that is not.
    """
    served = served_to(principal)
    model = served.resolve(model_id)
    if model is None and model_id.lower().endswith(_FREE):
        model = served.resolve(model_id[: -len(_FREE)])
        if model is not None and not model.is_free:
            raise InvalidParameter(
                f"{model.id} is not free: name it without :free, or choose a model that"
                " GET /v1/models marks with is_free.",
                param="model",
            )
    if model is None and (ended := served.ended(model_id)) is not None:
        if ended.successor:
            raise ModelNotFound(
                f"{ended.id} is served no more: use {ended.successor}.", param="model"
            )
        raise ModelNotFound(
            f"{ended.id} is served no more: GET /v1/models lists others.", param="model"
        )
    if model is None:
        raise ModelNotFound(
            f"There is no model {model_id[:100]!r}: GET /v1/models lists them.", param="model"
        )
    if not may_use(principal, model):
        raise ModelNotAllowed(
            f"This key may not use {model.id}: its own list names other models.", param="model"
        )
    return model


def unknown_names(
    completion_request: CompletionRequest, known: Sequence[RequestedModel]
) -> tuple[str, ...]:
    """Return the paths of models that are none, and of slugs that no route of the catalogue has.

    `known` is what `resolve_requested` made of the request's models.
    """
    names = {requested.name for requested in known}
    fields = zip(completion_request.models, completion_request.model_fields, strict=False)
    models = (path for name, path in fields if name not in names)
    slugs = completion_request.preferences.slugs
    if not slugs:
        return tuple(models)
    served = {route.provider for model in snapshot.current().models() for route in model.routes}
    return (*models, *(path for path, slug in slugs if slug not in served))


def resolve_requested(
    model_ids: Sequence[str], principal: Principal, *, kind: Literal["chat", "embeddings"]
) -> list[RequestedModel]:
    """Resolve the models of a request; an auto model becomes those that may answer for it.

    Unknown names are left out. Raises ModelNotFound where all of them are unknown, ModelNotAllowed;
    InvalidParameter for a model of another kind, and NoProviderAvailable where there is nobody to answer
    at all.
    """
    if not upstreams.served(is_test=principal.is_test):
        raise NoProviderAvailable(
            "No provider is connected to this service yet: its operator sets a credential. A test"
            " key, xr-test-…, is answered by the sandbox."
        )
    found: list[RequestedModel] = []
    unknown: list[ModelNotFound] = []
    for model_id in model_ids:
        try:
            found.append(_requested_model(model_id, principal))
        except ModelNotFound as refusal:
            unknown.append(refusal)
    if not found:
        raise unknown[0]
    for model in (model for requested in found for model in requested.models):
        if model.kind != kind:
            raise InvalidParameter(
                f"{model.id} is for {model.kind}, this path is for {kind}.", param="model"
            )
    return found


def _requested_model(model_id: str, principal: Principal) -> RequestedModel:
    """Return what a name stands for; the account's model map is asked where the catalogue does not know it."""
    try:
        return _named_model(model_id, principal)
    except ModelNotFound:
        target = _mapped(model_id, principal)
        if target is None:
            raise
    try:
        return _named_model(target, principal)._replace(name=model_id, is_mapped=True)
    except ModelNotFound:
        raise ModelNotFound(
            f"The account's model map sends {model_id[:100]!r} to {target[:100]!r}, which is not served at"
            " present: change the map with PUT /v1/model_map.",
            param="model",
        ) from None


def _mapped(model_id: str, principal: Principal) -> str | None:
    """Return the account's model for a name, with the name's ending; None for one of the catalogue's own."""
    name = without_ending(model_id)
    catalogue = snapshot.current()
    if catalogue.resolve(model_id) is not None or catalogue.resolve(name) is not None:
        return None
    target = principal.model_map.target_of(name)
    return None if target is None else target + model_id[len(name) :]


def without_ending(name: str) -> str:
    """Return a name without :free, :floor or :nitro, which say how to choose and name no model."""
    ending = next((ending for ending in _ENDINGS if name.lower().endswith(ending)), "")
    return name[: len(name) - len(ending)]


def _named_model(model_id: str, principal: Principal) -> RequestedModel:
    name, sort = _split(model_id)
    if sort is not None and served_to(principal).resolve(model_id) is not None:
        name, sort = model_id, None  # the catalogue has a model whose own name ends so
    named = resolve(name, principal)
    if not named.is_auto:
        return RequestedModel((named,), sort, name=model_id)
    models = choices_of(principal, named)
    if not models:
        raise ModelNotAllowed(
            f"This key may use none of the models that answer for {named.id}: its list has to name"
            " some of them.",
            param="model",
        )
    return RequestedModel(models, sort, is_auto=True, name=model_id)


def _split(name: str) -> tuple[str, Sort | None]:
    """Return a model's name without its ending, and the sort that the ending asks for."""
    for suffix, sort in _SORTS.items():
        if name.lower().endswith(suffix):
            return name[: -len(suffix)], sort
    return name, None


def choices_of(principal: Principal | None, model: CatalogModel) -> tuple[CatalogModel, ...]:
    """Return those of the models that may answer for `model` that the key may use."""
    choices = served_to(principal).choices(model)
    return tuple(choice for choice in choices if may_use(principal, choice))


def may_use(principal: Principal | None, model: CatalogModel) -> bool:
    """Say whether the key's allow-list, if it has one, has any of the model's names."""
    if principal is None or not principal.allowed_models:
        return True
    served = served_to(principal)
    allowed = (served.resolve(name) for name in principal.allowed_models)
    return any(found is not None and found.id == model.id for found in allowed)
