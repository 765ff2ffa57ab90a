"""Sign-in pages that differ from allauth's, and the settings of an account."""

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
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts import suspension
from accounts.audit import log
from accounts.audit.log import Action
from accounts.models import User
from accounts.oauth.revocation import revoke_all
from accounts.signin import second_factor
from accounts.signin.sessions import user_of


@require_safe
@login_required
def settings(request: HttpRequest) -> HttpResponse:
    """Show the settings: address, password, second factor, language, closing the account."""
    user = user_of(request)
    context = {
        "wished_email": EmailAddress.objects.get_new(user),
        "has_password": user.has_usable_password(),
        "has_second_factor": second_factor.is_set_up(user),
    }
    return render(request, "account/settings.html", context)


class ConfirmationSentView(account_views.EmailVerificationSentView):  # type: ignore[misc]
    """The page after sign-up; a POST sends the mail again."""

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
        """Return the address that was typed, whether it is known or new."""
        stage = self._stage()
        return "" if stage is None else str(stage.login.email or stage.login.user.email)

    def _stage(self) -> Any:
        return LoginStageController.enter(self.request, EmailVerificationStage.key)


class ConfirmEmailView(account_views.ConfirmEmailView):  # type: ignore[misc]
    """The page of the confirmation link.

    In the browser that requested it the link is enough. Elsewhere it takes a button, so that mail scanners,
    which follow every link, confirm nothing.
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
        """Log out of this browser only; the other person's applications keep their access."""
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
    """The page of the password reset link."""

    def logout(self) -> None:
        """Log out of this browser only; the other person's applications keep their access."""
        logout(self.request)


class ActivateView(totp_views.ActivateTOTPView):  # type: ignore[misc]
    """Sets the second factor up. Sent twice, or with one there, it leads to the overview."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        if isinstance(user, User) and second_factor.is_set_up(user):
            return redirect("mfa_index")
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response


class DeactivateView(totp_views.DeactivateTOTPView):  # type: ignore[misc]
    """Removes the second factor and the access of applications. Sent twice, it leads to the overview."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        if isinstance(user, User) and not second_factor.is_set_up(user):
            return redirect("mfa_index")
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            revoke_all(user=user_of(self.request))
            log.record(Action.SECOND_FACTOR_OFF, user_of(self.request))
        return response


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@reauthentication_required(app="allauth.account")  # type: ignore[untyped-decorator]
def close_account(request: HttpRequest) -> HttpResponse:
    """Explain closing; a POST closes the account, which an operator can undo."""
    if request.method != "POST":
        return render(request, "account/close.html")
    suspension.set_active(user=user_of(request), is_active=False)
    logout(request)
    return redirect("account_inactive")
