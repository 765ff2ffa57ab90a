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

from accounts.form_limits import limit_form
from accounts.models import User
from accounts.oauth import consent, notices, redirect_uris
from accounts.oauth.parameters import BadParameters, read_query
from accounts.oauth.server import AUTHORIZE_FIELDS, code_server, encoded
from accounts.scopes import Scope


@dataclass(frozen=True, slots=True)
class Asked:
    """What an application asks for, found to be in order."""

    fields: dict[str, str]
    application: Application
    redirect_uri: str
    scopes: tuple[Scope, ...]

    def code_address(self, user: User) -> str:
        """Let the application in: make its code, and return where to lead the person with it."""
        headers, _body, _status = code_server().create_authorization_response(
            _address(self.fields),
            scopes=list(self.scopes),
            credentials={"user": user, "redirect_uri": self.redirect_uri},
        )
        location: str = headers["Location"]
        return location


class Declined(Exception):
    """A request in order that is not granted: its application is told so, at `address`."""

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
    """Ask the person, and lead them back with their answer."""
    try:
        fields = read_query(request)
    except BadParameters as error:
        return consent.refusal(request, str(error))
    is_silent = "none" in fields.get("prompt", "").split()
    try:
        asked = _judged(fields)
        if is_silent:
            needed = "consent_required" if request.user.is_authenticated else "login_required"
            raise Declined(asked, needed, "The person must be asked.")
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


def _answered(request: HttpRequest, user: User, asked: Asked) -> HttpResponse:
    if "allow" not in request.POST:
        raise Declined(asked, "access_denied", "The person refused.")
    is_news = notices.is_news(user, asked.application, asked.scopes)
    address = asked.code_address(user)
    if is_news:
        notices.tell(user, name=asked.application.name, scopes=asked.scopes)
    return consent.leave(address)


def _judged(fields: dict[str, str]) -> Asked:
    """Return what is asked for. Raises OAuth2Error."""
    scopes, details = code_server().validate_authorization_request(_address(fields))
    return Asked(
        fields=fields,
        application=details["request"].client,
        redirect_uri=details["redirect_uri"],
        scopes=tuple(dict.fromkeys(scopes)),
    )


def _address(fields: dict[str, str]) -> str:
    return f"/oauth/authorize?{encoded(fields, AUTHORIZE_FIELDS)}"
