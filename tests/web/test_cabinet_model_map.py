"""/cabinet/model-map/: names are filled in, looked at and saved."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from accounts.audit.log import AuditEntry
from accounts.keys.bearer import authenticate
from accounts.model_map.changing import replace_entries
from accounts.model_map.stored import entries_of
from accounts.models import Account
from billing.ledger import balances, ledger
from gateway.catalog import snapshot
from gateway.models import LanguageModel
from tests.accounts.oauth_clients import browser_of
from tests.accounts.people import account_of, new_key

pytestmark = pytest.mark.django_db

PAGE = "/cabinet/model-map/"
EVIL = "<script>alert(1)</script>*"


@pytest.fixture
def account() -> Iterator[Account]:
    snapshot.reset()
    balances.forget_all()
    yield account_of()
    snapshot.reset()


def fields(*rows: tuple[str, str], saved: int = 0) -> dict[str, Any]:
    form: dict[str, Any] = {"names-TOTAL_FORMS": len(rows), "names-INITIAL_FORMS": saved}
    for index, (name, model) in enumerate(rows):
        form |= {f"names-{index}-name": name, f"names-{index}-model": model}
    return form


def filled(page: str) -> dict[str, str]:
    """Return the rows of the form that have a name."""
    names = re.findall(r'name="names-\d+-name" value="([^"]+)"', page)
    models = re.findall(r'<option value="([^"]+)" selected>', page)
    return dict(zip(names, models, strict=True))


def test_a_preset_fills_the_form_and_saves_nothing(account):
    ledger.top_up(account.pk, 10**9, payment_id="first")
    replace_entries(account, {"claude-*": "yandexgpt", "mine": "gigachat-2"})
    page = browser_of(account.owner).get(f"{PAGE}?preset=claude-code").content.decode()
    assert filled(page) == {
        "claude-*": "gigachat-2-max",
        "mine": "gigachat-2",
        "claude-*haiku*": "gigachat-2",
    }
    assert "ещё не сохранены" in page
    assert entries_of(account.pk) == {"claude-*": "yandexgpt", "mine": "gigachat-2"}


def test_an_account_without_credits_is_proposed_free_models_alone(account):
    free = set(LanguageModel.objects.filter(is_free=True).values_list("public_id", flat=True))
    browser = browser_of(account.owner)
    for preset in ("claude-code", "codex", "openai"):
        chosen = filled(browser.get(f"{PAGE}?preset={preset}").content.decode())
        assert chosen
        assert set(chosen.values()) <= free


@pytest.mark.parametrize("preset", ["claude-code", "codex", "openai"])
def test_a_preset_can_be_saved_as_it_is(account, preset):
    ledger.top_up(account.pk, 10**9, payment_id="first")
    browser = browser_of(account.owner)
    rows = filled(browser.get(f"{PAGE}?preset={preset}").content.decode())
    assert browser.post(PAGE, fields(*rows.items())).status_code == 302
    assert entries_of(account.pk) == rows


def test_the_form_replaces_the_map_and_an_empty_name_takes_a_row_out(account):
    raw = new_key()[1]
    replace_entries(account, {"old": "gigachat-2", "gpt-*": "gigachat-2"})
    rows = [("", "gigachat-2"), (" gpt-* ", "yandexgpt:latest"), ("", ""), ("o3", "embeddings")]
    answer = browser_of(account.owner).post(PAGE, fields(*rows, saved=2), follow=True)
    assert "Имена сохранены" in answer.content.decode()
    assert entries_of(account.pk) == {"gpt-*": "yandexgpt:latest", "o3": "embeddings"}
    assert authenticate(f"Bearer {raw}").model_map.target_of("gpt-5") == "yandexgpt:latest"
    assert AuditEntry.objects.latest("id").actor == account.owner


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("gpt", "")], "Выберите модель"),
        ([("gpt", "gigachat-2"), ("GPT", "yandexgpt:latest")], "Это имя уже стоит выше"),
        ([("gpt:free", "gigachat-2")], "gpt:free"),
        ([("x" * 257, "gigachat-2")], "256"),
        ([("gpt", "no-such-model")], "no-such-model"),
        ([("a\u200bb", "gigachat-2")], "256"),
    ],
)
def test_a_wrong_row_is_shown_and_nothing_is_saved(account, rows, said):
    replace_entries(account, {"before": "gigachat-2"})
    answer = browser_of(account.owner).post(PAGE, fields(*rows))
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert entries_of(account.pk) == {"before": "gigachat-2"}


def test_a_model_that_is_gone_is_still_shown_and_cannot_be_saved_again(account):
    replace_entries(account, {"gpt": "gigachat-2", "yandexgpt": "gigachat-2-pro"})
    model = LanguageModel.objects.get(public_id="gigachat-2")
    model.enabled = False
    model.save()
    snapshot.reset()
    browser = browser_of(account.owner)
    page = browser.get(PAGE).content.decode()
    assert filled(page)["gpt"] == "gigachat-2"
    assert "<code>yandexgpt</code>" in page
    assert browser.post(PAGE, fields(("gpt", "gigachat-2"), saved=1)).status_code == 422


def test_a_name_is_text(account):
    replace_entries(account, {EVIL: "gigachat-2"})
    assert EVIL not in browser_of(account.owner).get(PAGE).content.decode()


def test_the_page_speaks_english_too(account):
    browser: Client = browser_of(account.owner, headers={"accept-language": "en"})
    page = browser.get(f"{PAGE}?preset=codex").content.decode()
    assert "not saved yet" in page
    assert not re.search("[а-яё]", page.replace("Русский", ""), re.IGNORECASE)
