"""OpenAI's `tools`, `tool_choice` and `response_format`, and their former forms."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field, ValidationError, model_validator
from typing_extensions import TypeAliasType

from gateway.api.schema.fields import (
    Boolean,
    FieldType,
    ItemsType,
    JSONObject,
    LineType,
    NextValidator,
    TextType,
    WrappedType,
    about,
    invalid,
    optional,
)
from gateway.api.schema.messages import FunctionType
from gateway.api.schema.parsing import Body
from gateway.api.schema.schema_draft import in_present_draft
from gateway.pipeline.emulation.schema_validation import (
    check_parameters,
    check_satisfiable,
    check_schema,
    unchecked,
)
from gateway.pipeline.errors import InvalidParameter
from gateway.providers.chat_types import NamedTool, ResponseFormat, Tool, ToolChoice

MAX_TOOLS = 128
MAX_NAME_CHARACTERS = 128
MAX_SCHEMA_BYTES = 65_536
MAX_TOOLS_BYTES = 524_288
MAX_SCHEMA_DEPTH = 32


@dataclass(frozen=True, slots=True)
class JSONSchemaType(FieldType):
    """A caller's JSON Schema, neither too large nor too deep to be worked on; what it says is not judged.

    It is read as `schema_draft` has it; PHP's empty list is an empty object.
    """

    most_bytes: int
    most_levels: int

    def read(self, value: Any) -> JSONObject:
        if value == []:
            return {}
        if not isinstance(value, dict):
            raise invalid("must be an object.")
        if len(orjson.dumps(value)) > self.most_bytes:
            raise invalid(f"must have {self.most_bytes} bytes of JSON at most.")
        level: list[Any] = [value]
        for _ in range(self.most_levels):
            level = [
                child
                for node in level
                for child in (node.values() if isinstance(node, dict) else node)
                if isinstance(child, dict | list)
            ]
            if not level:
                return in_present_draft(value)
        raise invalid(f"must not be nested deeper than {self.most_levels} levels.")

    def json_schema(self) -> JSONObject:
        return {"type": "object"}


_SCHEMA_LIMITS = (
    f"{MAX_SCHEMA_BYTES} bytes of JSON and {MAX_SCHEMA_DEPTH} levels of nesting at most."
)
CallerSchema = Annotated[dict[str, Any], JSONSchemaType(MAX_SCHEMA_BYTES, MAX_SCHEMA_DEPTH)]


class FunctionBody(Body):
    name: Annotated[str, LineType(MAX_NAME_CHARACTERS, fewest=1)] = about(
        "Each name may stand once."
    )
    description: Annotated[str, TextType(MAX_TOOLS_BYTES)] | None = optional(
        "What the function does, for the model."
    )
    parameters: CallerSchema | None = optional(f"JSON Schema of the arguments. {_SCHEMA_LIMITS}")
    strict: Boolean | None = optional("Hold the arguments to the schema.")


class ToolBody(Body):
    """A function that the model may call."""

    type: FunctionType | None = optional(default="function")
    function: FunctionBody


_TOOL_LIST = ItemsType(MAX_TOOLS, most_bytes=MAX_TOOLS_BYTES)
Tools = Annotated[list[ToolBody], _TOOL_LIST]
Functions = Annotated[list[FunctionBody], _TOOL_LIST]


class NamedFunction(Body):
    name: str = about("One of the tools offered.")


class NamedToolChoice(Body):
    type: Literal["function"]
    function: NamedFunction


@dataclass(frozen=True, slots=True)
class ToolChoiceType(WrappedType):
    """A word, or the name of one tool; all that is neither has the same refusal."""

    def wrapped(self, value: Any, validate: NextValidator) -> Any:
        try:
            return validate(value)
        except ValidationError:
            raise invalid(
                'must be none, auto, required or {"type": "function", "function": {"name": …}}.'
            ) from None

    def json_schema(self) -> JSONObject:
        return {}


ToolChoiceBody = TypeAliasType(
    "ToolChoiceBody",
    Annotated[
        Literal["none", "auto", "required"] | NamedToolChoice | NamedFunction,
        ToolChoiceType(),
        about("Whether the model must, may or must not call a tool, or which one it must."),
    ],
)


class SchemaFormat(Body):
    name: Annotated[str, TextType(MAX_NAME_CHARACTERS)] | None = None
    schema_: CallerSchema = Field(alias="schema", description=f"JSON Schema. {_SCHEMA_LIMITS}")
    strict: Boolean | None = optional(default=False)


class TextFormat(Body):
    type: Literal["text"]


class JSONObjectFormat(Body):
    type: Literal["json_object"]


class JSONSchemaFormat(Body):
    type: Literal["json_schema"]
    json_schema: SchemaFormat

    @model_validator(mode="before")
    @classmethod
    def _name_the_schema(cls, value: JSONObject) -> JSONObject:
        """Let `json_schema.schema` be what is missing where `json_schema` itself is."""
        return value if value.get("json_schema") else value | {"json_schema": {}}


ResponseFormatBody = TypeAliasType(
    "ResponseFormatBody",
    Annotated[
        TextFormat | JSONObjectFormat | JSONSchemaFormat,
        Field(
            discriminator="type",
            description="The form of the answer. Of `json_schema` with `strict` the answer is checked against"
            " the schema before it is given.",
        ),
    ],
)


def read_tools(
    tools: Sequence[ToolBody] | None, functions: Sequence[FunctionBody] | None
) -> tuple[Tool, ...]:
    """Return the tools, or what the deprecated `functions` say. Raises InvalidParameter."""
    if tools is not None:
        read = tuple(
            _read_function(tool.function, f"tools[{index}].function")
            for index, tool in enumerate(tools)
        )
    else:
        read = tuple(
            _read_function(function, f"functions[{index}]")
            for index, function in enumerate(functions or ())
        )
    if len({tool.name for tool in read}) != len(read):
        raise InvalidParameter("tools: each name may stand once.", param="tools")
    return read


def read_tool_choice(
    choice: ToolChoiceBody | None, former_choice: ToolChoiceBody | None, tools: tuple[Tool, ...]
) -> ToolChoice | None:
    """Return `tool_choice`, or the deprecated `function_call`. Raises InvalidParameter."""
    field = "function_call" if choice is None else "tool_choice"
    match former_choice if choice is None else choice:
        case NamedToolChoice(function=NamedFunction(name=name)) | NamedFunction(name=name):
            if name not in {tool.name for tool in tools}:
                raise InvalidParameter(f"{field} names a tool that is not offered.", param=field)
            return NamedTool(name)
        case "required" if not tools:
            raise InvalidParameter(f"{field} needs tools.", param=field)
        case word:
            return word


def read_response_format(body: ResponseFormatBody | None) -> ResponseFormat | None:
    """Return what form the answer must have; text is none. Raises InvalidParameter."""
    match body:
        case JSONObjectFormat():
            return ResponseFormat("json_object")
        case JSONSchemaFormat(json_schema=wanted):
            check_schema(wanted.schema_, "response_format.json_schema.schema")
            check_satisfiable(wanted.schema_, "response_format.json_schema.schema")
            return ResponseFormat(
                "json_schema",
                schema=wanted.schema_,
                name=wanted.name or "",
                strict=bool(wanted.strict),
            )
    return None


def unchecked_format(body: ResponseFormatBody | None) -> list[str]:
    """Return the paths of the patterns that the answer is not checked against."""
    match body:
        case JSONSchemaFormat(json_schema=wanted):
            return unchecked(wanted.schema_, "response_format.json_schema.schema")
    return []


def _read_function(body: FunctionBody, path: str) -> Tool:
    parameters = body.parameters or {}
    check_parameters(parameters, f"{path}.parameters")
    return Tool(
        name=body.name,
        description=body.description or "",
        parameters=parameters,
        strict=body.strict,
    )
