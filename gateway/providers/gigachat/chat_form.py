"""Which of GigaChat's two chat forms a request takes, by the account's setting, the route and what it asks.

The second form is chat alone, beside the first: `/v2/chat/completions` where all else is under `/v1`. An
account's address may lack it, which answers a page of 403 or 404; that is remembered for an hour.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from gateway.providers.chat_types import ChatRequest
from gateway.providers.errors import WireMissing
from gateway.providers.gigachat.v2_call_ids import read_call_id
from gateway.providers.profile import ModelProfile

AUTO, V1, V2 = "auto", "v1", "v2"
FORMS = (AUTO, V1, V2)
REMEMBERED_S = 3_600.0


class ChatForms:
    """The forms that one account speaks. Thread safe: what is remembered is one number."""

    def __init__(
        self, setting: str, *, has_second: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`setting` is the account's: v1, v2, or auto. Raises ValueError on another one."""
        if setting not in FORMS:
            raise ValueError(f"The chat form must be one of {', '.join(FORMS)}, not {setting!r}.")
        self._setting = setting
        self._has_second = has_second and setting != V1
        self._clock = clock
        self._missing_until_s = float("-inf")

    @property
    def speaks_second(self) -> bool:
        """Whether the account has the second form, as far as is known."""
        return self._has_second and self._clock() >= self._missing_until_s

    def is_second(self, request: ChatRequest, wire: str) -> bool:
        """Say whether a request to a route of that `wire` takes the second form.

        With `auto` it does where that says what the first cannot: several calls, a demanded call, a schema.
        """
        if not self.speaks_second or wire not in (AUTO, V2):
            return False
        return V2 in (wire, self._setting) or _needs_second(request)

    def narrowed(self, profile: ModelProfile) -> ModelProfile:
        """Return what a model can do here: less, where the account has the first form alone."""
        if profile.wire not in (AUTO, V2) or self.speaks_second:
            return profile
        return replace(
            profile,
            parallel_tool_calls=False,
            tool_choice_required="emulated",
            json_object="emulated",
            json_schema="emulated",
        )

    def raise_if_missing(self, status: int | None, raw: str | None) -> None:
        """Remember that the path of the second form is not there, and raise WireMissing, if that was said."""
        if _is_about_path(status, raw):
            self._missing_until_s = self._clock() + REMEMBERED_S
            raise WireMissing

    def forget_if_all_missing(self, status: int | None, raw: str | None) -> None:
        """Ask for the second form again where the first was answered by such a page too: all were away."""
        if _is_about_path(status, raw):
            self._missing_until_s = float("-inf")


def _needs_second(request: ChatRequest) -> bool:
    wanted = request.response_format
    return (
        bool(request.tools)
        or (wanted is not None and wanted.kind != "text")
        or any(
            read_call_id(call.id) is not None
            for message in request.messages
            for call in message.tool_calls
        )
    )


def _is_about_path(status: int | None, raw: str | None) -> bool:
    """Tell a page about the path from the API's own refusal, `{"status", "message"}` about a model."""
    return status in (403, 404) and not _names_model(status, raw)


def _names_model(status: int, raw: str | None) -> bool:
    try:
        answer: Any = orjson.loads(raw or "")
    except orjson.JSONDecodeError:
        return False
    message = answer.get("message") if isinstance(answer, dict) else None
    if not isinstance(message, str):
        return False
    return status == 403 or any(word in message.lower() for word in ("model", "tool"))
