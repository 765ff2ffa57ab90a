"""What the body of a model map may say; the entries themselves are judged by accounts and by the catalogue."""

from collections.abc import Mapping
from typing import Annotated, Any

from accounts.model_map.matching import ENTRIES_MAX, NAME_MAX_CHARS
from gateway.api.schema.fields import EntriesType, TextType, optional
from gateway.api.schema.parsing import Body, parse

Target = Annotated[str, TextType(NAME_MAX_CHARS, fewest=1)]


class NewModelMap(Body):
    data: Annotated[dict[str, Target], EntriesType(ENTRIES_MAX, NAME_MAX_CHARS)] | None = optional(
        "The whole map: a name, or a pattern in which `*` stands for any characters → a served model's id."
        " Null or empty clears it."
    )


def read_model_map(body: Mapping[str, Any]) -> NewModelMap:
    """Read `{"data": {…}}`, or the entries alone. Raises InvalidParameter."""
    return parse(NewModelMap, body if "data" in body else {"data": dict(body)})
