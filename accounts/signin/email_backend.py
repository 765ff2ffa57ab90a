"""The authentication backend: finds people by e-mail in any spelling."""

from allauth.account.auth_backends import AuthenticationBackend

from accounts.email_address import fold_email
from accounts.models import User


class EmailBackend(AuthenticationBackend):  # type: ignore[misc]  # allauth has no types
    """allauth's backend, which says when a person is suspended; an unknown address costs a hash too."""

    def _authenticate_by_email(self, email: str, password: str) -> User | None:
        user = User.objects.filter(email_folded=fold_email(email)).first()
        known: User | None = self._check_password(user, password)
        return known
