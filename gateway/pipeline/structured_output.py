"""JSON on demand: told to the model in whatever way it understands, and checked before it leaves."""

import json
from collections.abc import Generator
from dataclasses import dataclass, replace
from itertools import islice

from gateway.pipeline.answer import RAW_CHARACTERS, Answer, Complete, gather, with_instruction
from gateway.pipeline.json_extraction import documents
from gateway.pipeline.schema_validation import fault_of
from gateway.providers.chat_types import (
    ChatChunk,
    ChatRequest,
    JSONObject,
    Message,
    NamedTool,
    ResponseFormat,
    Tool,
)
from gateway.providers.errors import ProviderProtocolError, ProviderRejected
from gateway.providers.json_schema import SchemaUnfit, narrow_parameters
from gateway.providers.profile import ModelProfile

_NO_DOCUMENT = "it is not a JSON document"
_MOST_DOCUMENTS = 5
_ANSWER_TOOL = "answer"


class StructuredOutputInvalid(ProviderProtocolError):
    """The model answered twice, and neither answer is the JSON that was asked for."""

    retryable = False


def with_structured_output(complete: Complete, profile: ModelProfile, *, provider: str) -> Complete:
    """Honour `response_format`: nothing but the JSON text leaves, and none that is invalid.

    The answer is held back until it is known to be valid; ticks pass. An invalid one is asked for
    again, once, at no cost to the caller. Tool calls and cut answers pass as they are, and where a call
    is demanded there is no JSON to wait for. `provider` is named in the error.

    Raises StructuredOutputInvalid.
    """

    def structured(request: ChatRequest) -> Generator[ChatChunk, None, None]:
        wanted = request.response_format
        if wanted is None or wanted.kind == "text" or _owes_call(request):
            yield from complete(replace(request, response_format=None))
            return
        demand = _Demand(request, wanted, profile)
        asked = demand.first()
        first, fault = demand.read((yield from gather(complete(asked), asked)))
        if fault is None:
            yield first.chunk()
            return
        again = demand.repair(first, fault)
        try:
            second, fault_again = demand.read((yield from gather(complete(again), again)))
        except ProviderRejected as error:
            raise _invalid(first, fault, provider) from error
        if fault_again is not None or second.calls:
            raise _invalid(second, fault_again or _NO_DOCUMENT, provider)
        yield second.instead_of(first).chunk()

    return structured


@dataclass(frozen=True, slots=True)
class _Demand:
    """What one request wants, and how its model is told."""

    request: ChatRequest
    wanted: ResponseFormat
    profile: ModelProfile

    def first(self) -> ChatRequest:
        """Return the request as this model takes it: natively, as a forced tool, or in words.

        A forced tool makes a model that has tools keep closest to a schema; the schema must be sayable
        as its parameters, and no tool of the caller's be in the way.
        """
        if self._is_native:
            return self.request
        tool = self._answer_tool()
        if tool is not None:
            return replace(
                self.request,
                tools=(tool,),
                tool_choice=NamedTool(tool.name),
                parallel_tool_calls=None,
                response_format=None,
            )
        return self._in_words(self.request)

    def repair(self, answer: Answer, fault: str) -> ChatRequest:
        """Return a request that tells the model its answer and what is wrong with it; tools are gone."""
        request = replace(self.request, tools=(), tool_choice=None, parallel_tool_calls=None)
        turns = [Message("assistant", answer.text)] if answer.text.strip() else []
        turns.append(
            Message(
                "user",
                f"Error: your last answer is not valid: {fault}. "
                "Answer again with the corrected JSON document alone.",
            )
        )
        request = replace(request, messages=(*request.messages, *turns))
        return request if self._is_native else self._in_words(request)

    def read(self, answer: Answer) -> tuple[Answer, str | None]:
        """Return the answer with nothing but its document for text, and what is wrong with that.

        One that was cut, or calls a tool of the caller's, owes no document and stays as it is.
        """
        if answer.calls and not self._offers_tools:
            finish = "stop" if answer.finish_reason == "tool_calls" else answer.finish_reason
            text = answer.calls[0].arguments
            answer = replace(answer, text=text, calls=(), finish_reason=finish)
        if answer.is_cut or answer.calls:
            return answer, None
        text, fault = self._document(answer.text)
        return replace(answer, text=text), fault

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
            parameters = narrow_parameters(schema)
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
            told = f"{when} with one JSON object alone: no other words, no code fence."
        else:
            schema = json.dumps(self.wanted.schema, ensure_ascii=False)
            told = (
                f"{when} with one JSON document alone: no other words, no code fence. "
                f"It must fit this JSON Schema.\n{schema}"
            )
        return with_instruction(replace(request, response_format=None), told)

    def _document(self, text: str) -> tuple[str, str | None]:
        """Return the first document that fits, or the likeliest one and what is wrong with it."""
        likeliest: tuple[str, str | None] = (text, _NO_DOCUMENT)
        for document, value in islice(documents(text), _MOST_DOCUMENTS):
            fault = self._fault(value)
            if fault is None:
                return document, None
            if likeliest[1] == _NO_DOCUMENT:
                likeliest = document, fault
        return likeliest

    def _fault(self, value: object) -> str | None:
        if self.wanted.kind == "json_object":
            return None if isinstance(value, dict) else "it is not a JSON object"
        schema: JSONObject = self.wanted.schema or {}
        return fault_of(value, schema)


def _owes_call(request: ChatRequest) -> bool:
    is_forced = isinstance(request.tool_choice, NamedTool) or request.tool_choice == "required"
    return bool(request.tools) and is_forced


def _invalid(answer: Answer, fault: str, provider: str) -> StructuredOutputInvalid:
    return StructuredOutputInvalid(
        f"The model was asked twice and gave no JSON that is valid: {fault}.",
        provider=provider,
        raw=answer.text[:RAW_CHARACTERS],
    )
