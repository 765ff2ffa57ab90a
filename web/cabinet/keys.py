"""/cabinet/keys/: create (shown once), edit, switch off, replace and revoke an account's keys."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.contrib import messages
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    QueryDict,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.errors import (
    AccountSuspended,
    InvalidKeySetting,
    KeyEnded,
    KeyRevoked,
    TooManyKeys,
)
from accounts.keys import issuing, lookup
from accounts.keys.key_principal import budget_of
from accounts.keys.lookup import APIKey
from accounts.signin.form_limits import limit_form
from accounts.signin.sessions import account_of, user_of
from accounts.users import Account
from billing.ledger import key_budgets
from billing.ledger.key_budgets import KeyStanding
from gateway.catalog import snapshot
from infra.credits import credits_of
from web.cabinet import form_tokens
from web.cabinet.first_request import first_request
from web.cabinet.key_forms import KeyForm, NewKeyForm, RotationForm
from web.cabinet.list_file import is_file_wanted, list_file, text_of
from web.cabinet.login_required import login_required

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
def keys(request: HttpRequest) -> HttpResponseBase:
    """List the keys, or send all as CSV; a POST creates one and shows it once.

    `never_cache` keeps that response out of proxies and the browser's history.
    """
    if request.method == "POST":
        return _create(request)
    account = account_of(request)
    if is_file_wanted(request):
        return _file(account, is_revoked=request.GET.get("list") == "revoked")
    form = NewKeyForm(model_ids=_model_ids())
    if not lookup.has_any(account.pk):
        form.initial["name"] = _("My first key")
    return _list(request, account, form)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def key_page(request: HttpRequest, digest: str) -> HttpResponse:
    """Show one key; a POST changes its settings."""
    key = _own_key(request, digest)
    form = _form_of(key, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            issuing.edit(key=key, **form.settings())
        except InvalidKeySetting as error:
            form.refuse(error)
        except KeyRevoked:
            return _already_revoked(request, key)
        else:
            messages.success(request, _("The key is changed."))
            return HttpResponseRedirect(_address(key))
    return _page(request, key, form)


@never_cache
@login_required
@require_POST
def switch_key(request: HttpRequest, digest: str) -> HttpResponse:
    """Switch a key off or on: the field `disabled` is `yes` or `no`."""
    key = _own_key(request, digest)
    disabled = request.POST.get("disabled") == "yes"
    try:
        issuing.edit(key=key, disabled=disabled)
    except KeyRevoked:
        return _already_revoked(request, key)
    text = (
        _("The key is switched off: it opens nothing.") if disabled else _("The key works again.")
    )
    messages.success(request, text)
    return HttpResponseRedirect(_address(key))


@never_cache
@login_required
@require_POST
def revoke_key(request: HttpRequest, digest: str) -> HttpResponse:
    """Revoke a key for good."""
    key = _own_key(request, digest)
    issuing.revoke(key=key)
    messages.success(request, _("The key “%(name)s” is revoked for good.") % {"name": key.name})
    return HttpResponseRedirect(reverse("keys"))


@never_cache
@login_required
@limit_form("keys", "30/h")
@require_POST
def rotate_key(request: HttpRequest, digest: str) -> HttpResponse:
    """Replace a key, and show its successor once."""
    key = _own_key(request, digest)
    form = RotationForm(request.POST)
    if not form.is_valid():
        return _page(request, key, _form_of(key), rotation=form)
    try:
        successor, raw = issuing.rotate(key=key, overlap_s=form.cleaned_data["overlap_s"])
    except (KeyEnded, TooManyKeys, AccountSuspended) as error:
        messages.error(request, refusal(error))
        return HttpResponseRedirect(_address(key))
    context = {
        "key": successor,
        "raw": raw,
        "replaced": key,
        "example": first_request(successor, raw),
    }
    return render(request, "cabinet/key_created.html", context)


def new_key_token(request: HttpRequest) -> str:
    """Return a token of the new-key form for the person who is logged in."""
    return form_tokens.new_token(FORM, user_of(request).pk)


def _create(request: HttpRequest) -> HttpResponse:
    form = NewKeyForm(request.POST, model_ids=_model_ids())
    account, user = account_of(request), user_of(request)
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
        key, raw = issuing.issue(
            account=account, user=user, is_test=form.cleaned_data["is_test"], **form.settings()
        )
    except InvalidKeySetting as error:
        form.refuse(error)
        return _list(request, account, form)
    except (TooManyKeys, AccountSuspended) as error:
        form.add_error(None, refusal(error))
        return _list(request, account, form)
    context = {"key": key, "raw": raw, "example": first_request(key, raw)}
    return render(request, "cabinet/key_created.html", context)


def _page(
    request: HttpRequest, key: APIKey, form: KeyForm, *, rotation: RotationForm | None = None
) -> HttpResponse:
    context = {
        "key": lookup.find(key.account_id, key.digest),
        "form": form,
        "rotation": rotation or RotationForm(),
        "now": timezone.now(),
        "standing": key_budgets.standings({key.pk: budget_of(key)})[key.pk],
        "is_suspended": account_of(request).suspended_at is not None,
    }
    return render(
        request, "cabinet/key.html", context, status=INVALID if request.method == "POST" else None
    )


def _form_of(key: APIKey, data: QueryDict | None = None) -> KeyForm:
    return KeyForm(data, model_ids=_model_ids(), key=key)


def refusal(error: Exception) -> str:
    """Say why no key was made."""
    match error:
        case TooManyKeys():
            return _("An account has %(most)s keys at most. Revoke some.") % {"most": error.most}
        case AccountSuspended():
            return _("A suspended account makes no keys.")
    return _("This key has ended or was replaced already. Create a new one instead.")


def _list(request: HttpRequest, account: Account, form: NewKeyForm) -> HttpResponse:
    revoked = request.GET.get("list") == "revoked"
    page = lookup.page(
        account.pk,
        is_revoked=revoked,
        number=request.GET.get("page"),
        keys_on_a_page=KEYS_ON_A_PAGE,
    )
    context = {
        "lines": _lines(page.object_list),
        "now": timezone.now(),
        "page": page,
        "revoked": revoked,
        "has_revoked": revoked or lookup.has_any(account.pk, is_revoked=True),
        "form": form,
        "form_token": new_key_token(request),
        "opened": form.is_bound,
        "is_suspended": account.suspended_at is not None,
    }
    return render(request, "cabinet/keys.html", context, status=INVALID if form.is_bound else None)


def _file(account: Account, *, is_revoked: bool) -> StreamingHttpResponse:
    state = {"now": timezone.now(), "is_suspended": account.suspended_at is not None}
    columns: dict[str, Callable[[KeyLine], object]] = {
        _("Name"): lambda line: line.key.name,
        _("Key"): lambda line: line.key,
        _("State"): lambda line: text_of("cabinet/_key_state.html", key=line.key, **state),
        _("Application"): lambda line: line.key.made_by,
        _("Created"): lambda line: line.key.created_at,
        _("Last used"): lambda line: line.key.last_used_at,
        _("Network"): lambda line: line.key.last_used_network,
        _("Spent today"): lambda line: credits_of(line.standing.today_nano),
        _("Limits"): lambda line: text_of(
            "cabinet/_key_limits.html", key=line.key, standing=line.standing
        ),
    }
    lines = _lines(lookup.listed(account.pk, is_revoked=is_revoked))
    return list_file("keys", columns, lines)


def _lines(found: Iterable[APIKey]) -> list[KeyLine]:
    listed = list(found)
    standings = key_budgets.standings({key.pk: budget_of(key) for key in listed})
    return [KeyLine(key, standings[key.pk]) for key in listed]


def _own_key(request: HttpRequest, digest: str) -> APIKey:
    key = lookup.find(account_of(request).pk, digest)
    if key is None:
        raise Http404
    return key


def _already_revoked(request: HttpRequest, key: APIKey) -> HttpResponse:
    messages.error(request, _("This key is revoked and cannot be changed."))
    return HttpResponseRedirect(_address(key))


def _address(key: APIKey) -> str:
    return reverse("key", args=[key.digest])


def _model_ids() -> list[str]:
    return [model.id for model in snapshot.current().models()]
