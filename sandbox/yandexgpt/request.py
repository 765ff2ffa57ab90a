"""Reading the body of a Yandex completion, and refusing what is wrong in it.

Source: YandexGPT reference of November 2026, sections 3, 4, 6, 7 and 14.
"""

from dataclasses import dataclass
from typing import Any

from sandbox.core.conversation import Conversation
from sandbox.core.fields import WrongField, as_flag, as_number, as_one_of, as_schema
from sandbox.yandexgpt.fields import as_int64, at_most_one, read_object
from sandbox.yandexgpt.messages import read_messages, read_tools
from sandbox.yandexgpt.models import YandexModel

COMPLETION_FIELDS = (
    "modelUri", "completionOptions", "messages", "tools", "toolChoice", "parallelToolCalls",
    "jsonObject", "jsonSchema",
)  # fmt: skip
_OPTIONS = ("stream", "temperature", "maxTokens", "reasoningOptions")
_REASONING = ("DISABLED", "ENABLED_HIDDEN")


@dataclass(frozen=True, slots=True)
class YandexCompletionRequest:
    """A request that was found good."""

    conversation: Conversation
    stream: bool
    reasons: bool


@dataclass(frozen=True, slots=True)
class _Options:
    stream: bool
    max_tokens: int | None
    reasons: bool


def read_completion(
    fields: dict[str, Any], model: YandexModel, *, strict: bool
) -> YandexCompletionRequest:
    """Return the completion that the fields of a body ask of a model. Raises WrongField."""
    options = _read_options(fields.get("completionOptions", {}), model, strict=strict)
    demand = read_tools(fields, strict=strict)
    schema, wants_json = _read_format(fields, strict=strict)
    return YandexCompletionRequest(
        Conversation(
            read_messages(fields.get("messages"), strict=strict),
            demand.tools,
            must_call=demand.must_call,
            forced_tool=demand.forced,
            parallel=as_flag(fields.get("parallelToolCalls", True), "parallelToolCalls"),
            schema=schema,
            wants_json=wants_json,
            max_tokens=options.max_tokens,
        ),
        options.stream,
        options.reasons,
    )


def _read_options(value: Any, model: YandexModel, *, strict: bool) -> _Options:
    options = read_object(value, _OPTIONS, "completionOptions", strict=strict)
    if "temperature" in options and not 0 <= as_number(options["temperature"], "temperature") <= 1:
        raise WrongField("temperature must be in range [0, 1]")
    max_tokens = as_int64(options["maxTokens"], "maxTokens") if "maxTokens" in options else None
    reasoning = read_object(
        options.get("reasoningOptions", {}), ("mode",), "reasoningOptions", strict=strict
    )
    mode = as_one_of(reasoning.get("mode", "DISABLED"), "reasoningOptions.mode", _REASONING)
    reasons = mode == "ENABLED_HIDDEN"
    if reasons and not model.reasoning:
        raise WrongField(f"model {model.name} does not support reasoning")
    return _Options(as_flag(options.get("stream", False), "stream"), max_tokens, reasons)


def _read_format(fields: dict[str, Any], *, strict: bool) -> tuple[dict[str, Any] | None, bool]:
    """Return the schema of the answer, and whether it is to be any JSON object."""
    match at_most_one(fields, ("jsonObject", "jsonSchema"), "response format"):
        case "jsonSchema":
            wanted = read_object(fields["jsonSchema"], ("schema",), "jsonSchema", strict=strict)
            return as_schema(wanted.get("schema"), "jsonSchema.schema"), False
        case "jsonObject":
            return None, as_flag(fields["jsonObject"], "jsonObject")
        case _:
            return None, False
