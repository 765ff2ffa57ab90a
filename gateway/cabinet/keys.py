"""The keys of an account: made and shown once, renamed, bounded, switched off, revoked."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import api_keys
from accounts.errors import InvalidKeySetting, KeyRevoked
from accounts.form_limits import limit_form
from accounts.models import Account, APIKey, User
from accounts.sessions import account_of
from billing import key_budgets
from billing.key_budgets import KeyStanding
from gateway import catalog
from gateway.cabinet import form_tokens
from gateway.cabinet.first_request import first_request
from gateway.cabinet.key_forms import KeyForm, NewKeyForm

FORM = "new-key"
KEYS_ON_A_PAGE = 50
INVALID = 422


@dataclass(frozen=True, slots=True)
class KeyLine:
    """A key with what it has spent."""

    key: APIKey
    standing: KeyStanding


@never_cache
@login_required
@limit_form("keys", "30/h")
@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    """List the keys; a POST makes one and shows it in its answer, the only time.

    `never_cache` keeps that answer out of proxies and of the browser's history.
    """
    account = account_of(request)
    if request.method == "POST":
        return _create(request, account)
    form = NewKeyForm(model_ids=_model_ids())
    if not APIKey.objects.filter(account=account).exists():
        form.initial["name"] = _("My first key")
    return _list(request, account, form)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def key_page(request: HttpRequest, digest: str) -> HttpResponse:
    """Show one key; a POST changes its settings."""
    account = account_of(request)
    key = _own_key(account, digest)
    form = KeyForm(request.POST or None, model_ids=_model_ids(), key=key)
    if request.method == "POST" and form.is_valid():
        try:
            api_keys.edit(key=key, **form.settings())
        except InvalidKeySetting as error:
            form.refuse(error)
        except KeyRevoked:
            return _already_revoked(request, key)
        else:
            messages.success(request, _("The key is changed."))
            return HttpResponseRedirect(_address(key))
    context = {
        "key": APIKey.objects.get(pk=key.pk),
        "form": form,
        "standing": key_budgets.standings({key.pk: api_keys.principal_of(key).budget})[key.pk],
    }
    return render(
        request, "cabinet/key.html", context, status=INVALID if request.method == "POST" else None
    )


@never_cache
@login_required
@require_POST
def switch_key(request: HttpRequest, digest: str) -> HttpResponse:
    """Switch a key off, or on again, as the field `disabled` says: `yes` or `no`."""
    key = _own_key(account_of(request), digest)
    disabled = request.POST.get("disabled") == "yes"
    try:
        api_keys.edit(key=key, disabled=disabled)
    except KeyRevoked:
        return _already_revoked(request, key)
    said = (
        _("The key is switched off: it opens nothing.") if disabled else _("The key works again.")
    )
    messages.success(request, said)
    return HttpResponseRedirect(_address(key))


@never_cache
@login_required
@require_POST
def revoke_key(request: HttpRequest, digest: str) -> HttpResponse:
    """End a key for good."""
    key = _own_key(account_of(request), digest)
    api_keys.revoke(key=key)
    messages.success(request, _("The key “%(name)s” is revoked for good.") % {"name": key.name})
    return HttpResponseRedirect(reverse("keys"))


def new_key_token(request: HttpRequest) -> str:
    """Return the token of a form that makes a key, for the one who reads the page."""
    return form_tokens.new_token(FORM, cast("User", request.user).pk)


def _create(request: HttpRequest, account: Account) -> HttpResponse:
    form = NewKeyForm(request.POST, model_ids=_model_ids())
    user = cast("User", request.user)
    if not form.is_valid():
        return _list(request, account, form)
    token = form_tokens.use(request.POST.get("form_token", ""), FORM, user.pk)
    if token == "used":  # noqa: S105 -- a state of a form, no secret
        messages.warning(
            request,
            _(
                "This form was sent before, and its key exists. A key is shown once: if you did"
                " not copy it, revoke it and create another."
            ),
        )
        return HttpResponseRedirect(reverse("keys"))
    if token == "expired":  # noqa: S105
        form.add_error(None, _("This page had been open for too long. Press the button again."))
        return _list(request, account, form)
    try:
        key, raw = api_keys.issue(
            account=account, user=user, is_test=form.cleaned_data["is_test"], **form.settings()
        )
    except InvalidKeySetting as error:
        form.refuse(error)
        return _list(request, account, form)
    context = {"key": key, "raw": raw, "example": first_request(key, raw)}
    return render(request, "cabinet/key_created.html", context)


def _list(request: HttpRequest, account: Account, form: NewKeyForm) -> HttpResponse:
    revoked = request.GET.get("list") == "revoked"
    mine = APIKey.objects.filter(account=account)
    wanted = mine.filter(revoked_at__isnull=not revoked).order_by("-pk")
    page = Paginator(wanted, KEYS_ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "lines": _lines(page.object_list),
        "page": page,
        "revoked": revoked,
        "has_revoked": revoked or mine.filter(revoked_at__isnull=False).exists(),
        "form": form,
        "form_token": new_key_token(request),
        "opened": form.is_bound,
    }
    return render(request, "cabinet/keys.html", context, status=INVALID if form.is_bound else None)


def _lines(found: Iterable[APIKey]) -> list[KeyLine]:
    listed = list(found)
    standings = key_budgets.standings({key.pk: api_keys.principal_of(key).budget for key in listed})
    return [KeyLine(key, standings[key.pk]) for key in listed]


def _own_key(account: Account, digest: str) -> APIKey:
    key = APIKey.objects.filter(account=account, digest=digest).first()
    if key is None:
        raise Http404
    return key


def _already_revoked(request: HttpRequest, key: APIKey) -> HttpResponse:
    messages.error(request, _("This key is revoked and cannot be changed."))
    return HttpResponseRedirect(_address(key))


def _address(key: APIKey) -> str:
    return reverse("key", args=[key.digest])


def _model_ids() -> list[str]:
    return [model.id for model in catalog.current().models()]
