"""Anthropic's `system` and `messages`: what each block may say, and the Message values made of them.

Source: https://docs.anthropic.com/en/api/messages; anthropics/anthropic-sdk-python 2.14, types.
"""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag
from typing_extensions import TypeAliasType

from gateway.api.schema.data_url import DataURLType
from gateway.api.schema.fields import (
    Boolean,
    FieldType,
    ItemsType,
    JSONObject,
    LineType,
    TextType,
    invalid,
    optional,
    unsupported,
)
from gateway.api.schema.messages import (
    ANY_TEXT,
    MAX_MESSAGES,
    MAX_ROLE_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    PARTS,
    Content,
)
from gateway.api.schema.parsing import History
from gateway.api.schema.picture_type import IMAGE_TYPES
from gateway.api.schema.picture_url import PictureURLType, RemoteImage
from gateway.pipeline.errors import InvalidParameter, UnsupportedContent
from gateway.providers.chat_types import Image, Message, ToolCall
from infra import exact_json

BILLING_HEADER = "x-anthropic-billing-header:"
"""Begins a system block of Claude Code that changes with every request: it is for Anthropic, and no prompt."""

_INNER_KINDS = frozenset({"text", "image", "document", "search_result"})
_KINDS = ("text", "image", "document", "search_result", "tool_use", "tool_result")
_PASSED_OVER = frozenset(
    {"thinking", "redacted_thinking", "server_tool_use", "tool_reference", "compaction"}
)
_PlacedMessage = tuple[Message, str]
"""A message with the caller's own path of what it says."""

_DATA_URL = DataURLType()
_PICTURE_URL = PictureURLType(_DATA_URL)

Identity = Annotated[str, TextType(MAX_TEXT_CHARACTERS, fewest=1)]
CacheControl = Annotated[Any, Field(json_schema_extra={"type": ["object", "null"]})]


class ImageSourceType(FieldType):
    """`source` of a picture, decoded."""

    def read(self, value: Any) -> Image:
        if not isinstance(value, dict):
            raise invalid("must be an object.")
        if value.get("type") == "url":
            image: Image = _PICTURE_URL.read(value.get("url"))
            return image
        if value.get("type") != "base64":
            raise unsupported("must be of type base64 with media_type and data, or url with url.")
        return _DATA_URL.read(f"data:{value.get('media_type')};base64,{value.get('data')}")

    def json_schema(self) -> JSONObject:
        data = {
            "type": {"const": "base64"},
            "media_type": {"type": "string", "enum": sorted(IMAGE_TYPES)},
            "data": {"type": "string", "description": "The picture in base64."},
        }
        address = {"type": {"const": "url"}, "url": _PICTURE_URL.json_schema()}
        return {
            "anyOf": [
                {"type": "object", "properties": form, "required": sorted(form)}
                for form in (data, address)
            ]
        }


class DocumentSourceType(FieldType):
    """`source` of a document that is text."""

    def read(self, value: Any) -> str:
        if not isinstance(value, dict):
            raise invalid("must be an object.")
        text = value.get({"text": "data", "content": "content"}.get(str(value.get("type")), ""))
        if isinstance(text, list) and all(isinstance(part, dict) for part in text):
            pieces = [part.get("text") for part in text]
            text = "\n".join(pieces) if all(isinstance(piece, str) for piece in pieces) else None
        if not isinstance(text, str):
            raise unsupported("must be text: no model here takes files. Send the document's words.")
        return text

    def json_schema(self) -> JSONObject:
        return {
            "type": "object",
            "description": "Of type `text` with `data`, or `content` with texts.",
            "properties": {"type": {"type": "string", "enum": ["text", "content"]}},
            "required": ["type"],
        }


class TextBlock(History):
    type: Literal["text"]
    text: Content


class ImageBlock(History):
    """A picture, for the models whose `architecture.input_modalities` name `image`."""

    type: Literal["image"]
    source: Annotated[Image, ImageSourceType()]


class DocumentBlock(History):
    """A document of words."""

    type: Literal["document"]
    source: Annotated[str, DocumentSourceType()]
    title: Content | None = None
    context: Content | None = None


class SearchResultBlock(History):
    type: Literal["search_result"]
    source: Content
    title: Content
    content: Annotated[list[TextBlock], PARTS]


class ToolUseBlock(History):
    """A tool that the model called."""

    type: Literal["tool_use"]
    id: Identity
    name: Annotated[str, LineType(MAX_ROLE_CHARACTERS, fewest=1)]
    input: Any = Field(
        None, description="The arguments.", json_schema_extra={"type": ["object", "null"]}
    )


class OtherBlock(History):
    """What Anthropic's own servers do, and what a model thought: passed over in the dialogue so far."""

    type: Annotated[str, Field(json_schema_extra={"not": {"enum": [*_KINDS]}})]


def _kind(value: Any, known: Container[str]) -> str:
    kind = value.get("type") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) and kind in known else "other"


def _inner_kind(value: Any) -> str:
    return _kind(value, _INNER_KINDS)


def _outer_kind(value: Any) -> str:
    return _kind(value, _KINDS)


InnerBlock = TypeAliasType(
    "InnerBlock",
    Annotated[
        Annotated[TextBlock, Tag("text")]
        | Annotated[ImageBlock, Tag("image")]
        | Annotated[DocumentBlock, Tag("document")]
        | Annotated[SearchResultBlock, Tag("search_result")]
        | Annotated[OtherBlock, Tag("other")],
        Discriminator(_inner_kind),
    ],
)
InnerContent = Annotated[str | Annotated[list[InnerBlock], PARTS], ANY_TEXT]


class ToolResultBlock(History):
    """What a tool answered. Results may stand in any order."""

    type: Literal["tool_result"]
    tool_use_id: Identity
    content: InnerContent | None = None
    is_error: Boolean | None = optional("The tool failed: `content` says how.")


Block = TypeAliasType(
    "Block",
    Annotated[
        Annotated[TextBlock, Tag("text")]
        | Annotated[ImageBlock, Tag("image")]
        | Annotated[DocumentBlock, Tag("document")]
        | Annotated[SearchResultBlock, Tag("search_result")]
        | Annotated[ToolUseBlock, Tag("tool_use")]
        | Annotated[ToolResultBlock, Tag("tool_result")]
        | Annotated[OtherBlock, Tag("other")],
        Discriminator(_outer_kind),
    ],
)
BlockContent = Annotated[str | Annotated[list[Block], PARTS], ANY_TEXT]
CONTENT = "A text, or blocks; their texts are joined by line breaks."


class AssistantTurn(History):
    """An earlier answer: texts and calls. The last one may be the beginning of the next."""

    role: Literal["assistant"]
    content: BlockContent = Field(description=CONTENT)


class OtherTurn(History):
    """What the user says and shows, with what the tools answered."""

    role: Annotated[str, LineType(MAX_ROLE_CHARACTERS, fewest=1)] = Field(
        description="`user` or `system`. Another one is the user's, and stands before the text.",
        json_schema_extra={"not": {"const": "assistant"}},
    )
    content: BlockContent = Field(description=CONTENT)


def _speaker(value: Any) -> str:
    is_assistant = isinstance(value, dict) and value.get("role") == "assistant"
    return "assistant" if is_assistant else "other"


Turn = TypeAliasType(
    "Turn",
    Annotated[
        Annotated[AssistantTurn, Tag("assistant")] | Annotated[OtherTurn, Tag("other")],
        Discriminator(_speaker),
    ],
)
Turns = Annotated[list[Turn], ItemsType(MAX_MESSAGES, fewest=1)]


class SystemBlock(History):
    type: Any = Field("text", json_schema_extra={"const": "text"})
    text: Content


SystemContent = Annotated[str | Annotated[list[SystemBlock], PARTS], ANY_TEXT]


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The messages; `names` are the caller's own paths of those among them that show pictures."""

    messages: tuple[Message, ...]
    names: dict[str, str]


def read_dialogue(
    system: str | list[SystemBlock] | None, turns: Iterable[AssistantTurn | OtherTurn]
) -> Dialogue:
    """Turn the dialogue into messages. Raises InvalidParameter, UnsupportedContent.

    Each result of a tool stands right behind its call, wherever the caller put it.
    """
    reader = _DialogueReader()
    if instructions := _system_text(system):
        reader.groups.append([(Message("system", instructions), "system")])
    for index, turn in enumerate(turns):
        blocks, path = _blocks(turn.content), f"messages[{index}].content"
        if isinstance(turn, AssistantTurn):
            reader.take_answer(blocks, path)
        else:
            reader.take_question(turn.role, blocks, path)
    placed = [message for group in reader.groups for message in group]
    if all(message.role == "system" for message, _ in placed):
        raise InvalidParameter("messages hold nothing to answer.", param="messages")
    names = {
        f"messages[{index}].content": path
        for index, (message, path) in enumerate(placed)
        if message.images
    }
    return Dialogue(tuple(message for message, _ in placed), names)


@dataclass(slots=True)
class _DialogueReader:
    """The messages so far: in a group are an answer and the results of its calls.

    `waiting` has, by its id, each call without a result: the group that it is in, and the tool's name.
    """

    groups: list[list[_PlacedMessage]] = field(default_factory=list)
    waiting: dict[str, tuple[list[_PlacedMessage], str]] = field(default_factory=dict)

    def take_answer(self, blocks: list[Any], path: str) -> None:
        texts: list[str] = []
        images: list[Image] = []
        calls: list[ToolCall] = []
        for place, block in enumerate(blocks):
            if isinstance(block, ToolUseBlock):
                calls.append(ToolCall(block.id, block.name, _json(block.input)))
            elif not isinstance(block, ToolResultBlock | OtherBlock):
                texts += _texts(block, f"{path}[{place}]")
                images += _images(block, f"{path}[{place}]")
        text = "\n".join(texts)
        if text or images or calls:
            message = Message("assistant", text, tuple(images), tool_calls=tuple(calls))
            group = [(message, path)]
            self.groups.append(group)
            self.waiting.update({call.id: (group, call.name) for call in calls})
        for place, block in enumerate(blocks):
            if isinstance(block, ToolResultBlock):
                self._take_result(block, f"{path}[{place}].content")

    def take_question(self, role: str, blocks: list[Any], path: str) -> None:
        texts: list[str] = []
        images: list[Image] = []
        for place, block in enumerate(blocks):
            if isinstance(block, ToolResultBlock):
                self._take_result(block, f"{path}[{place}].content")
            else:
                texts += _texts(block, f"{path}[{place}]")
                images += _images(block, f"{path}[{place}]")
        if not texts and not images:
            return
        text = "\n".join(texts)
        if role == "system" and not images:
            self.groups.append([(Message("system", text), path)])
            return
        if role not in ("user", "system"):
            text = f"{role}: {text}"
        self.groups.append([(Message("user", text, images=tuple(images)), path)])

    def _take_result(self, block: ToolResultBlock, path: str) -> None:
        """Put a result, with the pictures that it shows, behind its call; the wires take one without a call."""
        inner = list(enumerate(_blocks(block.content)))
        text = "\n".join(
            text for place, piece in inner for text in _texts(piece, f"{path}[{place}]")
        )
        images = tuple(
            image for place, piece in inner for image in _images(piece, f"{path}[{place}]")
        )
        if block.is_error:
            text = f"Error: {text}"
        group, name = self.waiting.pop(block.tool_use_id, (None, None))
        if group is None:
            group = []
            self.groups.append(group)
        answer = Message("tool", text, images, tool_call_id=block.tool_use_id, name=name)
        group.append((answer, path))


def _blocks(content: str | list[Any] | None) -> list[Any]:
    if isinstance(content, list):
        return content
    return [TextBlock(type="text", text=content or "")]


def _texts(block: Any, path: str) -> Iterator[str]:
    """Yield the texts of a block of the user's. Raises UnsupportedContent for one that would be lost."""
    match block:
        case TextBlock():
            yield block.text
        case DocumentBlock():
            yield "\n".join(filter(None, (block.title, block.context, block.source)))
        case SearchResultBlock():
            yield "\n".join((block.title, block.source, *(part.text for part in block.content)))
        case ToolUseBlock():
            yield f"Call of {block.name}: {_json(block.input)}"
        case OtherBlock():
            if block.type not in _PASSED_OVER and not block.type.endswith("_tool_result"):
                raise UnsupportedContent(
                    f"{path}: no model here takes {block.type[:64]} blocks; send text or pictures.",
                    param=path,
                )


def _images(block: Any, path: str) -> tuple[Image, ...]:
    if not isinstance(block, ImageBlock):
        return ()
    image = block.source
    return (replace(image, param=f"{path}.source") if isinstance(image, RemoteImage) else image,)


def _json(value: Any) -> str:
    return exact_json.dumps({} if value is None else value).decode()


def _system_text(system: str | list[SystemBlock] | None) -> str:
    if not isinstance(system, list):
        return system or ""
    texts = (block.text for block in system)
    return "\n".join(text for text in texts if not text.startswith(BILLING_HEADER))
