"""The thread that asks the database about credentials, for all requests of the process.

It has a connection of its own, so that nobody waits for one of the pool, and reads in one statement what
has been asked for while it read the last.
"""

import contextlib
from collections.abc import Iterable, Sequence

from django.db import DEFAULT_DB_ALIAS, Error, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from accounts.errors import CredentialStoreUnavailable, InvalidCredential
from accounts.keys import credential_loading
from accounts.keys.change_log import ChangeReader
from accounts.keys.credential_cache import CachedCredential, CredentialCache
from accounts.keys.running_streams import RunningStream, RunningStreams
from accounts.principal import CredentialKind
from infra.group_commit import GroupCommit, StillRunning
from infra.own_connection import own_connection

WAIT_S = 5.0

Digest = tuple[CredentialKind, str]
Question = Digest | None
"""A credential to be read; None asks what has changed."""


class CredentialReader:
    """Answers from the database, and brings `cache` and `streams` up to it."""

    def __init__(self, cache: CredentialCache, streams: RunningStreams) -> None:
        self._cache = cache
        self._streams = streams
        self._log = ChangeReader()
        self._doubtful: set[RunningStream] = set()
        self._own: BaseDatabaseWrapper | None = None
        self._thread: GroupCommit[Question, CachedCredential | None] = GroupCommit(
            self._answer, name="credentials"
        )

    def catch_up(self) -> None:
        """Note what has changed until now, and end the streams that it ends.

        Raises CredentialStoreUnavailable.
        """
        self._ask(None)

    def load(self, kind: CredentialKind, digest: str) -> CachedCredential:
        """Read a key or an access token, and remember it.

        Raises InvalidCredential, AccountSuspended, KeyFrozen, CredentialStoreUnavailable.
        """
        credential = self._ask((kind, digest))
        if credential is None:
            raise AssertionError("A credential was asked for, and none came.")
        return credential

    def doubt(self, stream: RunningStream) -> None:
        """Have a stream looked at with the next changes."""
        self._doubtful.add(stream)

    def close(self) -> None:
        """End the thread, and its connection with it; the next question starts another."""
        self._thread.flush(WAIT_S)
        if self._own is not None:
            self._own.close()

    def _ask(self, question: Question) -> CachedCredential | None:
        try:
            return self._thread.submit(question, timeout_s=WAIT_S)
        except StillRunning:
            raise CredentialStoreUnavailable from None

    def _answer(
        self, questions: Sequence[Question]
    ) -> Sequence[CachedCredential | Exception | None]:
        was_connected = self._use_own_connection()
        try:
            return self._answers(questions)
        except Error as error:
            connection.close()
            if was_connected:  # it may have been the connection alone that was lost
                with contextlib.suppress(Error):
                    return self._answers(questions)
                connection.close()
            return [_unavailable(error) for _ in questions]

    def _use_own_connection(self) -> bool:
        """Let this thread ask by a connection of its own; say whether that was open already."""
        if self._own is None or connections[DEFAULT_DB_ALIAS] is not self._own:
            self._own = own_connection()
            connections[DEFAULT_DB_ALIAS] = self._own
        return self._own.connection is not None

    def _answers(
        self, questions: Sequence[Question]
    ) -> Sequence[CachedCredential | Exception | None]:
        if None in questions:
            self._catch_up()
        version = self._cache.version
        found: dict[Question, CachedCredential | Exception | None] = {None: None}
        for kind in ("key", "oauth"):
            digests = {question[1] for question in questions if question and question[0] == kind}
            if not digests:
                continue
            verdicts = credential_loading.by_digest(kind, digests)
            for digest, verdict in verdicts.items():
                found[kind, digest] = (
                    verdict
                    if isinstance(verdict, Exception)
                    else self._cache.put(digest, verdict, version)
                )
        return [
            found[question] if question in found else InvalidCredential() for question in questions
        ]

    def _catch_up(self) -> None:
        changed = self._log.read()
        if changed is None or changed:
            self._cache.note_changes(changed)
        self._doubtful.update(self._streams.of_accounts(changed))
        # They stay in doubt until all have been looked at, should the database fail meanwhile.
        doubtful = self._doubtful.copy()
        for kind in ("key", "oauth", "session"):
            self._look_at(
                kind, [each for each in doubtful if each.principal.credential_kind == kind]
            )
        self._doubtful -= doubtful

    def _look_at(self, kind: CredentialKind, streams: Iterable[RunningStream]) -> None:
        """End the streams whose credentials do not work any more."""
        ids = {stream.principal.credential_id for stream in streams}
        verdicts = credential_loading.by_id(kind, ids) if ids else {}
        for stream in streams:
            verdict = verdicts.get(stream.principal.credential_id, InvalidCredential())
            if isinstance(verdict, Exception):
                self._streams.end(stream)
            else:
                stream.expires_s = verdict.expires_s


def _unavailable(error: Exception) -> CredentialStoreUnavailable:
    unavailable = CredentialStoreUnavailable()
    unavailable.__cause__ = error
    return unavailable
