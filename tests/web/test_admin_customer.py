"""An operator finds a customer by any word of theirs, sees all on one page, and acts with a reason."""

import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import suspension, users
from accounts.audit.log import AuditEntry
from accounts.keys import issuing, lookup
from accounts.models import Account, User
from accounts.security import events
from accounts.security.models import Signal
from accounts.users import register
from billing.usage.generations import public_id
from tests.accounts.operators import seat
from tests.billing.payers import CREDIT, ask, end, hold_one, open_account, payer, settle_one
from web.operators.search import MOST_FOUND

pytestmark = pytest.mark.django_db
MOST_QUERIES = 20


@pytest.fixture
def operator_client() -> Client:
    operator = User.objects.create_superuser("operator@example.ru", "a long password of theirs")
    return seat(Client(headers={"accept-language": "en"}), operator)


@pytest.fixture
def account() -> Account:
    return open_account(5 * CREDIT)


def page_of(account: Account, act: str = "") -> str:
    return f"/admin/customers/{account.pk}/{act}"


def test_each_word_leads_to_the_customer(operator_client: Client, account: Account):
    _key, raw = issuing.issue(account=account, user=account.owner, name="site")
    hold = hold_one(ask(payer(account), CREDIT))
    settle_one(end(hold, CREDIT))
    for word in (
        account.owner.email.upper(),
        f" {account.pk} ",
        raw,
        raw[:12],
        public_id(hold.generation_id),
    ):
        found = operator_client.get("/admin/customers/", {"q": word})
        assert found.headers.get("Location") == page_of(account), word


def test_the_beginning_of_an_address_leads_to_its_owner_or_lists_the_few(operator_client):
    first, second = register(email="svetlana@example.ru"), register(email="Svetlov@example.ru")
    one = operator_client.get("/admin/customers/", {"q": "svetla"})
    assert one.headers["Location"] == page_of(first)
    both = operator_client.get("/admin/customers/", {"q": "SVETL"}).content.decode()
    assert page_of(first) in both
    assert page_of(second) in both
    nobody = operator_client.get("/admin/customers/", {"q": "nobody"})
    assert "Nobody was found." in nobody.content.decode()


def test_a_list_of_customers_says_who_is_suspended_and_that_there_may_be_more(operator_client):
    for number in range(MOST_FOUND):
        last = register(email=f"svetlana{number}@example.ru")
    suspension.suspend(account=last, reason="Spam")
    page = operator_client.get("/admin/customers/", {"q": "svetlana"}).content.decode()
    assert page.count("<td>suspended</td>") == 1
    assert "There may be more" in page
    few = operator_client.get("/admin/customers/", {"q": "svetlana1"}).content.decode()
    assert "There may be more" not in few


def test_customers_are_listed_newest_first_and_sent_as_a_file(operator_client):
    for number in range(MOST_FOUND + 1):
        last = register(email=f"svetlana{number:02}@example.ru")
    suspension.suspend(account=last, reason="Spam; a lot")
    shut = users.account(last.pk - 1)
    suspension.set_active(user=shut.owner, is_active=False)
    page = operator_client.get("/admin/customers/").content.decode()
    assert page.index("svetlana20@") < page.index("svetlana19@") < page.index("svetlana01@")
    assert "svetlana00@" not in page
    assert 'href="?q=&amp;_csv=1"' in page
    assert "<td>closed</td>" in page
    assert "Closed: its owner cannot log in" in operator_client.get(page_of(shut)).content.decode()

    sent = operator_client.get("/admin/customers/", {"_csv": "1"})
    assert sent.headers["Content-Disposition"].endswith('.csv"')
    text = sent.getvalue().decode()
    assert text.startswith("\ufeff")
    table = list(csv.reader(io.StringIO(text[1:]), delimiter=";"))
    assert len(table) == 1 + Account.objects.count()
    assert table[1][:5] == [str(last.pk), last.owner.email, last.name, "suspended", "Spam; a lot"]
    some = operator_client.get("/admin/customers/", {"q": "svetlana1", "_csv": "1"})
    assert len(some.getvalue().decode().splitlines()) == 11
    one = operator_client.get("/admin/customers/", {"q": str(last.pk), "_csv": "1"})
    assert len(one.getvalue().decode().splitlines()) == 2


@pytest.mark.parametrize(
    "word",
    [
        "",
        " ",
        "nobody@example.ru",
        "9" * 30,
        "9" * 5000,
        "xr-live-",
        "gen-0",
        "' OR 1=1",
        "٣",
        "x" * 999,
    ],
)
def test_a_word_of_nobody_finds_nobody(operator_client: Client, account: Account, word: str):
    assert operator_client.get("/admin/customers/", {"q": word}).status_code == 200


def test_the_page_shows_all_in_few_queries(operator_client: Client, account: Account):
    for number in range(3):
        issuing.issue(account=account, user=account.owner, name=f"key {number}")
        settle_one(end(hold_one(ask(payer(account), CREDIT)), CREDIT))
    with CaptureQueriesContext(connection) as queries:
        page = operator_client.get(page_of(account)).content.decode()
    assert len(queries) <= MOST_QUERIES
    for said in (account.owner.email, "key 2", "2.00", "gen-"):
        assert said in page


def test_the_page_tells_what_was_noticed_and_who_confirmed_it_in_as_many_queries_as_ever(
    operator_client: Client, account: Account
):
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert operator_client.get(page_of(account)).status_code == 200
        return len(queries)

    other = open_account()
    refused = {"refused": 77, "requests": 99}
    events.raise_event(Signal.MODERATION_REFUSALS, account_id=other.pk, evidence=refused)
    first, _raw = issuing.issue(account=account, user=account.owner, name="first")
    networks = {"networks": [f"198.51.{number}.0/24" for number in range(6)]}
    events.raise_event(Signal.MANY_NETWORKS, key_id=first.pk, evidence=networks)
    before = asked()
    for _number in range(5):
        key, _raw = issuing.issue(account=account, user=account.owner, name="more")
        events.raise_event(Signal.MANY_NETWORKS, key_id=key.pk, evidence=networks)
    events.close(events.latest(account.pk, 1)[0], by=account.owner)
    assert asked() == before <= MOST_QUERIES
    page = operator_client.get(page_of(account)).content.decode()
    assert f"The key {first} was used from 6 networks" in page
    assert page.count("was used from 6 networks") == 6
    assert f"confirmed by {account.owner}" in page
    assert "Moderation refused" not in page


def test_an_act_needs_a_reason_which_is_kept(operator_client: Client, account: Account):
    assert operator_client.post(page_of(account, "suspend/"), {"reason": " "}).status_code == 422
    account.refresh_from_db()
    assert account.suspended_at is None

    operator_client.post(page_of(account, "suspend/"), {"reason": "Sells keys."})
    account.refresh_from_db()
    assert account.suspension_reason == "Sells keys."
    assert "Sells keys." in operator_client.get(page_of(account)).content.decode()
    operator_client.post(page_of(account, "resume/"), {"reason": "It was a mistake."})
    operator_client.post(page_of(account, "note/"), {"reason": "Called, all is well."})
    reasons = AuditEntry.objects.filter(object_id=str(account.pk)).values_list("action", "reason")
    assert {("suspend", "Sells keys."), ("resume", "It was a mistake.")} <= set(reasons)
    assert ("note", "Called, all is well.") in set(reasons)


def test_who_comes_second_is_told_that_nothing_was_done_and_their_reason_is_not_kept(
    operator_client: Client, account: Account
):
    kept = AuditEntry.objects.filter(object_id=str(account.pk)).values_list("action", "reason")
    for act, told in (
        ("resume/", "The account is not suspended: nothing was done."),
        ("revoke-keys/", "The account has no live key: nothing was done."),
    ):
        page = operator_client.post(page_of(account, act), {"reason": "A slip."}, follow=True)
        assert told in page.content.decode()
    assert not kept.exists()

    for reason in ("Sells keys.", "Spam."):
        page = operator_client.post(page_of(account, "suspend/"), {"reason": reason}, follow=True)
    assert "The account was suspended before: that reason stands" in page.content.decode()
    assert "Suspended." not in page.content.decode()
    assert list(kept) == [("suspend", "Sells keys.")]


def test_all_keys_are_revoked_at_once(operator_client: Client, account: Account):
    for number in range(3):
        issuing.issue(account=account, user=account.owner, name=f"key {number}")
    operator_client.post(page_of(account, "revoke-keys/"), {"reason": "They leaked."})
    assert not lookup.live(account.pk, most=10)


def test_who_may_only_look_does_nothing(account: Account):
    reader = User.objects.create_user("reader@example.ru", "a long password of theirs")
    reader.is_staff = True
    reader.save()
    reader.user_permissions.add(Permission.objects.get(codename="view_account"))
    client = seat(Client(), reader)
    assert client.get(page_of(account)).status_code == 200
    assert client.post(page_of(account, "suspend/"), {"reason": "x"}).status_code == 403
    assert not mail.outbox


def visit(path: str) -> Any:
    return Client().get(path)


@pytest.mark.parametrize("path", ["/admin/customers/", "/admin/customers/1/"])
def test_a_stranger_is_led_to_the_log_in(path: str):
    assert visit(path).status_code == 302
