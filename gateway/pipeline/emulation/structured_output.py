"""`response_format`: ask the model for JSON in a way it supports, check the answer, and repair it once."""

import json
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NoReturn

import orjson

from gateway.pipeline.emulation.answer import Complete, WholeAnswer, gather, with_instruction
from gateway.pipeline.emulation.schema_validation import TOO_LARGE, broken_keyword, fault_of
from gateway.pipeline.emulation.unusable_answer import UnusableAnswer, usage_of
from gateway.providers._shared.simplify_schema import SchemaUnfit, simplify_parameters
from gateway.providers.chat_types import (
    ChatChunk,
    ChatRequest,
    JSONObject,
    Message,
    NamedTool,
    ResponseFormat,
    Tool,
    Usage,
)
from gateway.providers.errors import ProviderRejected
from gateway.providers.profile import ModelProfile
from gateway.providers.tick import Tick
from infra import exact_json

_MOST_DOCUMENTS = 5
_MOST_OPENINGS = 200
"""How many brackets in prose are tried as the beginning of a document."""
_FENCED = re.compile(r"```[\w-]*[ \t]*\r?\n(.*?)\r?\n?[ \t]*```", re.DOTALL)
_OPENING = re.compile(r"[\[{]")
_NONE = object()
_ANSWER_TOOL = "answer"


class StructuredOutputInvalid(UnusableAnswer):
    """The model answered twice, and neither answer is the requested JSON."""


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is wrong with a document: in words for the model, which quote it, and for the caller without."""

    words: str
    unquoted: str


_NO_DOCUMENT = _Fault("it is not a JSON document", "it is not a JSON document")
_NO_OBJECT = _Fault("it is not a JSON object", "it is not a JSON object")


def with_structured_output(complete: Complete, profile: ModelProfile, *, provider: str) -> Complete:
    """Honour `response_format`: yield the JSON text alone, and only if it is valid.

    The answer is held back until it has been checked; ticks pass. An invalid one is requested again, once,
    at no cost to the caller. Tool calls, refusals and cut answers pass unchanged. `provider` is named in
    the error.

    Raises StructuredOutputInvalid.
    """

    def structured(request: ChatRequest) -> Generator[Tick | ChatChunk, None, None]:
        wanted = request.response_format
        if wanted is None:
            return complete(request)
        if wanted.kind == "text" or _owes_call(request):
            return complete(request._replace(response_format=None))
        return with_document(request, wanted)

    def with_document(
        request: ChatRequest, wanted: ResponseFormat
    ) -> Generator[Tick | ChatChunk, None, None]:
        demand = _DocumentRequest(request, wanted, profile)
        asked = demand.first()
        first, fault = demand.read((yield from gather(complete(asked), asked)))
        if fault is None:
            yield first.chunk()
            return
        again = demand.repair(first, fault)
        try:
            second, fault_again = demand.read((yield from gather(complete(again), again)))
        except ProviderRejected as error:
            raise _invalid(fault, provider, usage_of((asked, first))) from error
        if fault_again is not None or second.calls:
            used = usage_of((asked, first), (again, second))
            raise _invalid(fault_again or _NO_DOCUMENT, provider, used)
        yield second.instead_of(first).chunk()

    return structured


def documents(text: str) -> Iterator[tuple[str, Any]]:
    """Yield the JSON documents in `text` with their values, the likeliest first.

    They may stand alone, in a code fence, or among words; a bare scalar counts only where it stands alone.
    """
    whole = text.strip().removeprefix("\ufeff").strip()
    seen = {whole}
    if (value := _read(whole)) is not _NONE:
        yield whole, value
    for fenced in _FENCED.finditer(whole):
        inside = fenced.group(1).strip()
        if inside not in seen and (value := _read(inside)) is not _NONE:
            seen.add(inside)
            yield inside, value
    for found in _bracketed(whole):
        if found not in seen and (value := _read(found)) is not _NONE:
            seen.add(found)
            yield found, value


@dataclass(frozen=True, slots=True)
class _DocumentRequest:
    """The JSON that one request wants, and how its model is asked for it."""

    request: ChatRequest
    wanted: ResponseFormat
    profile: ModelProfile

    def first(self) -> ChatRequest:
        """Return the request as this model supports it: natively, as a forced tool, or in words.

        A model with tools follows a schema best as the parameters of a forced tool. The schema must be
        expressible as such, and the caller must offer no tools of its own.
        """
        if self._is_native:
            return self.request
        tool = self._answer_tool()
        if tool is not None:
            return self.request._replace(
                tools=(tool,),
                tool_choice=NamedTool(tool.name),
                parallel_tool_calls=None,
                response_format=None,
            )
        return self._in_words(self.request)

    def repair(self, answer: WholeAnswer, fault: _Fault) -> ChatRequest:
        """Return the request with the model's answer and what is wrong with it, without tools."""
        request = self.request._replace(tools=(), tool_choice=None, parallel_tool_calls=None)
        turns = [Message("assistant", answer.text)] if answer.text.strip() else []
        turns.append(
            Message(
                "user",
                f"Error: your last answer is not valid: {fault.words}. "
                "Answer again with the corrected JSON document alone.",
            )
        )
        request = request._replace(messages=(*request.messages, *turns))
        return request if self._is_native else self._in_words(request)

    def read(self, answer: WholeAnswer) -> tuple[WholeAnswer, _Fault | None]:
        """Return the answer with its document alone as text, and what is wrong with that.

        One that was cut, refuses, or calls a tool of the caller's needs no document and is returned unchanged.
        """
        if answer.calls and not self._offers_tools:
            finish = "stop" if answer.finish_reason == "tool_calls" else answer.finish_reason
            text = answer.calls[0].arguments
            answer = replace(answer, text=text, calls=(), finish_reason=finish)
        if answer.is_cut or answer.refusal or answer.calls:
            return answer, None
        text, fault = self._document(answer.text)
        if text != answer.text:  # the tokens are those of what the model said around it, too
            answer = replace(answer, text=text, logprobs=())
        return answer, fault

    @property
    def _is_native(self) -> bool:
        is_object = self.wanted.kind == "json_object"
        support = self.profile.json_object if is_object else self.profile.json_schema
        return support == "native"

    @property
    def _offers_tools(self) -> bool:
        return bool(self.request.tools) and self.request.tool_choice != "none"

    def _answer_tool(self) -> Tool | None:
        schema = self.wanted.schema
        if schema is None or self.profile.tools != "native" or self._offers_tools:
            return None
        try:
            parameters = simplify_parameters(schema)
        except SchemaUnfit:
            return None
        if not parameters["properties"]:
            return None
        return Tool(
            self.wanted.name or _ANSWER_TOOL, "Takes the answer to the user's request.", schema
        )

    def _in_words(self, request: ChatRequest) -> ChatRequest:
        when = "Unless you make a call, answer" if request.tools else "Answer"
        if self.wanted.schema is None:
            instruction = f"{when} with one JSON object alone: no other words, no code fence."
        else:
            schema = json.dumps(self.wanted.schema, ensure_ascii=False)
            instruction = (
                f"{when} with one JSON document alone: no other words, no code fence. "
                f"It must fit this JSON Schema.\n{schema}"
            )
        return with_instruction(request._replace(response_format=None), instruction)

    def _document(self, text: str) -> tuple[str, _Fault | None]:
        """Return the first valid document, or the likeliest one and what is wrong with it."""
        likeliest: tuple[str, _Fault | None] = (text, _NO_DOCUMENT)
        for document, value in islice(documents(text), _MOST_DOCUMENTS):
            fault = self._fault(value)
            if fault is None:
                return document, None
            if likeliest[1] is _NO_DOCUMENT:
                likeliest = document, fault
        return likeliest

    def _fault(self, value: object) -> _Fault | None:
        if self.wanted.kind == "json_object":
            return None if isinstance(value, dict) else _NO_OBJECT
        schema: JSONObject = self.wanted.schema or {}
        words = fault_of(value, schema)
        if words is None:
            return None
        keyword = broken_keyword(value, schema)
        if words == TOO_LARGE and not keyword:
            return _Fault(words, words)
        if not keyword:
            return _Fault(words, "it does not fit the schema")
        return _Fault(words, f"it does not fit the schema at {keyword}")


def _owes_call(request: ChatRequest) -> bool:
    is_forced = isinstance(request.tool_choice, NamedTool) or request.tool_choice == "required"
    return bool(request.tools) and is_forced


def _invalid(fault: _Fault, provider: str, used: Usage) -> StructuredOutputInvalid:
    return StructuredOutputInvalid(
        f"The model was asked twice and gave no JSON that is valid: {fault.unquoted}.",
        provider=provider,
        usage=used,
    )


def _bracketed(text: str) -> Iterator[str]:
    decoder = json.JSONDecoder(parse_constant=_refuse)
    at = 0
    for _ in range(_MOST_OPENINGS):
        opening = _OPENING.search(text, at)
        if opening is None:
            return
        try:
            _, end = decoder.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            at = opening.end()
            continue
        yield text[opening.start() : end]
        at = end


def _read(text: str) -> Any:
    try:
        return exact_json.loads(text)
    except orjson.JSONDecodeError:
        return _NONE


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
