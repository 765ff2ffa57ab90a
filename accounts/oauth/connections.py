"""A person's connections: applications with live tokens, and applications or sites with live keys."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.functional import Promise
from oauth2_provider.models import Application

from accounts.models import APIKey, IssuedToken, User
from accounts.scopes import SCOPES


@dataclass(frozen=True, slots=True)
class ConnectedApp:
    """One application, or one site of the one-click form, which has no application.

    `since` is when the oldest of its tokens and keys was created; the last use is that of any of them.
    """

    name: str
    application: Application | None
    homepage: str
    scopes: tuple[str | Promise, ...]
    since: datetime
    last_used_at: datetime | None
    last_used_from: str
    keys: tuple[APIKey, ...]

    @property
    def is_live(self) -> bool:
        """Say whether it has a token that works."""
        return bool(self.scopes)


def connections(user: User) -> list[ConnectedApp]:
    """Return a person's connections, the newest first."""
    tokens = IssuedToken.objects.filter(token__user=user, token__expires__gt=timezone.now())
    keys = APIKey.objects.filter(user=user, revoked_at=None).exclude(made_by="")
    tokens_of: dict[tuple[Application | None, str], list[IssuedToken]] = {}
    keys_of: dict[tuple[Application | None, str], list[APIKey]] = {}
    for issued in tokens.select_related("token__application__details"):
        application = issued.token.application
        tokens_of.setdefault((application, application.name), []).append(issued)
    for key in keys.select_related("application__details").order_by("-created_at"):
        name = key.application.name if key.application else key.made_by
        keys_of.setdefault((key.application, name), []).append(key)
    found = [
        _connection(application, name, tokens_of.get((application, name), ()), created)
        for application, name in tokens_of | keys_of
        for created in [keys_of.get((application, name), ())]
    ]
    return sorted(found, key=lambda connection: connection.since, reverse=True)


def has_let_in(user: User, application: Application) -> bool:
    """Say whether the person's consent to an application holds: it has a live token of theirs."""
    tokens = IssuedToken.objects.filter(token__user=user, token__application=application)
    return tokens.filter(token__expires__gt=timezone.now()).exists()


def _connection(
    application: Application | None,
    name: str,
    tokens: Iterable[IssuedToken],
    keys: Iterable[APIKey],
) -> ConnectedApp:
    tokens, keys = list(tokens), tuple(keys)
    details = getattr(application, "details", None)
    granted = {scope for issued in tokens for scope in issued.token.scope.split()}
    used = [(issued.last_used_at, issued.last_used_from) for issued in tokens]
    used += [(key.last_used_at, "") for key in keys]
    last = max((use for use in used if use[0] is not None), default=(None, ""))
    return ConnectedApp(
        name=name,
        application=application,
        homepage=details.homepage if details else "",
        scopes=tuple(text for scope, text in SCOPES.items() if scope in granted),
        since=min([issued.token.created for issued in tokens] + [key.created_at for key in keys]),
        last_used_at=last[0],
        last_used_from=last[1],
        keys=keys,
    )
