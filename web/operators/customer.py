"""/admin/customers/: all that an operator needs of one customer on one page, and what may be done."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import suspension, users
from accounts.audit import log
from accounts.audit.act_form import ActForm
from accounts.audit.audited_admin import CSV_PARAMETER
from accounts.audit.csv_list import MOST_ROWS
from accounts.audit.log import Action
from accounts.keys import issuing, lookup
from accounts.security import events
from accounts.security.words import explanation
from accounts.users import Account
from billing.ledger import balances, entries
from billing.limits.tiers import tier_of
from billing.payments import refunds, top_ups
from billing.usage import all_requests
from billing.usage.generations import Wanted
from infra.moscow_time import moscow_day
from infra.spreadsheet import csv_file
from web.cabinet.generation_words import lines
from web.operators.search import MOST_FOUND, accounts_of

SHOWN, KEYS_SHOWN = 10, 50
EVERYTHING = Wanted()


def find(request: HttpRequest) -> HttpResponseBase:
    """Lead to the customer that `q` means, or list those that it may mean, as a file too.

    Without a word it lists the newest.
    """
    _demand(request, "accounts.view_account")
    word = request.GET.get("q", "").strip()
    if request.GET.get(CSV_PARAMETER):
        name = f"customers-{moscow_day(timezone.now())}.csv"
        return csv_file(name, _table(accounts_of(word, most=MOST_ROWS)))
    found = list(accounts_of(word))
    if word and len(found) == 1:
        return redirect("customer", found[0].pk)
    context = {
        **admin.site.each_context(request),
        "title": gettext("Customers"),
        "word": word,
        "accounts": [(account, _state(account)) for account in found],
        "is_cut": len(found) == MOST_FOUND,
        "csv_query": f"?{urlencode({'q': word, CSV_PARAMETER: 1})}",
    }
    return TemplateResponse(request, "admin/customers.html", context)


def customer(request: HttpRequest, account_id: int) -> HttpResponse:
    """Show a customer."""
    _demand(request, "accounts.view_account")
    account = _account(account_id)
    return TemplateResponse(request, "admin/customer.html", _context(request, account))


def act(request: HttpRequest, account_id: int, name: str) -> HttpResponse:
    """Say what an act does and ask for its reason; a POST does it, and leads back to the customer."""
    _demand(request, "accounts.change_account")
    account, known = _account(account_id), _ACTS.get(name)
    if known is None:
        raise Http404
    form = ActForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        reason: str = form.cleaned_data["reason"]
        with transaction.atomic():
            with log.as_one():
                is_done = known.do(account, reason)
            if is_done:
                log.write(known.action, [account], reason=reason)
        if is_done:
            messages.success(request, str(known.done))
        else:
            messages.warning(request, str(known.needless))
        return redirect("customer", account.pk)
    context = {
        **admin.site.each_context(request),
        "title": known.title,
        "subtitle": str(account),
        "account": account,
        "consequence": known.consequence,
        "form": form,
    }
    status = 422 if form.errors else 200
    return TemplateResponse(request, "admin/customer_act.html", context, status=status)


def _suspend(account: Account, reason: str) -> bool:
    return suspension.suspend(account=account, reason=reason)


def _resume(account: Account, reason: str) -> bool:
    return suspension.resume(account=account)


def _note(account: Account, reason: str) -> bool:
    """Write nothing but the audit log's entry."""
    return True


def _revoke_keys(account: Account, reason: str) -> bool:
    live = lookup.live(account.pk, most=issuing.KEYS_MAX)
    for key in live:
        issuing.revoke(key=key)
    return bool(live)


@dataclass(frozen=True, slots=True)
class CustomerAct:
    """What may be done to a customer from their page.

    `do` says whether there was anything to do; `needless` is told where there was not, as when another
    operator was first.
    """

    action: Action
    title: str | Promise
    consequence: str | Promise
    done: str | Promise
    needless: str | Promise
    do: Callable[[Account, str], bool]


_ACTS = {
    "suspend": CustomerAct(
        Action.SUSPEND,
        _("Suspend the account"),
        _(
            "Its keys are refused at once and running answers are cut; its owner is mailed the reason."
        ),
        _("Suspended."),
        _("The account was suspended before: that reason stands, and yours is not kept."),
        _suspend,
    ),
    "resume": CustomerAct(
        Action.RESUME,
        _("Let the account go on"),
        _("Its keys work again at once. Access of applications stays ended."),
        _("Resumed."),
        _("The account is not suspended: nothing was done."),
        _resume,
    ),
    "revoke-keys": CustomerAct(
        Action.REVOKE,
        _("Revoke all keys"),
        _("Every key of the account is refused for good; its owner makes new ones."),
        _("Revoked."),
        _("The account has no live key: nothing was done."),
        _revoke_keys,
    ),
    "note": CustomerAct(
        Action.NOTE,
        _("Write a note"),
        _("Operators read it here; the customer does not. It stays in the audit log."),
        _("Noted."),
        "",
        _note,
    ),
}


def _context(request: HttpRequest, account: Account) -> dict[str, Any]:
    balance = balances.exact(account.pk)
    payments = top_ups.latest(account.pk, SHOWN)
    return {
        **admin.site.each_context(request),
        "title": gettext("Customer"),
        "subtitle": account.owner.email,
        "account": account,
        "balance": balance,
        "tier": tier_of(balance.posted_nano),
        "keys": lookup.newest(account.pk, most=KEYS_SHOWN),
        "lines": lines(account.pk, all_requests.latest(account.pk, EVERYTHING, most=SHOWN)),
        "entries": entries.latest(account.pk, SHOWN),
        "payments": [(payment, refunds.left_nano(payment)) for payment in payments],
        "events": [(event, explanation(event)) for event in events.latest(account.pk, SHOWN)],
        "acts": log.latest(account, SHOWN),
        "opts": account._meta,
    }


def _account(account_id: int) -> Account:
    account = users.find_account(account_id)
    if account is None:
        raise Http404
    return account


def _state(account: Account) -> str:
    if not account.owner.is_active:
        return gettext("closed")
    return gettext("suspended") if account.suspended_at else gettext("works")


def _table(accounts: Iterable[Account]) -> Iterator[Sequence[object]]:
    yield (
        *(gettext("Account"), gettext("E-mail"), gettext("Name"), gettext("State")),
        *(gettext("Reason of the suspension"), gettext("Created")),
    )
    for account in accounts:
        yield (
            *(account.pk, account.owner.email, account.name, _state(account)),
            *(account.suspension_reason, moscow_day(account.created_at)),
        )


def _demand(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied
