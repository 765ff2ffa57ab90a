"""OAuth applications: register, edit, rotate the secret, disable, delete."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from oauth2_provider.models import Application

from accounts.audit import log
from accounts.audit.log import Action
from accounts.keys.key_format import digest_of
from accounts.models import ApplicationDetails, User
from accounts.oauth import names, redirect_uris, revocation
from accounts.oauth.client_secrets import new_secret


class NoSecret(Exception):
    """A public application has no secret."""


def of_developer(user: User) -> list[Application]:
    """Return a person's applications, newest first, each with `people`: how many have connected it."""
    return list(_of_developer(user))


def find_own(user: User, client_id: str) -> Application | None:
    """Return the person's application with this client id, as `of_developer` does."""
    if not client_id.isalnum():  # a NUL would be an error of the database
        return None
    return _of_developer(user).filter(client_id=client_id).first()


def _of_developer(user: User) -> QuerySet[Application]:
    live = Q(accesstoken__expires__gt=timezone.now())
    people = Count("accesstoken__user", filter=live, distinct=True)
    mine = Application.objects.filter(user=user).select_related("details").annotate(people=people)
    newest_first: QuerySet[Application] = mine.order_by("-created")
    return newest_first


def register(
    *, user: User, name: str, addresses: Iterable[str], is_confidential: bool, homepage: str = ""
) -> tuple[Application, str]:
    """Return a new application and its raw secret, which is not stored; a public one has none.

    Raises InvalidRedirectURI and ReservedName.
    """
    names.check(name)
    secret = new_secret() if is_confidential else ""
    with transaction.atomic():
        application = Application.objects.create(
            user=user,
            name=name,
            redirect_uris=_joined(addresses),
            client_type=Application.CLIENT_CONFIDENTIAL
            if is_confidential
            else Application.CLIENT_PUBLIC,
            authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
            client_secret=digest_of(secret) if secret else "",
            hash_client_secret=False,  # it is a hash already
        )
        ApplicationDetails.objects.create(application=application, homepage=homepage)
        log.record(Action.ADD, application)
    return application, secret


def edit(
    *, application: Application, name: str, addresses: Iterable[str], homepage: str = ""
) -> None:
    """Change name, homepage and redirect addresses. Raises InvalidRedirectURI and ReservedName.

    Its tokens are read again, for they bear its name.
    """
    names.check(name)
    joined = _joined(addresses)
    with transaction.atomic():
        revocation.note_change(application=application)
        Application.objects.filter(pk=application.pk).update(
            name=name, redirect_uris=joined, updated=timezone.now()
        )
        ApplicationDetails.objects.update_or_create(
            application=application, defaults={"homepage": homepage}
        )
        log.record(Action.CHANGE, application)


def rotate_secret(*, application: Application) -> str:
    """Return a new raw secret; the old one is refused from now on. Raises NoSecret."""
    if application.client_type != Application.CLIENT_CONFIDENTIAL:
        raise NoSecret
    secret = new_secret()
    with transaction.atomic():
        Application.objects.filter(pk=application.pk).update(
            client_secret=digest_of(secret), updated=timezone.now()
        )
        log.record(Action.NEW_SECRET, application)
    return secret


def disable(*, application: Application) -> None:
    """Revoke an application's access, and let nobody connect it again."""
    with transaction.atomic():
        _set_disabled(application, timezone.now())
        revocation.revoke_application(application=application)
        log.record(Action.DISABLE, application)


def enable(*, application: Application) -> None:
    """Let people connect an application again."""
    with transaction.atomic():
        _set_disabled(application, None)
        log.record(Action.ENABLE, application)


def is_disabled(application: Application) -> bool:
    """Say whether operators disabled it."""
    disabled = ApplicationDetails.objects.filter(application=application, disabled_at__isnull=False)
    return disabled.exists()


def delete(*, application: Application) -> None:
    """Delete an application and revoke its access; the keys that it created stay with their people."""
    with transaction.atomic():
        revocation.revoke_application(application=application)
        log.record(Action.DELETE, application)
        application.delete()


def _set_disabled(application: Application, at: datetime | None) -> None:
    ApplicationDetails.objects.update_or_create(
        application_id=application.pk, defaults={"disabled_at": at}
    )


def _joined(addresses: Iterable[str]) -> str:
    unique = list(dict.fromkeys(addresses))
    for address in unique:
        redirect_uris.check(address)
    return " ".join(unique)
