"""Pages of sign-in where ours differ from allauth's, and the settings of an account."""

from typing import Any

from allauth.account import views as account_views
from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.email_verification import send_verification_email_at_login
from allauth.account.models import EmailAddress
from allauth.account.stages import EmailVerificationStage, LoginStageController
from allauth.mfa.totp import views as totp_views
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts import audit, second_factor
from accounts.audit import Action
from accounts.closing import close
from accounts.models import User
from accounts.oauth.revocation import revoke_all


@require_safe
@login_required
def settings(request: HttpRequest) -> HttpResponse:
    """Show what can be set: address, password, second factor, language, and how to leave."""
    user = _person(request)
    context = {
        "wished_email": EmailAddress.objects.get_new(user),
        "has_password": user.has_usable_password(),
        "has_second_factor": second_factor.is_set_up(user),
    }
    return render(request, "account/settings.html", context)


class ConfirmationSentView(account_views.EmailVerificationSentView):  # type: ignore[misc]
    """The page after sign-up, which also sends the mail once more."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"address": self._address()}

    def post(self, request: HttpRequest) -> HttpResponse:
        stage = self._stage()
        if stage is None:
            return redirect("account_login")
        if send_verification_email_at_login(request, stage.login):
            messages.success(request, gettext("One more mail is on its way."))
        else:
            messages.warning(
                request,
                gettext("Several mails are on their way already. Wait a quarter of an hour."),
            )
        return redirect("account_email_verification_sent")

    def _address(self) -> str:
        """Return the address that was typed, which is the same for a known one and for a new one."""
        stage = self._stage()
        return "" if stage is None else str(stage.login.email or stage.login.user.email)

    def _stage(self) -> Any:
        return LoginStageController.enter(self.request, EmailVerificationStage.key)


class ConfirmEmailView(account_views.ConfirmEmailView):  # type: ignore[misc]
    """Where the link in the mail leads.

    In the browser that asked for it the link is enough. Elsewhere a button is to be pressed, so
    that the mail scanners that follow every link confirm nothing.
    """

    def get(self, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = self._confirmation()
        if self.object is None:
            return self._not_found()
        return (
            self.post() if self._asked_here() else self.render_to_response(self.get_context_data())
        )

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        if self._confirmation() is None:
            return self._not_found()
        response: HttpResponse = super().post(*args, **kwargs)
        return response

    def logout(self) -> None:
        """Leave this browser to the address's owner; what the other person let do goes on."""
        logout(self.request)

    def _confirmation(self) -> Any:
        return account_views.get_emailconfirmation_model().from_key(self.kwargs["key"])

    def _not_found(self) -> HttpResponse:
        self.object = None
        response: HttpResponse = self.render_to_response(self.get_context_data(), status=404)
        return response

    def _asked_here(self) -> bool:
        owner_id = self.object.email_address.user_id
        if self.request.user.is_authenticated:
            return bool(self.request.user.pk == owner_id)
        stage = LoginStageController.enter(self.request, EmailVerificationStage.key)
        return bool(stage and stage.login.user and stage.login.user.pk == owner_id)


class NewPasswordView(account_views.PasswordResetFromKeyView):  # type: ignore[misc]
    """Where the link to a new password leads."""

    def logout(self) -> None:
        """Leave this browser to the link's owner; what the other person let do goes on."""
        logout(self.request)


class DeactivateView(totp_views.DeactivateTOTPView):  # type: ignore[misc]
    """Takes the second factor away, and with it what applications were let do."""

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            revoke_all(user=_person(self.request))
            audit.record(Action.SECOND_FACTOR_OFF, _person(self.request))
        return response


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@reauthentication_required(app="allauth.account")  # type: ignore[untyped-decorator]
def close_account(request: HttpRequest) -> HttpResponse:
    """Tell what closing means, and do it."""
    if request.method != "POST":
        return render(request, "account/close.html")
    close(user=_person(request))
    logout(request)
    return redirect("account_inactive")


def _person(request: HttpRequest) -> User:
    user = request.user
    assert isinstance(user, User)  # noqa: S101 -- the views above let nobody else in
    return user
