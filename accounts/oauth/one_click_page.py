"""GET and POST /auth: a person is asked whether a site may have an API key of its own."""

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.oauth import consent, notices, one_click, pkce, redirect_uris
from accounts.oauth.parameters import BadParameters, read_query
from accounts.signin.form_limits import limit_form


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limit_form("one_click", "120/h")
def one_click_page(request: HttpRequest) -> HttpResponse:
    """Ask the person for consent, and redirect them back with the answer."""
    try:
        callback_url, code_challenge = _judged(read_query(request))
    except (BadParameters, redirect_uris.InvalidRedirectURI) as error:
        return consent.refusal(request, str(error))
    if not isinstance(request.user, User):
        return redirect_to_login(request.get_full_path())
    if request.method != "POST":
        return consent.page(request, redirect_uri=callback_url)
    if "allow" not in request.POST:
        return _leave(callback_url, error="access_denied")
    code = one_click.new_code(
        user=request.user, callback_url=callback_url, code_challenge=code_challenge
    )
    notices.tell(request.user, name=redirect_uris.host_of(callback_url))
    return _leave(callback_url, code=code)


def _judged(fields: dict[str, str]) -> tuple[str, str]:
    """Validate callback and challenge, and return them. Raises BadParameters and InvalidRedirectURI."""
    callback_url = fields.get("callback_url", "")
    redirect_uris.check(callback_url)
    if fields.get("code_challenge_method") != pkce.METHOD:
        raise BadParameters("code_challenge_method must be S256.")
    code_challenge = fields.get("code_challenge", "")
    if not pkce.is_challenge(code_challenge):
        raise BadParameters("code_challenge must be a SHA-256 in base64url: 43 characters.")
    return callback_url, code_challenge


def _leave(callback_url: str, **answer: str) -> HttpResponse:
    return consent.leave(redirect_uris.with_parameters(callback_url, answer))
