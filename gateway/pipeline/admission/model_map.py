"""What an account may put into its model map: other names for models that are served."""

from collections.abc import Iterable, Mapping

from accounts.errors import InvalidModelMap
from gateway.catalog import snapshot
from gateway.pipeline.admission.access import served_to, without_ending


def check_targets(entries: Mapping[str, str]) -> None:
    """Check that the names stand for served models, and bear no ending. Raises InvalidModelMap."""
    served = served_to(None)
    for name, target in entries.items():
        if without_ending(name) != name:
            raise InvalidModelMap(
                name,
                "must be a name without :free, :floor and :nitro: callers add them to any name.",
            )
        if served.resolve(target) is None:
            raise InvalidModelMap(
                name, "must be the id of a served model: GET /v1/models lists them."
            )


def without_effect(entries: Iterable[str]) -> list[str]:
    """Return the names that the catalogue knows: they are never mapped."""
    catalogue = snapshot.current()
    return [name for name in entries if catalogue.resolve(name) is not None]
