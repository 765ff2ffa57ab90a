"""The names in the catalogue's tables, of models that are served and of those that are not."""

from gateway.models.language_models import LanguageModel, Route


def model_ids() -> list[str]:
    """Return the ids of all models. Raises django.db.Error."""
    return list(
        LanguageModel._default_manager.order_by("public_id").values_list("public_id", flat=True)
    )


def routes_of(model_id: str) -> list[tuple[str, str]]:
    """Return the provider and its own name of the model, for each route. Raises django.db.Error."""
    routes = Route._default_manager.filter(model__public_id=model_id, enabled=True)
    return list(routes.values_list("provider", "upstream_id"))
