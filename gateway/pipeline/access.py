"""Which models a caller may use: what is served, and the key's own list."""

from collections.abc import Sequence
from typing import Literal

from accounts.principal import Principal
from gateway import catalog, upstreams
from gateway.catalog import Catalogue, Model
from gateway.pipeline.errors import InvalidParameter, ModelNotAllowed, ModelNotFound


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


def choices(
    model_ids: Sequence[str], principal: Principal, *, kind: Literal["chat", "embeddings"]
) -> list[Model]:
    """Resolve the models of an order, each once; an auto model stands for those that may answer for it.

    Raises ModelNotFound, ModelNotAllowed, and InvalidParameter for a model of another kind.
    """
    catalogue = served_to(principal)
    named = [resolve(model_id, principal) for model_id in model_ids]
    for model in named:
        if model.kind != kind:
            raise InvalidParameter(
                f"{model.id} is for {model.kind}, this path is for {kind}.", param="model"
            )
    found = [
        choice
        for model in named
        for choice in catalogue.choices(model)
        if choice is model or may_use(principal, choice)
    ]
    return list({model.id: model for model in found}.values())


def may_use(principal: Principal | None, model: Model) -> bool:
    """Say whether the key's own list, if it has one, names the model by any of its names."""
    if principal is None or not principal.allowed_models:
        return True
    served = served_to(principal)
    return any(served.resolve(name) is model for name in principal.allowed_models)
