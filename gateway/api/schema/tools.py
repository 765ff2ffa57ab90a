"""OpenAI's `tools`, `tool_choice` and `response_format`, and their former forms."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationError, model_validator
from typing_extensions import TypeAliasType

from gateway.api.schema.custom_tools import custom_function
from gateway.api.schema.fields import (
    Boolean,
    ChoiceType,
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
from gateway.api.schema.parsing import Body, History
from gateway.api.schema.schema_draft import in_present_draft
from gateway.pipeline.emulation.schema_validation import (
    check_parameters,
    check_satisfiable,
    check_schema,
    unchecked,
)
from gateway.pipeline.errors import InvalidParameter
from gateway.providers.chat_types import NamedTool, ResponseFormat, Tool, ToolChoice
from infra import exact_json

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
        if len(exact_json.dumps(value)) > self.most_bytes:
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


class GrammarBody(Body):
    syntax: Annotated[str, TextType(MAX_NAME_CHARACTERS)] | None = optional("`lark` or `regex`.")
    definition: Annotated[str, TextType(MAX_TOOLS_BYTES)] | None = None


class CustomFormatBody(Body):
    """What the input of a custom tool must be like; a grammar is told to the model in words."""

    type: Annotated[Literal["text", "grammar"], ChoiceType(("text", "grammar"))]
    grammar: GrammarBody | None = None


class CustomToolBody(Body):
    """A tool whose input is a text and no JSON. Models get it as a function with one text as its argument."""

    name: Annotated[str, LineType(MAX_NAME_CHARACTERS, fewest=1)] = about(
        "Each name may stand once."
    )
    description: Annotated[str, TextType(MAX_TOOLS_BYTES)] | None = optional(
        "What the tool does, for the model."
    )
    format: CustomFormatBody | None = None


ToolKind = Annotated[Literal["function", "custom"], ChoiceType(("function", "custom"))]


class ToolBody(Body):
    """A function that the model may call, or a custom tool."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["function"]}, {"required": ["custom"]}]}
    )

    type: ToolKind | None = optional(default="function")
    function: FunctionBody | None = None
    custom: CustomToolBody | None = None

    @property
    def is_custom(self) -> bool:
        return self.type == "custom"


_TOOL_LIST = ItemsType(MAX_TOOLS, most_bytes=MAX_TOOLS_BYTES)
Tools = Annotated[list[ToolBody], _TOOL_LIST]
Functions = Annotated[list[FunctionBody], _TOOL_LIST]


class NamedFunction(Body):
    name: str = about("One of the tools offered.")


class NamedToolChoice(Body):
    type: Literal["function"]
    function: NamedFunction


class NamedCustomChoice(Body):
    type: Literal["custom"]
    custom: NamedFunction


class AllowedChatTool(History):
    """One of the tools offered, in the form in which it was."""

    function: NamedFunction | None = None
    custom: NamedFunction | None = None


class AllowedTools(Body):
    mode: Literal["auto", "required"]
    tools: Annotated[list[AllowedChatTool], ItemsType(MAX_TOOLS)]


class AllowedToolsChoice(Body):
    """Those tools alone may be called in this answer."""

    type: Literal["allowed_tools"]
    allowed_tools: AllowedTools


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
        Literal["none", "auto", "required"]
        | NamedToolChoice
        | NamedCustomChoice
        | AllowedToolsChoice
        | NamedFunction,
        ToolChoiceType(),
        about("Whether the model must, may or must not call a tool, or which ones it may or must."),
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
        read = tuple(_read_tool(tool, f"tools[{index}]") for index, tool in enumerate(tools))
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
) -> tuple[tuple[Tool, ...], ToolChoice | None]:
    """Return the tools that may be called, and `tool_choice` or the deprecated `function_call` among them.

    Raises InvalidParameter.
    """
    field = "function_call" if choice is None else "tool_choice"

    def offered(name: str) -> str:
        if name not in {tool.name for tool in tools}:
            raise InvalidParameter(f"{field} names a tool that is not offered.", param=field)
        return name

    match former_choice if choice is None else choice:
        case (
            NamedToolChoice(function=NamedFunction(name=name))
            | NamedCustomChoice(custom=NamedFunction(name=name))
            | NamedFunction(name=name)
        ):
            return tools, NamedTool(offered(name))
        case AllowedToolsChoice(allowed_tools=AllowedTools(mode=word, tools=named)):
            names = {offered(name) for tool in named for name in _names(tool)}
            tools = tuple(tool for tool in tools if tool.name in names)
        case word:
            pass
    if word == "required" and not tools:
        raise InvalidParameter(f"{field} needs tools.", param=field)
    return tools, word


def custom_names(tools: Sequence[ToolBody] | None) -> frozenset[str]:
    """Return the names of the custom tools."""
    return frozenset(tool.custom.name for tool in tools or () if tool.is_custom and tool.custom)


def tools_of_two_kinds(tools: Sequence[ToolBody] | None) -> Iterator[str]:
    """Yield the paths of the fields that are of the other kind of tool than its type says."""
    for index, tool in enumerate(tools or ()):
        if tool.is_custom and tool.function is not None:
            yield f"tools[{index}].function"
        if not tool.is_custom and tool.custom is not None:
            yield f"tools[{index}].custom"


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


def _names(tool: AllowedChatTool) -> list[str]:
    return [named.name for named in (tool.function, tool.custom) if named is not None]


def _read_tool(tool: ToolBody, path: str) -> Tool:
    if not tool.is_custom:
        if tool.function is None:
            raise InvalidParameter(f"{path}.function is missing.", param=f"{path}.function")
        return _read_function(tool.function, f"{path}.function")
    if tool.custom is None:
        raise InvalidParameter(f"{path}.custom is missing.", param=f"{path}.custom")
    grammar = tool.custom.format.grammar if tool.custom.format else None
    return custom_function(tool.custom.name, tool.custom.description, grammar)


def _read_function(body: FunctionBody, path: str) -> Tool:
    parameters = body.parameters or {}
    check_parameters(parameters, f"{path}.parameters")
    return Tool(
        name=body.name,
        description=body.description or "",
        parameters=parameters,
        strict=body.strict,
    )
