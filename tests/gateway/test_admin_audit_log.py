"""Every page of the operators' admin: what it changes is told in the audit log, once, or is not changed."""

import uuid
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts import suspension
from accounts.audit.acting import origin
from accounts.audit.audited_admin import AuditedAdmin
from accounts.audit.log import AuditEntry, kind_of
from accounts.models import Account, APIKey, IssuedToken, OAuthToken, User
from billing.payments import top_ups
from gateway.models import LanguageModel, ProviderCredential, Route
from infra.credits import NANO_PER_CREDIT
from tests.accounts.let_in import live_token
from tests.accounts.oauth_clients import new_app, person
from tests.accounts.operators import seat
from tests.accounts.page_forms import fields_of
from tests.accounts.people import account_of, new_key
from tests.billing.payers import CREDIT, open_account
from tests.gateway.admin_tables import SECRET, TABLES, WRITTEN_ELSEWHERE, a_credential, a_model

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:No directory at:UserWarning"),
]

ACTIONS = [
    (model, name)
    for model, model_admin in admin.site._registry.items()
    for name in model_admin.actions or ()
    if name != "adjust"  # it leads to a page of its own: see tests/billing/test_admin.py
]


@pytest.fixture
def operator() -> User:
    return User.objects.create_superuser("operator@example.ru")


@pytest.fixture
def operator_client(operator: User, client: Client) -> Client:
    return seat(client, operator)


def address(model: type[Model], page: str, *args: object) -> str:
    meta = model._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=args)


def shut_the_journal() -> None:
    """Have the database refuse new entries."""
    table = AuditEntry._meta.db_table
    body = (
        "FOR EACH STATEMENT EXECUTE FUNCTION accounts_refuse_change()"
        if connection.vendor == "postgresql"
        else "BEGIN SELECT RAISE(ABORT, 'shut'); END"
    )
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TRIGGER shut BEFORE INSERT ON {table} {body}")


def state() -> list[object]:
    """Return all that stands in the tables of the admin but for the audit log."""
    return [
        list(model._default_manager.order_by("pk").values())
        for model in TABLES
        if model is not AuditEntry
    ]


def forms_of(
    operator_client: Client, operator: User, model: type[Model]
) -> list[tuple[str, str, Any]]:
    """Return all that the admin allows to do to a table by forms: the act, its address, what is sent.

    A form is filled in as it is shown, but for what the table here says is typed.
    """
    table = TABLES[model]
    row = None if model in WRITTEN_ELSEWHERE else table.make()
    request = RequestFactory().get("/admin/")
    request.user = operator
    page = admin.site._registry[model]
    forms = []
    assert page.has_add_permission(request) == bool(table.add)
    if table.add:
        url = address(model, "add")
        typed = (
            {"model": LanguageModel.objects.get(public_id="a-model").pk} if model is Route else {}
        )
        forms.append(("add", url, fields_of(operator_client.get(url)) | table.add | typed))
    if row is not None:
        assert page.has_change_permission(request, row) == bool(table.change)
        if table.change:
            url = address(model, "change", row.pk)
            forms.append(("change", url, fields_of(operator_client.get(url)) | table.change))
        if page.has_delete_permission(request, row):
            forms.append(("delete", address(model, "delete", row.pk), {"post": "yes"}))
    return forms


def test_every_page_is_a_admin_and_is_tried_here() -> None:
    assert set(admin.site._registry) == set(TABLES)
    assert all(isinstance(page, AuditedAdmin) for page in admin.site._registry.values())


@pytest.mark.parametrize("model", TABLES, ids=kind_of)
def test_what_a_form_changes_is_told_once(operator_client: Client, operator: User, model) -> None:
    for act, url, form in forms_of(operator_client, operator, model):
        before = AuditEntry.objects.count()
        answer = operator_client.post(url, form)
        assert answer.status_code == 302, answer.content.decode()
        assert AuditEntry.objects.count() == before + 1
        entry = AuditEntry.objects.latest("id")
        assert (entry.action, entry.actor, entry.object_kind) == (act, operator, kind_of(model))
        assert entry.address == "127.0.0.1"
        assert SECRET not in str(entry.detail)


@pytest.mark.parametrize("model", TABLES, ids=kind_of)
def test_what_cannot_be_told_by_a_form_is_not_changed(
    operator_client: Client, operator: User, model
) -> None:
    forms = forms_of(operator_client, operator, model)
    before = state()
    shut_the_journal()
    operator_client.raise_request_exception = False
    for act, url, form in forms:
        assert operator_client.post(url, form).status_code == 500, act
        assert state() == before, act


def row_for(model: type[Model], action: str) -> Any:
    """Return a row that the action has something to do to."""
    row = TABLES[model].make()
    if isinstance(row, Account) and action == "resume":
        suspension.suspend(account=row, reason="Spam.")
    return row


@pytest.mark.parametrize(("model", "action"), ACTIONS, ids=str)
def test_an_action_is_told_once_a_row_with_its_reason(
    operator_client: Client, operator: User, model, action
) -> None:
    row = row_for(model, action)
    before = AuditEntry.objects.count()

    form = {
        "action": action,
        "_selected_action": [row.pk],
        "reason": "They asked.",
        "_confirmed": 1,
    }
    answer = operator_client.post(address(model, "changelist"), form)

    assert answer.status_code == 302
    assert AuditEntry.objects.count() == before + 1
    entry = AuditEntry.objects.latest("id")
    assert (entry.actor, entry.object_kind, entry.object_id) == (
        operator,
        kind_of(model),
        str(row.pk),
    )
    assert (entry.reason, entry.object_label) == ("They asked.", str(row))


@pytest.mark.parametrize(("model", "action"), ACTIONS, ids=str)
def test_what_cannot_be_told_of_an_action_is_not_done(
    operator_client: Client, model, action
) -> None:
    row = row_for(model, action)
    before = state()
    shut_the_journal()
    operator_client.raise_request_exception = False

    form = {"action": action, "_selected_action": [row.pk], "reason": "a reason", "_confirmed": 1}
    answer = operator_client.post(address(model, "changelist"), form)

    assert answer.status_code == 500
    assert state() == before


def test_what_is_edited_in_a_list_is_told_row_by_row(
    operator_client: Client, operator: User
) -> None:
    route = a_model().routes.get()
    url = address(Route, "changelist")

    form = fields_of(operator_client.get(url)) | {"form-0-weight": 9, "_save": "Save"}
    assert operator_client.post(url, form).status_code == 302

    route.refresh_from_db()
    entry = AuditEntry.objects.get()
    assert (route.weight, entry.action, entry.object_id) == (9, "change", str(route.pk))
    assert entry.detail["changes"][0]["values"] == {"weight": [1, 9]}


def test_numbers_are_told_before_and_after_and_texts_are_not(operator_client: Client) -> None:
    row = a_credential()
    url = address(ProviderCredential, "change", row.pk)
    operator_client.post(
        url, fields_of(operator_client.get(url)) | {"secret": SECRET + "-2", "concurrency": 3}
    )
    [change] = AuditEntry.objects.get().detail["changes"]
    assert change["values"] == {"concurrency": [None, 3]}
    assert len(change["changed"]["fields"]) == 2


def test_a_form_saved_as_it_was_is_no_act(operator_client: Client) -> None:
    url = address(Account, "change", account_of().pk)
    assert operator_client.post(url, fields_of(operator_client.get(url))).status_code == 302
    assert not AuditEntry.objects.exists()


def test_nothing_is_deleted_in_bulk(operator_client: Client) -> None:
    a_model()
    for model in TABLES:
        assert (
            "delete_selected"
            not in operator_client.get(address(model, "changelist")).content.decode()
        )


def test_the_audit_log_is_read_by_name_and_changed_by_nobody(operator_client: Client) -> None:
    key, _ = new_key()
    operator_client.post(
        address(APIKey, "changelist"),
        {
            "action": "revoke",
            "_selected_action": [key.pk],
            "reason": "<b>Leaked</b>",
            "_confirmed": 1,
        },
    )
    entry = AuditEntry.objects.get(action="revoke")

    found = operator_client.get(address(AuditEntry, "changelist"), {"q": "operator@example.ru"})
    assert "&lt;b&gt;Leaked&lt;/b&gt;" in found.content.decode()
    assert [each.pk for each in found.context["cl"].queryset] == [entry.pk]

    page = address(AuditEntry, "change", entry.pk)
    assert address(APIKey, "change", key.pk) in operator_client.get(page).content.decode()
    assert operator_client.post(page, {"reason": "none"}).status_code == 403
    assert (
        operator_client.post(address(AuditEntry, "delete", entry.pk), {"post": "yes"}).status_code
        == 403
    )
    assert operator_client.get(address(AuditEntry, "add")).status_code == 403


def test_lists_are_read_with_few_queries(
    operator_client: Client, django_assert_max_num_queries
) -> None:
    for number in range(15):
        key, _ = new_key(f"{number}@example.ru")
        live = live_token(key.user)
        OAuthToken.objects.filter(pk=live.pk).update(token=f"t{number}", token_checksum=number)
        IssuedToken.objects.filter(token=live).update(code_digest=f"{number:064}")
        open_account(CREDIT)
        Route.objects.create(
            model=LanguageModel.objects.filter(public_id="a-model").first() or a_model(),
            provider="yandexgpt",
            upstream_id=f"yandexgpt/{number}",
        )
    for model in TABLES:
        with django_assert_max_num_queries(16):
            assert operator_client.get(address(model, "changelist")).status_code == 200


def test_what_an_application_does_to_keys_is_told_as_its_persons_doing() -> None:
    token = new_app().token(person(), scope="keys")
    api = Client(headers={"authorization": f"Bearer {token}"}, REMOTE_ADDR="203.0.113.9")
    created = api.post("/v1/keys", {"name": "made"}, content_type="application/json")
    url = f"/v1/keys/{created.json()['data']['hash']}"
    api.patch(url, {"limit": 5}, content_type="application/json")
    api.delete(url)

    result = AuditEntry.objects.filter(object_kind="accounts.apikey").order_by("id")
    assert [entry.action for entry in result] == ["issue", "change", "revoke"]
    assert {(entry.actor, entry.address) for entry in result} == {(person(), "203.0.113.9")}
    assert origin().user_id is None


def test_a_test_payment_is_told_once(settings) -> None:
    settings.DEBUG, settings.YOOKASSA_SHOP_ID = True, ""
    account, key = account_of(), uuid.uuid4()
    for _ in range(2):
        top_ups.pay_in_test(account.pk, 5 * NANO_PER_CREDIT, key=key)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_kind) == ("test_payment", "billing.ledgerentry")
