"""The operators' admin: what it shows, what it changes, and what it never lets out."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from accounts import users
from accounts.errors import AccountSuspended, InvalidCredential
from accounts.keys.bearer import authenticate
from accounts.models import Account, APIKey, AuditEntry, User
from tests.accounts.operators import seat
from tests.accounts.people import NATASHA, new_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client):
    return seat(client, User.objects.create_superuser("root@example.ru"))


def act(client, model, action, row, reason="They asked."):
    answer = client.post(
        reverse(f"admin:accounts_{model}_changelist"),
        {"action": action, "_selected_action": [row.pk], "reason": reason, "_confirmed": "1"},
    )
    assert answer.status_code == 302


@pytest.mark.parametrize("model", ["user", "account", "apikey"])
def test_lists_are_found_by_email_and_read_with_few_queries(
    operator, model, django_assert_max_num_queries
):
    for number in range(20):
        new_key(f"{number}@example.ru")
    url = reverse(f"admin:accounts_{model}_changelist")
    with django_assert_max_num_queries(12):
        page = operator.get(url, {"q": "@example.ru"}).content.decode()
    assert "19@example.ru" in page
    assert "19@example.ru" not in operator.get(url, {"q": "7@example.ru"}).content.decode()


def test_a_key_is_shown_by_its_ends_alone(operator):
    key, raw = new_key()
    for url in (
        reverse("admin:accounts_apikey_changelist"),
        reverse("admin:accounts_apikey_change", args=[key.pk]),
    ):
        page = operator.get(url).content.decode()
        assert str(key) in page
        assert raw not in page
        assert key.digest not in page


def test_a_key_s_bounds_are_words_and_roubles(operator):
    key, _ = new_key()
    key.limit_nano, key.allowed_models = 100_500_000_000, ["gigachat-pro", "yandexgpt"]
    key.save()
    page = operator.get(reverse("admin:accounts_apikey_change", args=[key.pk])).content.decode()
    assert "100,50\N{NO-BREAK SPACE}₽" in page
    assert "gigachat-pro, yandexgpt" in page
    assert "[" not in page.partition("<main")[2].partition("<script")[0]


def test_a_key_is_neither_made_nor_edited_nor_deleted_here(operator):
    key, _ = new_key()
    assert operator.get(reverse("admin:accounts_apikey_add")).status_code == 403
    change = reverse("admin:accounts_apikey_change", args=[key.pk])
    assert operator.post(change, {"name": "mine"}).status_code == 403
    delete = reverse("admin:accounts_apikey_delete", args=[key.pk])
    assert operator.post(delete, {"post": "yes"}).status_code == 403
    key.refresh_from_db()
    assert key.name == "shell"


def test_an_operator_revokes_a_key_and_the_history_says_so(operator):
    key, raw = new_key()
    authenticate(f"Bearer {raw}")
    act(operator, "apikey", "revoke", key)
    with pytest.raises(InvalidCredential):
        authenticate(f"Bearer {raw}")
    assert LogEntry.objects.get().object_id == str(key.pk)


def test_an_operator_suspends_an_account_for_a_reason_that_its_owner_is_told(
    operator, mailoutbox, django_capture_on_commit_callbacks
):
    key, raw = new_key()
    authenticate(f"Bearer {raw}")
    with django_capture_on_commit_callbacks(execute=True):
        act(operator, "account", "suspend", key.account, reason="Жалобы на спам")
    with pytest.raises(AccountSuspended):
        authenticate(f"Bearer {raw}")
    [mail] = mailoutbox
    assert mail.to == [NATASHA]
    assert "Жалобы на спам" in mail.body
    assert AuditEntry.objects.latest("pk").reason == "Жалобы на спам"
    act(operator, "account", "resume", key.account)
    assert authenticate(f"Bearer {raw}")


def test_of_accounts_suspended_before_nothing_is_recorded(operator):
    account = new_key()[0].account
    for _twice in range(2):
        act(operator, "account", "suspend", account)
    assert AuditEntry.objects.filter(action="suspend").count() == 1
    page = operator.get(reverse("admin:accounts_account_changelist")).content.decode()
    assert "Делать было нечего." in page


def test_an_operator_shuts_a_person_out_and_lets_them_in(operator):
    key, raw = new_key()
    act(operator, "user", "shut_out", key.user)
    with pytest.raises(AccountSuspended):
        authenticate(f"Bearer {raw}")
    act(operator, "user", "let_in", key.user)
    assert authenticate(f"Bearer {raw}")


@pytest.mark.parametrize(
    ("model", "action", "said"),
    [
        ("account", "suspend", "владельцу уходит письмо"),
        ("apikey", "revoke", "навсегда"),
        ("user", "shut_out", "ключ"),
        ("user", "take_second_factor", "парол"),
    ],
)
def test_a_grave_act_says_what_it_does_and_asks_for_its_reason(operator, model, action, said):
    key, raw = new_key()
    row = {"account": key.account, "apikey": key, "user": key.user}[model]
    address = reverse(f"admin:accounts_{model}_changelist")
    form = {"action": action, "_selected_action": [row.pk]}

    asked = operator.post(address, form | {"reason": "Спам"})
    assert asked.status_code == 200
    page = asked.content.decode()
    assert said in page
    assert str(row) in page
    assert "Спам" in page
    refused = operator.post(address, form | {"reason": " ", "_confirmed": "1"})
    assert refused.status_code == 422

    assert authenticate(f"Bearer {raw}")
    assert not AuditEntry.objects.filter(object_id=str(row.pk), action=action).exists()


def test_all_rows_of_a_list_are_named_or_counted(operator):
    for number in range(25):
        new_key(f"{number}@example.ru")
    address = reverse("admin:accounts_apikey_changelist")
    chosen = list(APIKey.objects.values_list("pk", flat=True)[:1])
    form = {"action": "revoke", "_selected_action": chosen, "select_across": "1"}
    page = operator.post(address, form).content.decode()
    assert "и ещё 5" in page
    operator.post(address, form | {"_confirmed": "1", "reason": "Утечка"})
    assert not APIKey.objects.filter(revoked_at=None).exists()


def test_the_history_of_an_object_is_its_part_of_the_audit_log(operator):
    key, _ = new_key()
    other, _ = new_key("pierre@example.ru")
    act(operator, "apikey", "revoke", key)
    act(operator, "apikey", "revoke", other)
    address = reverse("admin:accounts_apikey_history", args=[key.pk])
    found = operator.get(address, follow=True)
    assert {entry.object_id for entry in found.context["cl"].queryset} == {str(key.pk)}


def test_an_account_may_be_renamed_and_nothing_else(operator):
    account = users.register(email=NATASHA)
    page = reverse("admin:accounts_account_change", args=[account.pk])
    assert operator.get(page).status_code == 200
    operator.post(page, {"name": "Rostovs", "suspension_reason": "mine", "owner": 1})
    account.refresh_from_db()
    assert (account.name, account.suspension_reason) == ("Rostovs", "")
    assert account.owner.email == NATASHA


def test_a_new_person_gets_an_account(operator):
    page = reverse("admin:accounts_user_add")
    assert operator.get(page).status_code == 200
    answer = operator.post(page, {"email": "Natasha@EXAMPLE.ru", "is_superuser": "on"})
    assert answer.status_code == 302
    user = users.find(email=NATASHA)
    assert user is not None
    assert user.email == "Natasha@example.ru"
    assert not user.is_superuser
    assert Account.objects.get(owner=user)


@pytest.mark.parametrize("email", ["NATASHA@example.ru", "natasha"])
def test_a_taken_or_wrong_email_is_refused(operator, email):
    users.register(email=NATASHA)
    answer = operator.post(reverse("admin:accounts_user_add"), {"email": email})
    assert answer.status_code == 200
    assert User.objects.count() == 2


def test_rights_are_ticked_by_the_tables_of_the_admin_in_the_reader_s_words(operator):
    page = operator.get(reverse("admin:auth_group_add")).content.decode()
    assert "Токены доступа" in page
    assert "Can " not in page
    wanted = Permission.objects.get(codename="view_apikey")
    form = {"name": "Поддержка", "permissions": [wanted.pk]}
    assert operator.post(reverse("admin:auth_group_add"), form).status_code == 302
    assert list(Group.objects.get().permissions.all()) == [wanted]


def test_rights_are_given_by_operators_alone(operator, client):
    helper = User.objects.create_user("helper@example.ru")
    page = reverse("admin:accounts_user_change", args=[helper.pk])
    operator.post(page, {"is_staff": "on"})
    helper.refresh_from_db()
    assert helper.is_staff

    helper.user_permissions.add(Permission.objects.get(codename="change_user"))
    seat(client, helper)
    assert client.get(page).status_code == 200
    client.post(page, {"is_staff": "on", "is_superuser": "on"})
    helper.refresh_from_db()
    assert not helper.is_superuser


def test_a_helper_without_the_right_to_change_keys_cannot_revoke(client):
    key, _ = new_key()
    helper = User.objects.create_user("helper@example.ru")
    User.objects.filter(pk=helper.pk).update(is_staff=True)
    helper.user_permissions.add(Permission.objects.get(codename="view_apikey"))
    seat(client, helper)
    url = reverse("admin:accounts_apikey_changelist")
    assert client.get(url).status_code == 200
    client.post(url, {"action": "revoke", "_selected_action": [key.pk]})
    assert APIKey.objects.get(pk=key.pk).revoked_at is None
