"""An application that a person has let in, as far as ending its access goes."""

from datetime import timedelta

from django.utils import timezone
from oauth2_provider.models import AccessToken, Application

from accounts.keys.key_format import digest_of
from accounts.models import IssuedToken, User
from accounts.users import own_account


def live_token(user: User) -> AccessToken:
    """Return a token with which an application acts for the person."""
    application = Application.objects.create(
        name="reader",
        client_type=Application.CLIENT_PUBLIC,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        redirect_uris="https://app.example.ru/back",
        user=user,
    )
    token = AccessToken.objects.create(
        user=user,
        application=application,
        token="a token",
        expires=timezone.now() + timedelta(days=365),
        scope="chat",
    )
    IssuedToken.objects.create(
        token=token, account=own_account(user), code_digest=digest_of("a code")
    )
    return token


def is_live(token: AccessToken) -> bool:
    token.refresh_from_db()
    return not token.is_expired()
