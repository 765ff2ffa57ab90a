"""The clients: the official openai ones, told where XRouter is, with XRouter's own calls beside theirs.

What is overridden of theirs is the hook of each request, `_prepare_options`, and of each answer,
`_process_response`.
"""

import os
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

import openai
from openai.types.chat import ChatCompletionMessageParam

from xrouter import calls
from xrouter.answers import ActivityRow, Credits, Generation, Key, NewKey, Plan, RotatedKey
from xrouter.calls import Call
from xrouter.details import note_details

Data = TypeVar("Data")
IDEMPOTENCY_KEY = "Idempotency-Key"
LOCAL_ADDRESS = "http://localhost:8000/v1"


class XRouter(openai.OpenAI):
    """openai.OpenAI at XRouter: `api_key` is XROUTER_API_KEY and `base_url` XROUTER_BASE_URL unless given.

    A plain request bears an Idempotency-Key that stays the same over the client's own retries, so that none of
    them is paid for twice.
    """

    def __init__(self, *, api_key: Any = None, base_url: Any = None, **options: Any) -> None:
        super().__init__(api_key=_key(api_key), base_url=_address(base_url), **options)
        self.keys = Keys(self)
        self.model_map = ModelMap(self)

    def plan(
        self, *, model: str, messages: Iterable[ChatCompletionMessageParam], **chat: Any
    ) -> Plan:
        """Say who would answer this chat and for how much; nothing is run or charged."""
        return self.make(calls.plan({"model": model, "messages": list(messages), **chat}))

    def generation(self, of: object) -> Generation:
        """Look up a request by its id, its answer, or its stream, which has to have ended."""
        return self.make(calls.generation(of))

    def cost(self, of: object) -> Decimal:
        """Return what a request was charged, in credits; of a stream once it has ended."""
        return self.generation(of).total_cost

    def credits(self) -> Credits:
        return self.make(calls.read_credits())

    def activity(
        self, *, since: date | None = None, until: date | None = None
    ) -> list[ActivityRow]:
        """Return the usage by day, model and key; of the last 30 days where nothing is said."""
        return self.make(calls.activity(since, until))

    def make(self, call: Call[Data]) -> Data:
        """Make one of XRouter's own calls."""
        if call.method == "get":
            return call.answer(self.get(call.path, cast_to=str))
        send = getattr(self, call.method)
        return call.answer(send(call.path, cast_to=str, body=call.body))

    def _prepare_options(self, options: Any) -> Any:
        return _with_idempotency_key(super()._prepare_options(options))

    def _process_response(self, *, response: Any, **known: Any) -> Any:
        answer = super()._process_response(response=response, **known)
        note_details(answer, response.headers)
        return answer


class AsyncXRouter(openai.AsyncOpenAI):
    """openai.AsyncOpenAI at XRouter; as XRouter."""

    def __init__(self, *, api_key: Any = None, base_url: Any = None, **options: Any) -> None:
        super().__init__(api_key=_key(api_key), base_url=_address(base_url), **options)
        self.keys = AsyncKeys(self)
        self.model_map = AsyncModelMap(self)

    async def plan(
        self, *, model: str, messages: Iterable[ChatCompletionMessageParam], **chat: Any
    ) -> Plan:
        """Say who would answer this chat and for how much; nothing is run or charged."""
        return await self.make(calls.plan({"model": model, "messages": list(messages), **chat}))

    async def generation(self, of: object) -> Generation:
        """Look up a request by its id, its answer, or its stream, which has to have ended."""
        return await self.make(calls.generation(of))

    async def cost(self, of: object) -> Decimal:
        """Return what a request was charged, in credits; of a stream once it has ended."""
        return (await self.generation(of)).total_cost

    async def credits(self) -> Credits:
        return await self.make(calls.read_credits())

    async def activity(
        self, *, since: date | None = None, until: date | None = None
    ) -> list[ActivityRow]:
        """Return the usage by day, model and key; of the last 30 days where nothing is said."""
        return await self.make(calls.activity(since, until))

    async def make(self, call: Call[Data]) -> Data:
        """Make one of XRouter's own calls."""
        if call.method == "get":
            return call.answer(await self.get(call.path, cast_to=str))
        send = getattr(self, call.method)
        return call.answer(await send(call.path, cast_to=str, body=call.body))

    async def _prepare_options(self, options: Any) -> Any:
        return _with_idempotency_key(await super()._prepare_options(options))

    async def _process_response(self, *, response: Any, **known: Any) -> Any:
        answer = await super()._process_response(response=response, **known)
        note_details(answer, response.headers)
        return answer


class Keys:
    """`client.keys`: the account's API keys. It takes an OAuth token of the scope `keys`.

    `settings` are `limit`, `limit_reset`, `allowed_models`, `allowed_ips`, `rate_limit`, `disabled` and what
    else the service takes.
    """

    def __init__(self, client: XRouter) -> None:
        self._client = client

    def create(self, name: str, **settings: Any) -> NewKey:
        return self._client.make(calls.create_key({"name": name, **settings}))

    def list(self, *, offset: int = 0, include_disabled: bool = True) -> list[Key]:
        """Return a hundred keys at most, the newest first."""
        return self._client.make(calls.list_keys(offset, include_disabled))

    def get(self, key_hash: str) -> Key:
        return self._client.make(calls.get_key(key_hash))

    def change(self, key_hash: str, **settings: Any) -> Key:
        return self._client.make(calls.change_key(key_hash, settings))

    def rotate(self, key_hash: str, *, overlap_seconds: int = 0) -> RotatedKey:
        """Make the key's successor; the old one lives on for `overlap_seconds`."""
        return self._client.make(calls.rotate_key(key_hash, overlap_seconds))

    def revoke(self, key_hash: str) -> None:
        self._client.make(calls.revoke_key(key_hash))


class AsyncKeys:
    """`client.keys`; as Keys."""

    def __init__(self, client: AsyncXRouter) -> None:
        self._client = client

    async def create(self, name: str, **settings: Any) -> NewKey:
        return await self._client.make(calls.create_key({"name": name, **settings}))

    async def list(self, *, offset: int = 0, include_disabled: bool = True) -> list[Key]:
        """Return a hundred keys at most, the newest first."""
        return await self._client.make(calls.list_keys(offset, include_disabled))

    async def get(self, key_hash: str) -> Key:
        return await self._client.make(calls.get_key(key_hash))

    async def change(self, key_hash: str, **settings: Any) -> Key:
        return await self._client.make(calls.change_key(key_hash, settings))

    async def rotate(self, key_hash: str, *, overlap_seconds: int = 0) -> RotatedKey:
        """Make the key's successor; the old one lives on for `overlap_seconds`."""
        return await self._client.make(calls.rotate_key(key_hash, overlap_seconds))

    async def revoke(self, key_hash: str) -> None:
        await self._client.make(calls.revoke_key(key_hash))


class ModelMap:
    """`client.model_map`: the account's own names for models. It takes an OAuth token of the scope `keys`."""

    def __init__(self, client: XRouter) -> None:
        self._client = client

    def get(self) -> dict[str, str]:
        return self._client.make(calls.get_model_map())

    def replace(self, names: Mapping[str, str]) -> dict[str, str]:
        """Put these names and patterns in the place of all; none clears the map."""
        return self._client.make(calls.put_model_map(names))


class AsyncModelMap:
    """`client.model_map`; as ModelMap."""

    def __init__(self, client: AsyncXRouter) -> None:
        self._client = client

    async def get(self) -> dict[str, str]:
        return await self._client.make(calls.get_model_map())

    async def replace(self, names: Mapping[str, str]) -> dict[str, str]:
        """Put these names and patterns in the place of all; none clears the map."""
        return await self._client.make(calls.put_model_map(names))


def _key(given: Any) -> Any:
    key = given or os.environ.get("XROUTER_API_KEY")
    if not key:
        raise openai.OpenAIError("Give api_key, or set XROUTER_API_KEY.")
    return key


def _address(given: Any) -> Any:
    return given or os.environ.get("XROUTER_BASE_URL") or LOCAL_ADDRESS


def _with_idempotency_key(options: Any) -> Any:
    """Send the key that the client keeps over its retries; not with a stream, which is never repeated."""
    body = options.json_data
    is_streamed = isinstance(body, dict) and bool(body.get("stream"))
    if options.method == "post" and options.idempotency_key and not is_streamed:
        given = dict(options.headers) if options.headers else {}
        if all(name.lower() != IDEMPOTENCY_KEY.lower() for name in given):
            options.headers = {**given, IDEMPOTENCY_KEY: options.idempotency_key}
    return options
