"""The second factor: whether it is set up and passed, how its secrets are encrypted, its removal."""

import base64
import io

import qrcode
from allauth.account.authentication import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from qrcode.image.svg import SvgPathFillImage

from accounts.audit import log
from accounts.audit.log import Action
from accounts.models import User
from accounts.oauth.revocation import revoke_all

SALTS = ("accounts.signin.second_factor", "accounts.second_factor")
"""What keys are derived with. The first encrypts; the other opens what was set up before the module moved."""


def is_set_up(user: User) -> bool:
    """Say whether the person has set up TOTP."""
    return bool(Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists())


def is_passed(request: HttpRequest) -> bool:
    """Say whether the person has a second factor and gave a code in this session."""
    user = request.user
    if not isinstance(user, User) or not is_set_up(user):
        return False
    return any(record["method"] == "mfa" for record in get_authentication_records(request, user))


def reset(*, user: User) -> None:
    """Remove the second factor, and the access of applications granted under its protection."""
    with transaction.atomic():
        Authenticator.objects.filter(user=user).delete()
        revoke_all(user=user)
        log.record(Action.SECOND_FACTOR_OFF, user)


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """allauth's MFA_ADAPTER: secrets are encrypted with SECRET_KEY; its fallbacks still open them."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "cannot_generate_recovery_codes": _("Set up a code generator first."),
        "incorrect_code": _("This code is wrong or was used already."),
    }

    def get_totp_label(self, user: User) -> str:
        return user.email

    def build_totp_svg(self, url: str) -> str:
        """Draw the code on its own white background, so that it can be scanned on a dark page too."""
        image = qrcode.make(url, image_factory=SvgPathFillImage)
        output = io.BytesIO()
        image.save(output)
        return output.getvalue().decode()

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Raises InvalidToken where SECRET_KEY was replaced without a fallback."""
        return _cipher().decrypt(encrypted_text).decode()


def _cipher() -> MultiFernet:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet([Fernet(_derived(key, salt)) for salt in SALTS for key in keys])


def _derived(secret: str | bytes, salt: str) -> bytes:
    digest = salted_hmac(salt, "", secret=secret, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest)
