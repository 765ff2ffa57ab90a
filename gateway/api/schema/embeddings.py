"""What the body of an embeddings request may say."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from gateway.api.schema.chat_request import MAX_MODEL_CHARACTERS, CallerName
from gateway.api.schema.fields import (
    ChoiceType,
    TextsType,
    TextType,
    WholeType,
    about,
    invalid,
    optional,
)
from gateway.api.schema.parsing import Body

MAX_INPUTS = 2048
MAX_INPUT_CHARACTERS = 1_000_000
MAX_DIMENSIONS = 65_536


@dataclass(frozen=True, slots=True)
class InputsType(TextsType):
    """Texts to embed; token ids have a refusal of their own."""

    def read(self, value: Any) -> tuple[str, ...]:
        match value:
            case [int(), *_] | [[_, *_], *_]:
                raise invalid(
                    "must be texts: token ids of another tokenizer mean nothing here."
                    " Switch the splitting into tokens off in your client."
                )
        return TextsType.read(self, value)


class EmbeddingsRequest(Body):
    """A field that is not listed here is ignored and named in `X-XRouter-Adapted`."""

    model: Annotated[str, TextType(MAX_MODEL_CHARACTERS, fewest=1)] = about(
        "One of the models whose `architecture.output_modalities` name `embeddings`."
    )
    input: Annotated[tuple[str, ...], InputsType(MAX_INPUTS, MAX_INPUT_CHARACTERS, fewest=1)] = (
        about("A text or a list of texts; numbers of tokens are not taken.")
    )
    encoding_format: (
        Annotated[Literal["float", "base64"], ChoiceType(("float", "base64"))] | None
    ) = optional("`base64` gives 32-bit little-endian floats.", default="float")
    user: CallerName | None = optional("Whom the vectors are for; kept with the generation.")
    dimensions: Annotated[int, WholeType(1, MAX_DIMENSIONS)] | None = optional(
        "The length of the vectors, of a model that has several."
    )
