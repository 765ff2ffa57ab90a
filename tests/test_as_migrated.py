"""What a test that commits leaves is gone after it, and what it took away is there again."""

from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection
from django.test import TransactionTestCase

from billing.models import LedgerEntry, Price
from gateway.models import LanguageModel, ModerationRule
from infra.background import _all as all_background
from tests.billing.payers import CREDIT, open_account

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db(transaction=True)]


def rows() -> dict[str, list[Any]]:
    """Return all that is stored, by table."""
    return {
        model._meta.db_table: list(model._default_manager.order_by("pk").values())
        for model in apps.get_models()
    }


def end_test() -> None:
    TransactionTestCase()._fixture_teardown()  # type: ignore[attr-defined]  # the stubs lack it


def test_rows_are_as_they_were_and_ids_go_on() -> None:
    for background in list(all_background):  # what an earlier test was refused is listed after it
        background.stop()
    end_test()
    before = rows()
    account = open_account(CREDIT)
    Price.objects.all().delete()
    LanguageModel.objects.filter(public_id="gigachat-pro").delete()
    ModerationRule.objects.update(enabled=False)
    assert LedgerEntry.objects.filter(account=account).exists()

    end_test()

    assert rows() == before
    assert open_account(CREDIT).pk > account.pk


@pytest.mark.parametrize(
    "change", ["DELETE FROM billing_ledgerentry", "UPDATE billing_ledgerentry SET reason = 'None.'"]
)
def test_what_is_append_only_refuses_as_before(change: str) -> None:
    open_account(CREDIT)
    end_test()
    open_account(CREDIT)
    with pytest.raises(DatabaseError, match="append"), connection.cursor() as cursor:
        cursor.execute(change)
