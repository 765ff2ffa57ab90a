"""What the list of Ctrl+K offers beside pages: an account's keys, and the models."""

from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.keys import lookup
from accounts.signin.sessions import account_of
from gateway.pipeline.admission.access import served_to
from web.cabinet.login_required import login_required

MOST_KEYS = 500


@never_cache
@login_required
@require_safe
def palette(request: HttpRequest) -> JsonResponse:
    """Return the newest live keys and all models, each with its page."""
    keys = [
        {"name": key.name, "note": str(key), "address": reverse("key", args=[key.digest])}
        for key in lookup.live(account_of(request).pk, most=MOST_KEYS)
    ]
    models = [
        {"name": model.name, "note": model.id, "address": reverse("model", args=[model.id])}
        for model in served_to(None).models()
    ]
    groups = [{"title": _("API keys"), "places": keys}, {"title": _("Models"), "places": models}]
    return JsonResponse({"groups": groups})
