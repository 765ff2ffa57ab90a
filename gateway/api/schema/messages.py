"""OpenAI's `messages`: what each role may say, and the Message values made of it.

The dialogue so far is carried, never judged: what a past turn lacks is read as empty, and what has another
form than OpenAI's in the nearest one. Refused are only bounds, and content that no model takes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag
from typing_extensions import TypeAliasType

from gateway.api.schema.custom_tools import custom_arguments
from gateway.api.schema.data_url import DataURLType
from gateway.api.schema.fields import (
    FieldType,
    ItemsType,
    JSONObject,
    NextValidator,
    TextOrType,
    TextType,
    WrappedType,
    about,
    optional,
)
from gateway.api.schema.parsing import UNSUPPORTED_PARTS, History
from gateway.api.schema.picture_url import PictureURLType, RemoteImage
from gateway.providers.chat_types import Image, Message, ToolCall
from infra import exact_json

MAX_MESSAGES = 2048
MAX_CONTENT_PARTS = 256
MAX_TOOL_CALLS = 128
MAX_TEXT_CHARACTERS = 20_000_000
MAX_ARGUMENTS_CHARACTERS = 1_000_000
MAX_ROLE_CHARACTERS = 256

_THOUGHTS = frozenset({"thinking", "redacted_thinking", "reasoning"})
"""Parts in which clients keep what a model thought: no provider takes it back."""

Content = Annotated[str, TextType(MAX_TEXT_CHARACTERS)]


@dataclass(frozen=True, slots=True)
class CarriedTextType(FieldType):
    """A text of the dialogue so far; null is an empty one, and what is no text is written as JSON."""

    longest: int = MAX_TEXT_CHARACTERS

    def checked(self, value: Any) -> str:
        if value is None:
            return ""
        return TextType(self.longest).read(value if isinstance(value, str) else _written(value))

    def json_schema(self) -> JSONObject:
        return {"type": "string"}


CarriedText = Annotated[str, CarriedTextType()]


class TextPart(History):
    type: Literal["text", "input_text", "output_text"]
    text: CarriedText = ""


class RefusalPart(History):
    type: Literal["refusal"]
    refusal: CarriedText = ""


class ImageURL(History):
    url: Annotated[Image, PictureURLType(DataURLType())]
    detail: Any = optional("Taken, and of no effect.", type=["string", "null"])


class ImagePart(History):
    """A picture, for the models whose `architecture.input_modalities` name `image`."""

    type: Literal["image_url"]
    image_url: Annotated[Image | ImageURL, TextOrType(PictureURLType(DataURLType()))]


class OtherPart(History):
    """A part of another kind, carried as its text, or as JSON where it has none; thoughts are left out."""

    model_config = ConfigDict(extra="allow")

    type: CarriedText = ""
    text: CarriedText = ""

    @property
    def carried_text(self) -> str:
        if self.text or self.type in _THOUGHTS:
            return self.text
        return _written({"type": self.type, **(self.model_extra or {})})


_PART_TAGS = {
    **dict.fromkeys(("text", "input_text", "output_text"), "text"),
    "refusal": "refusal",
    "image_url": "image_url",
    **{kind: kind for kind in UNSUPPORTED_PARTS},
}


def _part_tag(part: Any) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    return _PART_TAGS.get(kind, "other") if isinstance(kind, str) else "other"


CarriedPart = Annotated[
    Annotated[TextPart, Tag("text")]
    | Annotated[RefusalPart, Tag("refusal")]
    | Annotated[ImagePart, Tag("image_url")]
    | Annotated[OtherPart, Tag("other")],
    Discriminator(_part_tag),
]
CarriedParts = list[CarriedPart]
Part = TextPart | RefusalPart | ImagePart
PartList = list[Annotated[Part, Field(discriminator="type")]]
TEXT_OR_LIST = "must be a text or a list."
PARTS = ItemsType(MAX_CONTENT_PARTS, expected=TEXT_OR_LIST)
ANY_TEXT = TextOrType(TextType(MAX_TEXT_CHARACTERS, expected=TEXT_OR_LIST))
UserContent = Annotated[str | Annotated[PartList, PARTS], ANY_TEXT]
TEXT_CONTENT = "A text, or parts, whose texts are joined by line breaks."
USER_CONTENT = "A text, or parts: texts, which are joined by line breaks, and pictures."


@dataclass(frozen=True, slots=True)
class CarriedContentType(WrappedType):
    """What was said in a past turn: one part stands for a list of it, a text among parts for a part of text."""

    def wrapped(self, value: Any, validate: NextValidator) -> Any:
        if isinstance(value, dict):
            return validate([value])
        if isinstance(value, list):
            return validate([_part(item) for item in value])
        return validate(value if value is None or isinstance(value, str) else _written(value))

    def json_schema(self) -> JSONObject:
        return {}


CarriedContent = Annotated[
    Annotated[str | Annotated[CarriedParts, PARTS], ANY_TEXT], CarriedContentType()
]


@dataclass(frozen=True, slots=True)
class CarriedCallsType(ItemsType):
    """The calls of a past turn: one call stands for a list of it, nothing and null for none."""

    def wrapped(self, value: Any, validate: NextValidator) -> Any:
        calls = ([value] if value else []) if isinstance(value, dict) else value
        if isinstance(calls, list):
            calls = [call for call in calls if call is not None]
        return ItemsType.wrapped(self, calls, validate)


@dataclass(frozen=True, slots=True)
class ResultType(WrappedType):
    """What a tool gave: a text or parts; anything else is written as JSON."""

    def wrapped(self, value: Any, validate: NextValidator) -> Any:
        are_parts = isinstance(value, list) and all(
            isinstance(item, dict) and isinstance(item.get("type"), str) for item in value
        )
        return validate(value if isinstance(value, str) or are_parts else _written(value))

    def json_schema(self) -> JSONObject:
        return {}


def _part(item: Any) -> Any:
    if item is None or isinstance(item, dict):
        return item or {}
    return {"type": "text", "text": item}


def _written(value: Any) -> str:
    return exact_json.dumps(value).decode()


class CalledFunctionBody(History):
    name: CarriedText = about("A function that was offered.", default="")
    arguments: Annotated[str, CarriedTextType(MAX_ARGUMENTS_CHARACTERS)] = about(
        "JSON of an object; anything else is carried as it can be.", default=""
    )


class CustomCallBody(History):
    name: CarriedText = ""
    input: CarriedText = ""


class ToolCallBody(History):
    """A tool that the model called."""

    id: CarriedText = ""
    type: CarriedText = about("Of no effect.", default="function")
    function: CalledFunctionBody | None = None
    custom: CustomCallBody | None = optional(
        "A call of a custom tool, carried as that of a function with the one argument `input`."
    )


class _MessageBody(History):
    name: CarriedText = about("Who speaks.", default="")


class SystemMessage(_MessageBody):
    """Instructions to the model."""

    role: Literal["system", "developer"] = about("`developer` means `system`.")
    content: CarriedContent | None = Field(None, description=TEXT_CONTENT)


class UserMessage(_MessageBody):
    """What the user says and shows."""

    role: Literal["user"]
    content: UserContent | None = Field(None, description=USER_CONTENT)


class AssistantMessage(_MessageBody):
    """An earlier answer: `content`, `tool_calls` or both."""

    role: Literal["assistant"]
    content: CarriedContent | None = Field(None, description=TEXT_CONTENT)
    refusal: CarriedText = about("Stands for `content` where there is none.", default="")
    tool_calls: Annotated[list[ToolCallBody], CarriedCallsType(MAX_TOOL_CALLS)] | None = None
    function_call: CalledFunctionBody | None = optional(
        "The former form of `tool_calls`.", deprecated=True
    )


class ToolMessage(_MessageBody):
    """What a tool answered. Without the call that it answers it is carried as the user's."""

    role: Literal["tool"]
    tool_call_id: CarriedText = about(
        "The id of a call in an earlier assistant message.", default=""
    )
    content: Annotated[CarriedContent, ResultType()] | None = Field(None, description=TEXT_CONTENT)


class FunctionMessage(_MessageBody):
    """The former form of a tool's message."""

    model_config = ConfigDict(json_schema_extra={"deprecated": True})

    role: Literal["function"]
    name: CarriedText = about("A function that an earlier message calls.", default="")
    content: Annotated[CarriedContent, ResultType()] | None = Field(None, description=TEXT_CONTENT)


_ROLES = ("system", "developer", "user", "assistant", "tool", "function")


class OtherMessage(_MessageBody):
    """A turn of a role that is not OpenAI's: carried as the user's, with the role before the text."""

    role: Annotated[str, TextType(MAX_ROLE_CHARACTERS)] = Field(
        json_schema_extra={"not": {"enum": list(_ROLES)}}
    )
    content: CarriedContent | None = Field(None, description=TEXT_CONTENT)


def _message_tag(message: Any) -> str:
    role = message.get("role") if isinstance(message, dict) else None
    if role == "developer":
        return "system"
    return role if isinstance(role, str) and role in _ROLES else "other"


MessageBody = TypeAliasType(
    "MessageBody",
    Annotated[
        Annotated[SystemMessage, Tag("system")]
        | Annotated[UserMessage, Tag("user")]
        | Annotated[AssistantMessage, Tag("assistant")]
        | Annotated[ToolMessage, Tag("tool")]
        | Annotated[FunctionMessage, Tag("function")]
        | Annotated[OtherMessage, Tag("other")],
        Discriminator(_message_tag),
        Field(description="One turn of the dialogue."),
    ],
)

Messages = Annotated[list[MessageBody], ItemsType(MAX_MESSAGES, fewest=1)]


def read_messages(bodies: Iterable[MessageBody]) -> tuple[Message, ...]:
    """Turn the dialogue into messages, one for each."""
    messages: list[Message] = []
    names_by_call: dict[str, str] = {}
    for index, body in enumerate(bodies):
        message = _read_message(body, f"messages[{index}].content", names_by_call)
        for call in message.tool_calls:
            names_by_call[call.id] = call.name
        messages.append(message)
    return tuple(messages)


def _read_message(body: MessageBody, path: str, names_by_call: dict[str, str]) -> Message:
    content = body.content
    text = content if isinstance(content, str) else _text(content)
    images = _images(content, path) if isinstance(content, list) else ()
    match body:
        case UserMessage():
            return Message("user", text, images=images, name=body.name or None)
        case SystemMessage():
            return Message("system", text, images=images, name=body.name or None)
        case AssistantMessage():
            return Message(
                "assistant",
                text or (body.refusal if content is None else ""),
                images=images,
                tool_calls=_read_calls(body),
                name=body.name or None,
            )
        case ToolMessage():
            call_id = body.tool_call_id
            name = names_by_call.get(call_id) or body.name
        case FunctionMessage():
            named = [call_id for call_id, name in names_by_call.items() if name == body.name]
            call_id = named[-1] if named else ""
            name = body.name
        case OtherMessage():
            spoken = f"{body.role}: {text}" if body.role else text
            return Message("user", spoken, images=images, name=body.name or None)
    return Message("tool", text, images=images, tool_call_id=call_id, name=name or None)


def _read_calls(body: AssistantMessage) -> tuple[ToolCall, ...]:
    calls = tuple(map(_read_call, body.tool_calls or ()))
    if not calls and (called := body.function_call):
        return (ToolCall(f"call_{called.name}", called.name, called.arguments or "{}"),)
    return calls


def _read_call(call: ToolCallBody) -> ToolCall:
    if call.function is not None:
        return ToolCall(call.id, call.function.name, call.function.arguments or "{}")
    if call.custom is not None:
        return ToolCall(call.id, call.custom.name, custom_arguments(call.custom.input))
    return ToolCall(call.id, "", "{}")


def _text(content: list[Any] | None) -> str:
    texts: list[str] = []
    for part in content or ():
        match part:
            case TextPart():
                texts.append(part.text)
            case RefusalPart():
                texts.append(part.refusal)
            case OtherPart(carried_text=text) if text:
                texts.append(text)
    return "\n".join(texts)


def _images(content: list[Any], path: str) -> tuple[Image, ...]:
    return tuple(
        _image(part.image_url, f"{path}[{index}].image_url")
        for index, part in enumerate(content)
        if isinstance(part, ImagePart)
    )


def _image(given: Image | ImageURL, path: str) -> Image:
    image, path = (given, path) if isinstance(given, Image) else (given.url, f"{path}.url")
    return replace(image, param=path) if isinstance(image, RemoteImage) else image
