"""The mail about a new connection, in case it was not the person themselves."""

from collections.abc import Iterable
from functools import partial

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from oauth2_provider.models import AccessToken, Application

from accounts.models import User
from accounts.scopes import SCOPES, Scope
from infra import outbox


def is_news(user: User, application: Application, scopes: Iterable[Scope]) -> bool:
    """Say whether the person has never granted this application all these scopes before."""
    wanted = set(scopes)
    past = AccessToken.objects.filter(user=user, application=application)
    return not any(wanted <= set(scope.split()) for scope in past.values_list("scope", flat=True))


def tell(user: User, *, name: str, scopes: Iterable[Scope] = ()) -> None:
    """Mail that an application was connected, or, without scopes, that a site was given a key."""
    context = {
        "name": name,
        "email": user.email,
        "scopes": [SCOPES[scope] for scope in scopes],
        "address": f"{settings.PUBLIC_URL}/cabinet/connections/",
    }
    subject = _("XRouter: %(name)s may now use your account") % {"name": name}
    text = render_to_string("oauth/let_in.txt", context)
    mail = partial(send_mail, subject, text, None, [user.email])
    outbox.send(f"to user {user.pk} about an application", mail)
