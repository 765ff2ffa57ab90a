"""The `input` of OpenAI's Responses API: what each item may say, and the Message values made of them.

The dialogue so far is carried, never judged: items that only OpenAI's servers or certain clients know are
passed over. Refused are bounds, items that are kept nowhere, and content that no model takes.

Source: https://platform.openai.com/docs/api-reference/responses/create; openai/openai-python 3.54, types.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag
from typing_extensions import TypeAliasType

from gateway.api.schema.custom_tools import custom_arguments
from gateway.api.schema.data_url import DataURLType
from gateway.api.schema.fields import ItemsType, LineType, about, optional
from gateway.api.schema.messages import (
    ANY_TEXT,
    MAX_ARGUMENTS_CHARACTERS,
    MAX_ROLE_CHARACTERS,
    PARTS,
    CarriedText,
    CarriedTextType,
    OtherPart,
    RefusalPart,
    ResultType,
    TextPart,
)
from gateway.api.schema.parsing import History
from gateway.api.schema.picture_url import PictureURLType, RemoteImage
from gateway.pipeline.errors import InvalidParameter, UnsupportedContent
from gateway.providers.chat_types import Image, Message, Role, ToolCall

MAX_ITEMS = 8192

_ROLES: dict[str, Role] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
}
_ITEM_TAGS = {
    "message": "message",
    "function_call": "function_call",
    "custom_tool_call": "custom_tool_call",
    "function_call_output": "output",
    "custom_tool_call_output": "output",
}
_NOT_OTHER_ITEMS = (*_ITEM_TAGS, "item_reference")
_TEXT_KINDS = frozenset({"input_text", "output_text", "text"})
_FILE_KINDS = frozenset({"input_file", "input_audio", "input_video", "image_url", "file"})
"""Kinds of parts that would be lost."""
_NOT_OTHER_PARTS = (*sorted(_TEXT_KINDS), "refusal", "input_image", *sorted(_FILE_KINDS))


class InputImage(History):
    """A picture, for the models whose `architecture.input_modalities` name `image`."""

    type: Literal["input_image"]
    image_url: Annotated[Image, PictureURLType(DataURLType())] | None = optional(
        "A data URL or a public address. No files are kept here that `file_id` could name."
    )
    detail: Any = optional("Taken, and of no effect.", type=["string", "null"])


class OtherItemPart(OtherPart):
    """A part of another kind, carried as its text; thoughts are left out, files are refused."""

    model_config = ConfigDict(json_schema_extra={"required": ["type"]})

    type: CarriedText = Field("", json_schema_extra={"not": {"enum": [*_NOT_OTHER_PARTS]}})


def _part_kind(part: Any) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind in ("input_image", "refusal"):
        return str(kind)
    return "text" if isinstance(kind, str) and kind in _TEXT_KINDS else "other"


ItemPart = TypeAliasType(
    "ItemPart",
    Annotated[
        Annotated[TextPart, Tag("text")]
        | Annotated[RefusalPart, Tag("refusal")]
        | Annotated[InputImage, Tag("input_image")]
        | Annotated[OtherItemPart, Tag("other")],
        Discriminator(_part_kind),
    ],
)
ItemContent = Annotated[str | Annotated[list[ItemPart], PARTS], ANY_TEXT]
CONTENT = "A text, or parts: texts, which are joined by line breaks, and pictures."


class MessageItem(History):
    """What somebody says and shows. Of the assistant it is an earlier answer."""

    type: Any = Field("message", json_schema_extra={"const": "message"})
    role: Annotated[str, LineType(MAX_ROLE_CHARACTERS, fewest=1)] = Field(
        description="`user`, `assistant`, `system` or `developer`, which means `system`. Another one is the"
        " user's, and stands before the text."
    )
    content: ItemContent | None = Field(None, description=CONTENT)


class FunctionCallItem(History):
    """A function that the model called."""

    type: Literal["function_call"]
    call_id: CarriedText = ""
    name: CarriedText = ""
    arguments: Annotated[str, CarriedTextType(MAX_ARGUMENTS_CHARACTERS)] = about(
        "JSON of an object; anything else is carried as it can be.", default=""
    )


class CustomCallItem(History):
    """A custom tool that the model called."""

    type: Literal["custom_tool_call"]
    call_id: CarriedText = ""
    name: CarriedText = ""
    input: CarriedText = ""


class CallOutputItem(History):
    """What a tool answered. Without the call that it answers it is carried as the user's."""

    type: Literal["function_call_output", "custom_tool_call_output"]
    call_id: CarriedText = ""
    output: Annotated[ItemContent, ResultType()] | None = Field(None, description=CONTENT)


class OtherItem(History):
    """What a model thought, what OpenAI's own tools did, what a client notes for itself: passed over."""

    model_config = ConfigDict(json_schema_extra={"required": ["type"]})

    type: CarriedText = Field("", json_schema_extra={"not": {"enum": [*_NOT_OTHER_ITEMS]}})


def _item_kind(item: Any) -> str:
    if not isinstance(item, dict):
        return "other"
    kind = item.get("type")
    if kind is None and "id" in item and not {"role", "content"} & item.keys():
        return "other"
    if kind is None:
        return "message"
    return _ITEM_TAGS.get(kind, "other") if isinstance(kind, str) else "other"


InputItem = TypeAliasType(
    "InputItem",
    Annotated[
        Annotated[MessageItem, Tag("message")]
        | Annotated[FunctionCallItem, Tag("function_call")]
        | Annotated[CustomCallItem, Tag("custom_tool_call")]
        | Annotated[CallOutputItem, Tag("output")]
        | Annotated[OtherItem, Tag("other")],
        Discriminator(_item_kind),
    ],
)
Input = Annotated[str | Annotated[list[InputItem], ItemsType(MAX_ITEMS, fewest=1)], ANY_TEXT]


@dataclass(slots=True)
class InputDialogue:
    """The messages; `names` are the caller's own paths of those among them that show pictures."""

    messages: list[Message] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    def add(self, message: Message, path: str) -> None:
        if message.images:
            self.names[f"messages[{len(self.messages)}].content"] = path
        self.messages.append(message)

    def add_call(self, call: ToolCall) -> None:
        """Put a call to those before it, and to the words that they follow: all are one turn."""
        last = self.messages[-1] if self.messages else None
        if last is None or last.role != "assistant":
            self.messages.append(Message("assistant", tool_calls=(call,)))
        else:
            self.messages[-1] = last._replace(tool_calls=(*last.tool_calls, call))


def read_dialogue(instructions: str | None, given: str | Sequence[InputItem]) -> InputDialogue:
    """Turn the input into messages. Raises InvalidParameter, UnsupportedContent.

    Results may stand anywhere behind their calls: the wires put each to its own.
    """
    dialogue = InputDialogue()
    if instructions:
        dialogue.add(Message("system", instructions), "instructions")
    if isinstance(given, str):
        dialogue.add(Message("user", given), "input")
        return dialogue
    names_by_call: dict[str, str] = {}
    for index, item in enumerate(given):
        path = f"input[{index}]"
        match item:
            case MessageItem():
                dialogue.add(_read_message(item, f"{path}.content"), f"{path}.content")
            case FunctionCallItem() | CustomCallItem():
                names_by_call[item.call_id] = item.name
                dialogue.add_call(_read_call(item))
            case CallOutputItem():
                text, images = _read_content(item.output, f"{path}.output")
                name = names_by_call.get(item.call_id) or None
                dialogue.add(
                    Message("tool", text, images, tool_call_id=item.call_id, name=name),
                    f"{path}.output",
                )
            case OtherItem(type="" | "item_reference"):
                raise InvalidParameter(
                    f"{path} refers to an item, and none is kept here. Send the item itself.",
                    param=path,
                )
    if not dialogue.messages:
        raise InvalidParameter("input holds nothing to answer.", param="input")
    return dialogue


def _read_call(item: FunctionCallItem | CustomCallItem) -> ToolCall:
    if isinstance(item, CustomCallItem):
        return ToolCall(item.call_id, item.name, custom_arguments(item.input))
    return ToolCall(item.call_id, item.name, item.arguments or "{}")


def _read_message(item: MessageItem, path: str) -> Message:
    text, images = _read_content(item.content, path)
    role = _ROLES.get(item.role)
    if role is None:
        return Message("user", f"{item.role}: {text}", images)
    return Message(role, text, images)


def _read_content(content: str | list[Any] | None, path: str) -> tuple[str, tuple[Image, ...]]:
    if not isinstance(content, list):
        return content or "", ()
    texts: list[str] = []
    images: list[Image] = []
    for place, part in enumerate(content):
        if isinstance(part, InputImage):
            images.append(_image(part, f"{path}[{place}]"))
        else:
            texts.append(_text(part, f"{path}[{place}]"))
    return "\n".join(filter(None, texts)), tuple(images)


def _text(part: TextPart | RefusalPart | OtherItemPart, path: str) -> str:
    match part:
        case TextPart():
            return part.text
        case RefusalPart():
            return part.refusal
    if part.type in _FILE_KINDS:
        raise UnsupportedContent(
            f"{path}: no model here takes {part.type} parts; send text or pictures.", param=path
        )
    return part.carried_text


def _image(part: InputImage, path: str) -> Image:
    if part.image_url is None:
        raise UnsupportedContent(
            f"{path}.image_url is missing: no files are kept here that could be named instead.",
            param=f"{path}.image_url",
        )
    image = part.image_url
    return replace(image, param=f"{path}.image_url") if isinstance(image, RemoteImage) else image
