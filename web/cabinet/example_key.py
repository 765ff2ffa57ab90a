"""A new key for the examples of a page: the answer alone bears it, and the page fills it in."""

from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.errors import AccountSuspended, TooManyKeys
from accounts.keys import issuing
from accounts.signin.form_limits import limit_form
from accounts.signin.sessions import account_of, user_of
from web.cabinet import form_tokens
from web.cabinet.keys import FORM, refusal
from web.cabinet.login_required import login_required

CONFLICT = 409


@never_cache
@login_required
@limit_form("keys", "30/h")
@require_POST
def example_key(request: HttpRequest) -> JsonResponse:
    """Create a key and return it, or `error` in words; a page's token makes one key, whoever clicks twice."""
    user = user_of(request)
    if form_tokens.use(request.POST.get("form_token", ""), FORM, user.pk) != "fresh":
        return _refused(_("This page had made a key, or was open for too long. Reload it."))
    try:
        key, raw = issuing.issue(account=account_of(request), user=user, name=_("Examples"))
    except (TooManyKeys, AccountSuspended) as error:
        return _refused(refusal(error))
    return JsonResponse(
        {"key": raw, "name": str(key), "address": reverse("key", args=[key.digest])}
    )


def _refused(text: str) -> JsonResponse:
    return JsonResponse({"error": text}, status=CONFLICT)
