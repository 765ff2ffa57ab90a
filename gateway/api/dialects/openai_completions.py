"""OpenAI's older completions: `prompt` in, `text_completion` out; in all else like a chat.

Source: https://platform.openai.com/docs/api-reference/completions
"""

from collections.abc import Sequence
from typing import ClassVar

from gateway.api.body import JSONObject
from gateway.api.dialects.base import AnswerWriter
from gateway.api.dialects.openai_chat import ChatWriter, OpenAIChat
from gateway.api.schema.chat_request import read_logprobs_count
from gateway.pipeline.errors import InvalidParameter
from gateway.pipeline.execution.stream import Completion, CompletionStream
from gateway.pipeline.request import CompletionRequest
from gateway.providers.chat_types import TokenLogprob

BESIDE_THE_TEXT = ("reasoning", "reasoning_content", "tool_calls", "function_call")
"""What a choice of text has no place of OpenAI's for stands beside the text."""


class TextWriter(ChatWriter):
    """Writes `text` into each choice, where a chat has `message` or `delta`."""

    __slots__ = ()

    answer_object: ClassVar[str] = "text_completion"
    chunk_object: ClassVar[str] = "text_completion"

    def answer(self, completion: Completion, stream: CompletionStream) -> JSONObject:
        document = super().answer(completion, stream)
        answers = (completion, *completion.others)
        for choice, answer in zip(document["choices"], answers, strict=True):
            message = choice.pop("message")
            choice["text"] = answer.text + answer.refusal
            choice |= _beside_the_text(message)
        return document

    def choice(
        self, delta: JSONObject, finish_reason: str | None = None, *, index: int = 0
    ) -> JSONObject:
        text = delta.get("content", "") + delta.get("refusal", "")
        choice = {"index": index, "text": text, "logprobs": None, "finish_reason": finish_reason}
        return choice | _beside_the_text(delta)

    def logprobs(self, tokens: Sequence[TokenLogprob]) -> JSONObject:
        return {
            "tokens": [token.token for token in tokens],
            "token_logprobs": [token.logprob for token in tokens],
            "top_logprobs": [dict(token.top) for token in tokens],
        }


class OpenAICompletions(OpenAIChat):
    """The dialect of `/v1/completions`."""

    writer: type[ChatWriter] = TextWriter

    def read(self, body: JSONObject, *, is_strict: bool) -> tuple[CompletionRequest, AnswerWriter]:
        if body.get("messages") is not None:
            raise InvalidParameter("messages belong to /v1/chat/completions.", param="messages")
        if body.get("prompt") is None:
            raise InvalidParameter(
                "prompt is missing: send a text or a list of texts.", param="prompt"
            )
        if type(body.get("logprobs")) is not int:
            return super().read(body, is_strict=is_strict)
        # A count here, a flag in a chat with the count beside it.
        chat = body | {"logprobs": True, "top_logprobs": read_logprobs_count(body)}
        completion_request, writer = super().read(chat, is_strict=is_strict)
        names = {**completion_request.names, "top_logprobs": "logprobs"}
        return completion_request._replace(names=names), writer


OPENAI_COMPLETIONS = OpenAICompletions()


def _beside_the_text(said: JSONObject) -> JSONObject:
    return {name: said[name] for name in BESIDE_THE_TEXT if name in said}
