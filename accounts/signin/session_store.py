"""Django's sessions in the database, looked for by what can be the key of one."""

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    """What Django asks its SESSION_ENGINE for, by this name."""

    def __init__(self, session_key: str | None = None) -> None:
        """Pass over a cookie that is no key of ours: PostgreSQL refuses a text with a NUL, which is a 500."""
        is_ours = session_key is not None and session_key.isascii() and session_key.isalnum()
        super().__init__(session_key if is_ours else None)
