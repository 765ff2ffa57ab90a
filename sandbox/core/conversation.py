"""A chat as the sandbox's model sees it, whichever wire it came over, and what it replies."""

import json
from dataclasses import dataclass
from typing import Any, Literal

Speaker = Literal["system", "user", "assistant", "tool"]
Finish = Literal["stop", "length", "tool_calls", "content_filter", "error"]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of an offered tool."""

    name: str
    arguments: dict[str, Any]

    def text(self) -> str:
        """Return the call as the JSON that counts as its tokens."""
        return json.dumps({"name": self.name, "arguments": self.arguments}, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a called tool gave back."""

    name: str
    content: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One message; `files` describes the attachments in words."""

    speaker: Speaker
    text: str = ""
    calls: tuple[Call, ...] = ()
    results: tuple[ToolResult, ...] = ()
    files: tuple[str, ...] = ()

    def rendered(self) -> str:
        """Return everything in the turn that takes tokens."""
        parts = [self.text, *(call.text() for call in self.calls)]
        parts += [f"{result.name} {result.content}" for result in self.results]
        return "\n".join(part for part in [*parts, *self.files] if part)


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool the model may call; `parameters` is a JSON Schema."""

    name: str
    description: str
    parameters: dict[str, Any]

    def rendered(self) -> str:
        """Return the tool as the text that takes prompt tokens."""
        return f"{self.name} {self.description} {json.dumps(self.parameters, ensure_ascii=False)}"


@dataclass(frozen=True, slots=True)
class Conversation:
    """A chat and what is demanded of the next reply.

    `must_call` demands a call of some tool, `forced_tool` of that one with at least the
    `fixed_arguments`. `max_tokens` None is no limit.
    """

    turns: tuple[Turn, ...]
    tools: tuple[OfferedTool, ...] = ()
    must_call: bool = False
    forced_tool: str | None = None
    fixed_arguments: dict[str, Any] | None = None
    parallel: bool = False
    schema: dict[str, Any] | None = None
    wants_json: bool = False
    pattern: str | None = None
    max_tokens: int | None = None

    @property
    def user_text(self) -> str:
        """Return the last words of the user."""
        texts = [turn.text for turn in self.turns if turn.speaker == "user" and turn.text]
        return texts[-1] if texts else ""

    def prompt(self) -> list[str]:
        """Return the rendered messages, the tools first."""
        tools = ["\n".join(tool.rendered() for tool in self.tools)] if self.tools else []
        return [*tools, *(turn.rendered() for turn in self.turns)]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model says next; `builtin` names a tool of the vendor that ran meanwhile."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    finish: Finish = "stop"
    builtin: str | None = None

    def rendered(self) -> str:
        """Return everything in the reply that takes tokens."""
        return self.text + "".join(call.text() for call in self.calls)
