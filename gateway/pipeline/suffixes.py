"""The endings of a model's name that say how to choose: `:floor` the cheapest, `:nitro` the fastest."""

from gateway.pipeline.order import Sort

_SORTS: dict[str, Sort] = {":floor": "price", ":nitro": "throughput"}


def split(name: str) -> tuple[str, Sort | None]:
    """Return a model's name without such an ending, and what it means; None where there is none."""
    for suffix, sort in _SORTS.items():
        if name.lower().endswith(suffix):
            return name[: -len(suffix)], sort
    return name, None
