"""The tools of OpenAI's Responses API, the choice among them, and the form of the answer.

A custom tool, whose input is a text and no JSON, is offered as a function with that text as its one argument.
Tools of OpenAI's own servers are left out.

Source: https://platform.openai.com/docs/api-reference/responses/create; openai/openai-python 3.54, types.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, ValidationError, model_validator
from typing_extensions import TypeAliasType

from gateway.api.schema.custom_tools import custom_function
from gateway.api.schema.fields import (
    Boolean,
    ChoiceType,
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
from gateway.api.schema.tools import (
    MAX_NAME_CHARACTERS,
    MAX_TOOLS,
    MAX_TOOLS_BYTES,
    CallerSchema,
)
from gateway.pipeline.emulation.schema_validation import (
    check_parameters,
    check_satisfiable,
    check_schema,
    unchecked,
)
from gateway.pipeline.errors import InvalidParameter
from gateway.providers.chat_types import NamedTool, ResponseFormat, Tool, ToolChoice

FormatKind = Literal["text", "json_object", "json_schema"]

_OFFERED_KINDS = ("function", "custom")


class CustomFormat(Body):
    """What the input of a custom tool must be like; a grammar is told to the model in words."""

    type: Annotated[Literal["text", "grammar"], ChoiceType(("text", "grammar"))]
    syntax: Annotated[str, TextType(MAX_NAME_CHARACTERS)] | None = optional("`lark` or `regex`.")
    definition: Annotated[str, TextType(MAX_TOOLS_BYTES)] | None = optional("The grammar.")


class ResponsesTool(Body):
    """A function, or a custom tool. Of any other type it is one of OpenAI's servers: dropped and named."""

    type: Annotated[str, TextType(MAX_NAME_CHARACTERS, fewest=1)] = about("`function` or `custom`.")
    name: Annotated[str, LineType(MAX_NAME_CHARACTERS)] | None = optional(
        "Each name may stand once."
    )
    description: Annotated[str, TextType(MAX_TOOLS_BYTES)] | None = optional(
        "What the tool does, for the model."
    )
    parameters: CallerSchema | None = optional("JSON Schema of a function's arguments.")
    strict: Boolean | None = optional("Hold the arguments to the schema.")
    format: CustomFormat | None = optional("Of a custom tool.")

    @model_validator(mode="before")
    @classmethod
    def _pass_over_the_fields_of_others(cls, value: Any) -> Any:
        """Keep the type alone of a tool that is dropped: what else it says is not ours to judge."""
        kind = value.get("type") if isinstance(value, dict) else None
        return {"type": kind} if isinstance(kind, str) and kind not in _OFFERED_KINDS else value

    @property
    def is_offered(self) -> bool:
        return self.type in _OFFERED_KINDS


class AllowedTool(History):
    type: Annotated[str, TextType(MAX_NAME_CHARACTERS)]
    name: Annotated[str, TextType(MAX_NAME_CHARACTERS)] | None = None


class ToolChoiceForm(Body):
    """One tool by its type and name, or `allowed_tools` with those that may be called."""

    type: Annotated[str, TextType(MAX_NAME_CHARACTERS)]
    name: Annotated[str, TextType(MAX_NAME_CHARACTERS)] | None = None
    mode: Literal["auto", "required"] | None = None
    tools: Annotated[list[AllowedTool], ItemsType(MAX_TOOLS)] | None = None


@dataclass(frozen=True, slots=True)
class ToolChoiceFormType(WrappedType):
    """A word, or an object of one of the forms; all that is neither has the same refusal."""

    def wrapped(self, value: Any, validate: NextValidator) -> Any:
        try:
            return validate(value)
        except ValidationError:
            raise invalid(
                'must be none, auto, required or {"type": "function", "name": …}.'
            ) from None

    def json_schema(self) -> JSONObject:
        return {}


ResponsesToolChoice = TypeAliasType(
    "ResponsesToolChoice",
    Annotated[
        Literal["none", "auto", "required"] | ToolChoiceForm,
        ToolChoiceFormType(),
        about("Whether the model must, may or must not call a tool, or which ones it may."),
    ],
)


class AnswerFormat(Body):
    """Of `json_schema` with `strict` the answer is checked against the schema before it is given."""

    type: Annotated[FormatKind, ChoiceType(get_args(FormatKind))]
    name: Annotated[str, TextType(MAX_NAME_CHARACTERS)] | None = None
    description: Annotated[str, TextType(MAX_TOOLS_BYTES)] | None = optional("Of no effect.")
    schema_: CallerSchema | None = Field(None, alias="schema", description="JSON Schema.")
    strict: Boolean | None = optional(default=False)


@dataclass(frozen=True, slots=True)
class ReadTools:
    """The tools that the model may call; `custom` are the names of those that stand for custom ones.

    `paths` has the caller's own path of each by its name.
    """

    tools: tuple[Tool, ...]
    custom: frozenset[str]
    paths: dict[str, str]


def read_tools(given: Sequence[ResponsesTool]) -> ReadTools:
    """Return what is offered. Raises InvalidParameter."""
    tools: dict[str, Tool] = {}
    custom: set[str] = set()
    paths: dict[str, str] = {}
    for index, tool in enumerate(given):
        if not tool.is_offered:
            continue
        path = f"tools[{index}]"
        if not tool.name:
            raise InvalidParameter(f"{path}.name is missing.", param=f"{path}.name")
        if tool.name in tools:
            raise InvalidParameter("tools: each name may stand once.", param="tools")
        paths[tool.name] = path
        if tool.type == "custom":
            custom.add(tool.name)
            tools[tool.name] = custom_function(tool.name, tool.description, tool.format)
            continue
        schema = tool.parameters or {}
        check_parameters(schema, f"{path}.parameters")
        tools[tool.name] = Tool(tool.name, tool.description or "", schema, tool.strict)
    return ReadTools(tuple(tools.values()), frozenset(custom), paths)


def dropped_tools(given: Sequence[ResponsesTool]) -> Iterator[str]:
    """Yield the paths of the tools of OpenAI's own servers."""
    return (f"tools[{index}]" for index, tool in enumerate(given) if not tool.is_offered)


def tools_of_two_kinds(given: Sequence[ResponsesTool]) -> Iterator[str]:
    """Yield the paths of the fields that are of the other kind of tool than its type says."""
    for index, tool in enumerate(given):
        others = ("format",) if tool.type == "function" else ("parameters", "strict")
        for name in others:
            if getattr(tool, name) is not None:
                yield f"tools[{index}].{name}"


def read_tool_choice(
    choice: ResponsesToolChoice | None, tools: tuple[Tool, ...]
) -> tuple[tuple[Tool, ...], ToolChoice | None]:
    """Return the tools that may be called, and the choice among them. Raises InvalidParameter."""
    if isinstance(choice, ToolChoiceForm):
        if choice.type != "allowed_tools":
            return tools, NamedTool(_offered(choice, tools))
        named = [tool for tool in choice.tools or () if tool.type in _OFFERED_KINDS]
        allowed = {_offered(tool, tools) for tool in named}
        tools = tuple(tool for tool in tools if tool.name in allowed)
        choice = choice.mode or "auto"
    if choice == "required" and not tools:
        raise InvalidParameter("tool_choice needs tools.", param="tool_choice")
    return tools, choice


def read_format(wanted: AnswerFormat | None) -> ResponseFormat | None:
    """Return what form the answer must have; text is none. Raises InvalidParameter."""
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return ResponseFormat("json_object")
    path = "text.format.schema"
    schema = wanted.schema_
    if schema is None:
        raise InvalidParameter(f"{path} is missing.", param=path)
    check_schema(schema, path)
    check_satisfiable(schema, path)
    return ResponseFormat(
        "json_schema", schema=schema, name=wanted.name or "", strict=bool(wanted.strict)
    )


def fields_of_other_formats(wanted: AnswerFormat | None) -> Iterator[str]:
    """Yield the paths of the fields that say something of a schema where none is wanted."""
    if wanted is not None and wanted.type != "json_schema":
        fields = {"name": wanted.name, "schema": wanted.schema_, "strict": wanted.strict or None}
        yield from (f"text.format.{name}" for name, value in fields.items() if value is not None)


def unchecked_format(wanted: AnswerFormat | None) -> list[str]:
    """Return the paths of the patterns that the answer is not checked against."""
    if wanted is None or wanted.type != "json_schema" or wanted.schema_ is None:
        return []
    return unchecked(wanted.schema_, "text.format.schema")


def _offered(choice: ToolChoiceForm | AllowedTool, tools: tuple[Tool, ...]) -> str:
    name = choice.name or ""
    if choice.type not in _OFFERED_KINDS or name not in {tool.name for tool in tools}:
        raise InvalidParameter("tool_choice names a tool that is not offered.", param="tool_choice")
    return name
