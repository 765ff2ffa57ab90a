"""Which models a caller may use: what is served, and the key's own list."""

from collections.abc import Sequence
from typing import Literal

from accounts.principal import Principal
from gateway import catalog, upstreams
from gateway.catalog import Catalogue, Model
from gateway.pipeline.errors import InvalidParameter, ModelNotAllowed, ModelNotFound
from gateway.pipeline.order import Wish
from gateway.pipeline.suffixes import split


def served_to(principal: Principal | None) -> Catalogue:
    """Return the catalogue of what can be served to the caller: a test key has the sandbox for everything."""
    is_test = principal is not None and principal.is_test
    return catalog.current().serving(upstreams.served(is_test=is_test))


def resolve(model_id: str, principal: Principal | None) -> Model:
    """Find a model that is served and that the caller may use.

    Raises ModelNotFound, ModelNotAllowed.
    """
    model = served_to(principal).resolve(model_id)
    if model is None:
        raise ModelNotFound(
            f"There is no model {model_id[:100]!r}: GET /v1/models lists them.", param="model"
        )
    if not may_use(principal, model):
        raise ModelNotAllowed(
            f"This key may not use {model.id}: its own list names other models.", param="model"
        )
    return model


def wishes(
    model_ids: Sequence[str], principal: Principal, *, kind: Literal["chat", "embeddings"]
) -> list[Wish]:
    """Resolve the models of an order; an auto model stands for those that may answer for it.

    Raises ModelNotFound, ModelNotAllowed, and InvalidParameter for a model of another kind.
    """
    found = [_wish(model_id, principal) for model_id in model_ids]
    for model in (model for wish in found for model in wish.models):
        if model.kind != kind:
            raise InvalidParameter(
                f"{model.id} is for {model.kind}, this path is for {kind}.", param="model"
            )
    return found


def _wish(model_id: str, principal: Principal) -> Wish:
    name, sort = split(model_id)
    if sort is not None and served_to(principal).resolve(model_id) is not None:
        name, sort = model_id, None  # a model of the catalogue has a name that ends so
    named = resolve(name, principal)
    if not named.is_auto:
        return Wish((named,), sort)
    choices = served_to(principal).choices(named)
    models = tuple(model for model in choices if may_use(principal, model))
    if not models:
        raise ModelNotAllowed(
            f"This key may use none of the models that answer for {named.id}.", param="model"
        )
    return Wish(models, sort, is_auto=True)


def may_use(principal: Principal | None, model: Model) -> bool:
    """Say whether the key's own list, if it has one, names the model by any of its names."""
    if principal is None or not principal.allowed_models:
        return True
    served = served_to(principal)
    return any(served.resolve(name) is model for name in principal.allowed_models)
