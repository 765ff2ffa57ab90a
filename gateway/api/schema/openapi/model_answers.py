"""The answers about models and providers, as types."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from gateway.api.schema.fields import about
from gateway.catalog.snapshot import Status
from gateway.health.status import Word

PriceType = Annotated[str, Field(pattern=r"^\d+(\.\d+)?$")]


class PricingAnswer(TypedDict):
    """Credits (roubles) per single token, per request, per image, as decimal texts."""

    prompt: PriceType
    completion: PriceType
    input_cache_read: PriceType
    request: PriceType
    image: PriceType
    currency: Literal["RUB"]


class Architecture(TypedDict):
    modality: Annotated[str, Field(examples=["text+image->text"])]
    input_modalities: list[Literal["text", "image"]]
    output_modalities: list[Literal["text", "embeddings"]]
    tokenizer: str
    instruct_type: str | None


class TopProvider(TypedDict):
    context_length: Annotated[int, Field(ge=0)]
    max_completion_tokens: Annotated[int, Field(ge=1)] | None
    is_moderated: bool


class ModelAnswer(TypedDict):
    id: str
    object: Literal["model"]
    created: Annotated[int, about("Seconds since 1970.")]
    owned_by: str
    name: str
    description: str
    canonical_slug: str
    context_length: Annotated[int, about("Tokens of prompt and answer together.", ge=0)]
    pricing: PricingAnswer
    architecture: Architecture
    top_provider: TopProvider
    per_request_limits: None
    supported_parameters: Annotated[list[str], about("What every provider of the model honours.")]
    supported_features: list[
        Literal[
            "streaming",
            "tools",
            "parallel_tool_calls",
            "json_mode",
            "structured_outputs",
            "vision",
            "reasoning",
        ]
    ]
    is_free: Annotated[bool, about("Whether accounts of the free tier may use it.")]
    status: Annotated[
        Status, about("`legacy` is a former name; `ended` is served no more, and in no list.")
    ]
    ends_on: Annotated[
        date | None, about("The last day on which it is served, in Moscow; null: none is known.")
    ]


class FiguresAnswer(TypedDict):
    requests: Annotated[int, Field(ge=0)]
    success_rate: Annotated[float, Field(ge=0, le=1)] | None
    latency_ms: Annotated[
        int | None, about("Median time to the end of the answer; null: nothing was measured.")
    ]
    time_to_first_token_ms: Annotated[int | None, about("Median, of streamed answers.")]
    tokens_per_second: Annotated[float | None, about("Median speed of the answers.")]


class EndpointAnswer(TypedDict):
    provider: str
    provider_name: str
    model: Annotated[str, about("The model itself; of an automatic one, each that may answer.")]
    context_length: Annotated[int, Field(ge=0)]
    max_completion_tokens: Annotated[int, Field(ge=1)] | None
    pricing: PricingAnswer
    supported_parameters: list[str]
    last_hour: FiguresAnswer
    last_day: FiguresAnswer


class EndpointsOfModel(TypedDict):
    id: str
    name: str
    endpoints: list[EndpointAnswer]


class ModelEndpoints(TypedDict):
    data: EndpointsOfModel


class ModelList(TypedDict):
    object: Literal["list"]
    data: list[ModelAnswer]


class Parameter(TypedDict):
    type: Literal["array", "boolean", "integer", "number", "object", "string"]
    min: NotRequired[float]
    exclusive_min: NotRequired[Annotated[bool, about("Whether `min` itself is out of range.")]]
    max: NotRequired[float]
    choices: NotRequired[list[str]]
    default: Annotated[
        Any,
        Field(
            description="Null where the provider does not say.",
            json_schema_extra={"type": ["number", "string", "null"]},
        ),
    ]


class ParametersOfModel(TypedDict):
    model: str
    supported_parameters: list[str]
    parameters: Annotated[dict[str, Parameter], about("Name → what it may be.")]


class ModelParameters(TypedDict):
    data: ParametersOfModel


class ProviderStatusAnswer(TypedDict):
    status: Annotated[
        Word,
        about(
            "`degraded`: some requests fail, or some models or credentials are out of use; `down`:"
            " all of them."
        ),
    ]
    latency_ms: Annotated[
        Annotated[int, Field(ge=0)] | None,
        about(
            "Median time to the first token (of plain answers, to the answer); null where nothing"
            " was measured."
        ),
    ]
    success_rate: Annotated[
        float,
        about(
            "Share of the requests that the provider answered; 1 where there were none.", ge=0, le=1
        ),
    ]
    last_updated: datetime


class ProvidersStatus(TypedDict):
    data: Annotated[dict[str, ProviderStatusAnswer], about("Slug → how the provider is.")]
