"""Statements of the hot path on PostgreSQL: prepared once a connection, with answers in binary form.

They go to libpq past psycopg's cursors, and under gevent past its way to wait: those cost more than half of
what a process spends on a statement.
"""

from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

import gevent.monkey
import gevent.socket
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from psycopg import Connection, RawCursor, generators
from psycopg.abc import PQGen
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult
from psycopg.waiting import Ready, Wait

PATIENCE = "(SELECT set_config('lock_timeout', '2000', true) AS timeout) AS patience"
"""What a statement selects from to limit its own waits for locks, with `patience.timeout <> ''`.

A limit of the session's would not do: a pooler between us and the database may deal another connection to
every transaction.
"""

_names: WeakKeyDictionary[Connection[Any], dict[str, bytes]] = WeakKeyDictionary()
"""The names of each connection's prepared statements."""


def rows(text: str, *parameters: str) -> list[tuple[Any, ...]]:
    """Execute a statement with parameters `$1`, `$2` and so on, and return its rows.

    It is a transaction of its own, or a part of the one that is running. Raises django.db.Error.
    """
    wrapper = connections[DEFAULT_DB_ALIAS]
    with wrapper.wrap_database_errors:
        if wrapper.in_atomic_block:
            with transaction.atomic():
                return _by_cursor(wrapper.connection, text, parameters)
        wrapper.ensure_connection()
        raw: Connection[Any] = wrapper.connection
        if (
            raw.prepare_threshold is None
        ):  # a pooler may be in between, which knows no prepared ones
            return _by_cursor(raw, text, parameters)
        return executed(raw, text, parameters)


def executed(
    connection: Connection[Any], text: str, parameters: Iterable[str]
) -> list[tuple[Any, ...]]:
    """Execute a statement that is its own transaction; prepare it where the connection does not know it."""
    server = connection.pgconn
    names = _names.setdefault(connection, {})
    name = names.get(text)
    if name is None:
        name = b"xrouter_%d" % len(names)
        server.send_prepare(name, text.encode())
        _result(connection)
        names[text] = name
    values = [parameter.encode() for parameter in parameters]
    server.send_query_prepared(name, values, result_format=Format.BINARY)
    result = _result(connection)
    reader = Transformer.from_context(connection)
    reader.set_pgresult(result)
    return reader.load_rows(0, result.ntuples, tuple)


def array(values: Iterable[object]) -> str:
    """Return numbers or UUIDs as the text of an array.

    Parameters are texts, so that a statement is prepared once whatever sizes their numbers have.
    """
    return f"{{{','.join(map(str, values))}}}"


def _by_cursor(
    connection: Connection[Any], text: str, parameters: Iterable[str]
) -> list[tuple[Any, ...]]:
    with RawCursor(connection) as cursor:
        return cursor.execute(text.encode(), list(parameters), prepare=True, binary=True).fetchall()


def _result(connection: Connection[Any]) -> PGresult:
    """Wait for the answer to what was sent. Raises psycopg.Error."""
    [result] = _waited(connection, generators.execute(connection.pgconn))
    if result.status == ExecStatus.FATAL_ERROR:
        raise error_from_result(result, encoding=connection.info.encoding)
    return result


def _waited(connection: Connection[Any], exchange: PQGen[list[PGresult]]) -> list[PGresult]:
    """Return what an exchange with the server comes to."""
    if not gevent.monkey.is_module_patched("socket"):
        return connection.wait(exchange)
    descriptor = connection.pgconn.socket
    try:
        awaited = next(exchange)
        while True:
            if awaited == Wait.R:
                gevent.socket.wait_read(descriptor)
            else:
                gevent.socket.wait_readwrite(descriptor)
            awaited = exchange.send(Ready(awaited))
    except StopIteration as end:
        results: list[PGresult] = end.value
        return results
