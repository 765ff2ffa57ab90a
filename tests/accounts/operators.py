"""Operators in the admin: logged in, with the second factor given."""

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import encrypt
from django.test import Client

from accounts.models import User
from tests.accounts.sign_in import totp

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def seat(client: Client, user: User) -> Client:
    """Log the person in, give the code of their second factor, and return the browser."""
    Authenticator.objects.create(
        user=user, type=Authenticator.Type.TOTP, data={"secret": encrypt(SECRET)}
    )
    client.force_login(user)
    answer = client.post("/accounts/2fa/reauthenticate/", {"code": totp(SECRET)})
    assert answer.status_code == 302
    return client
