"""Calls to the shared Redis that go together: whoever asks at one time shares a round trip.

One thread and one connection serve the process. A call that comes alone goes at once.
"""

import hashlib
import os
import socket
from collections.abc import Sequence
from typing import Any

from hiredis import pack_command
from redis.connection import AbstractConnection
from redis.exceptions import NoScriptError, ResponseError

from infra.group_commit import GroupCommit, StillRunning
from infra.redis import RedisAway, SharedRedis

PATIENCE_S = 1.0
"""How long a caller waits: for the batch before its own, and for its own, in a process that is busy."""

Call = tuple[Any, ...]


class RedisScript:
    """A script that Redis is asked for by its digest."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def call(self, keys: Sequence[str], arguments: Sequence[Any]) -> Call:
        """Return the call of the script."""
        return ("EVALSHA", self.sha, len(keys), *keys, *arguments)


class RedisBatch:
    """Sends the calls of a process together; `scripts` are those that may be among them."""

    def __init__(self, redis: SharedRedis, *, name: str, scripts: Sequence[RedisScript]) -> None:
        self._redis = redis
        self._scripts = scripts
        self._connection: AbstractConnection | None = None
        self._calls: GroupCommit[Call, Any] = GroupCommit(self._send, name=name)

    def ask(self, call: Call) -> Any:
        """Return Redis's answer. Raises RedisAway."""
        if self._redis.is_resting:
            raise RedisAway
        try:
            return self._calls.submit(call, timeout_s=PATIENCE_S)
        except StillRunning:
            raise RedisAway from None

    def tell(self, call: Call) -> None:
        """Have the call made soon, and do not wait; where Redis is away it is dropped."""
        self._calls.post(call)

    def flush(self, timeout_s: float) -> bool:
        """Make the calls that wait, and end the thread; the next call starts it again."""
        return self._calls.flush(timeout_s)

    def _kept_connection(self) -> AbstractConnection:
        """Return this process's connection: the pool would ask of it each time what is asked here for less."""
        kept = self._connection
        if kept is None or kept.pid != os.getpid():
            kept = self._connection = self._redis.client.connection_pool.get_connection()
        elif not _is_quiet(kept):
            kept.disconnect()  # type: ignore[no-untyped-call]  # it connects again when it sends
        return kept

    def _send(self, calls: Sequence[Call]) -> Sequence[Any]:
        try:
            with self._redis.reached():
                connection = self._kept_connection()
                try:
                    answers = _exchanged(connection, calls)
                    if any(isinstance(answer, NoScriptError) for answer in answers):
                        loads = [("SCRIPT", "LOAD", script.text) for script in self._scripts]
                        _exchanged(connection, loads)
                        missed = [
                            number
                            for number, answer in enumerate(answers)
                            if isinstance(answer, NoScriptError)
                        ]
                        again = _exchanged(connection, [calls[number] for number in missed])
                        for number, answer in zip(missed, again, strict=True):
                            answers[number] = answer
                    for answer in answers:
                        if isinstance(answer, ResponseError):
                            raise answer
                    return answers
                except BaseException:
                    connection.disconnect()  # type: ignore[no-untyped-call]  # what it would still say is to nobody's question
                    raise
        except RedisAway as error:
            return [error] * len(calls)


def _is_quiet(connection: AbstractConnection) -> bool:
    """Say whether a connection is open, and nothing waits to be read on it."""
    if not connection.is_connected:
        return False
    transport: Any = connection._sock
    transport.settimeout(0)
    try:
        socket.socket.recv(transport, 1, socket.MSG_PEEK)  # that of TLS cannot peek
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        transport.settimeout(connection.socket_timeout)
    return False


def _exchanged(connection: AbstractConnection, calls: Sequence[Call]) -> list[Any]:
    """Send calls in one go; return their answers, some of which may be errors."""
    packed = [b"".join(map(pack_command, calls))]
    connection.send_packed_command(packed)  # type: ignore[no-untyped-call]
    answers: list[Any] = []
    for _ in calls:
        try:
            answers.append(connection.read_response())
        except ResponseError as error:
            answers.append(error)
    return answers
