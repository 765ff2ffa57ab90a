"""GET and POST /oauth/authorize: a person is asked whether an application may act for them.

The request is judged anew by its address each time, so that nothing the form could carry is believed.
Each time the person is asked: an answer once given must not let another program in by itself.
"""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from oauth2_provider.models import Application
from oauthlib.oauth2.rfc6749 import errors

from accounts.models import User
from accounts.oauth import consent, notices, redirect_uris
from accounts.oauth.connections import has_let_in
from accounts.oauth.parameters import BadParameters, read_query
from accounts.oauth.server import AUTHORIZE_FIELDS, code_server, encoded
from accounts.scopes import Scope
from accounts.signin.form_limits import limit_form


@dataclass(frozen=True, slots=True)
class Asked:
    """A valid authorization request."""

    fields: dict[str, str]
    application: Application
    redirect_uri: str
    scopes: tuple[Scope, ...]

    def code_address(self, user: User) -> str:
        """Create the code, and return the address to redirect the person to."""
        headers, _body, _status = code_server().create_authorization_response(
            _address(self.fields),
            scopes=list(self.scopes),
            credentials={"user": user, "redirect_uri": self.redirect_uri},
        )
        location: str = headers["Location"]
        return location


class Declined(Exception):
    """A valid request that is refused: the person is redirected to `address`, which says so."""

    def __init__(self, asked: Asked, error: str, description: str) -> None:
        super().__init__(error)
        answer = {"error": error, "error_description": description, "iss": settings.PUBLIC_URL}
        if "state" in asked.fields:
            answer["state"] = asked.fields["state"]
        self.address = redirect_uris.with_parameters(asked.redirect_uri, answer)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limit_form("oauth_consent", "600/h")
def authorize(request: HttpRequest) -> HttpResponse:
    """Ask the person for consent, and redirect them back with the answer."""
    try:
        fields = read_query(request)
    except BadParameters as error:
        return consent.refusal(request, str(error))
    is_silent = "none" in fields.get("prompt", "").split()
    try:
        asked = _judged(fields)
        if is_silent:
            return _declined_silently(request, asked)
        if not isinstance(request.user, User):
            return redirect_to_login(request.get_full_path())
        if request.method == "POST":
            return _answered(request, request.user, asked)
    except errors.OAuth2Error as error:
        # Whatever is wrong is shown here: to lead strangers on would serve who registers to do harm.
        return consent.refusal(request, f"{error.error}: {error.description or error.error}")
    except Declined as declined:
        return consent.leave(declined.address)
    return consent.page(
        request,
        redirect_uri=asked.redirect_uri,
        scopes=asked.scopes,
        application=asked.application,
    )


def _declined_silently(request: HttpRequest, asked: Asked) -> HttpResponse:
    """Answer `prompt=none`, which can only be declined: each time the person is asked.

    The application is told so where the person has let it in before; else it is an error page of ours, for
    a redirect would lead strangers wherever whoever registers likes.
    """
    needed = "consent_required" if request.user.is_authenticated else "login_required"
    if isinstance(request.user, User) and has_let_in(request.user, asked.application):
        raise Declined(asked, needed, "The person must be asked.")
    return consent.refusal(request, f"{needed}: The person must be asked, without prompt=none.")


def _answered(request: HttpRequest, user: User, asked: Asked) -> HttpResponse:
    if "allow" not in request.POST:
        raise Declined(asked, "access_denied", "The person refused.")
    is_news = notices.is_news(user, asked.application, asked.scopes)
    address = asked.code_address(user)
    if is_news:
        notices.tell(user, name=asked.application.name, scopes=asked.scopes)
    return consent.leave(address)


def _judged(fields: dict[str, str]) -> Asked:
    """Validate the request. Raises OAuth2Error."""
    scopes, details = code_server().validate_authorization_request(_address(fields))
    return Asked(
        fields=fields,
        application=details["request"].client,
        redirect_uri=details["redirect_uri"],
        scopes=tuple(dict.fromkeys(scopes)),
    )


def _address(fields: dict[str, str]) -> str:
    return f"/oauth/authorize?{encoded(fields, AUTHORIZE_FIELDS)}"
