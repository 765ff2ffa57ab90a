"""/cabinet/model-map/: the account's own names for models."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.model_map.changing import replace_entries
from accounts.model_map.stored import entries_of
from accounts.signin.form_limits import limit_form
from accounts.signin.sessions import account_of
from billing.ledger import balances
from billing.limits import request_limits
from gateway.pipeline.admission.access import served_to
from gateway.pipeline.admission.model_map import without_effect
from web.cabinet.login_required import login_required
from web.cabinet.model_map_form import entries_form
from web.cabinet.model_map_presets import PRESETS, proposed

INVALID = 422


@never_cache
@login_required
@limit_form("model-map", "60/h")
@require_http_methods(["GET", "HEAD", "POST"])
def model_map(request: HttpRequest) -> HttpResponse:
    """Show the map as a form; a POST replaces it. `?preset=` fills in a program's names, and saves none."""
    account = account_of(request)
    entries = entries_of(account.pk)
    models = served_to(None).models()
    chosen = next((preset for preset in PRESETS if preset.slug == request.GET.get("preset")), None)
    shown = entries
    if chosen is not None:
        is_free = request_limits.tier_of(balances.posted_nano(account.pk)).is_free
        usable = [model for model in models if model.is_free or not is_free]
        shown = entries | proposed(chosen, usable)
    model_ids = [model.id for model in models]
    if request.method == "POST":
        form = entries_form(entries, {*model_ids, *entries.values()}, request.POST)
        if form.is_valid():
            replace_entries(account, form.entries)
            messages.success(request, _("The names are saved: all keys of the account go by them."))
            return redirect("model_map")
    else:
        form = entries_form(shown, model_ids)
    context = {
        "form": form,
        "presets": PRESETS,
        "chosen": chosen,
        "unused": without_effect(entries),
    }
    status = INVALID if request.method == "POST" else None
    return render(request, "cabinet/model_map.html", context, status=status)
