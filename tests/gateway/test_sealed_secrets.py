"""Secrets are sealed at rest, each for its owner, under master keys that may be rotated."""

import base64
import io
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from gateway.models import ProviderCredential
from infra import secret_box
from tests.gateway.provider_rows import (
    SECRET,
    fresh_pool,
    master_keys,
    stored,
)
from xrouter_site import env_secrets

__all__ = ["fresh_pool"]

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:No directory at:UserWarning"),
]


def test_a_secret_opens_for_its_owner_alone(settings: Any) -> None:
    settings.CREDENTIALS_KEYS = master_keys("new", "old")

    sealed = secret_box.seal(SECRET, owner="one")

    assert sealed.key_id == "new"
    assert SECRET.encode() not in sealed.ciphertext
    assert secret_box.unseal(sealed, owner="one") == SECRET
    assert secret_box.seal(SECRET, owner="one").nonce != sealed.nonce
    with pytest.raises(secret_box.SecretUnreadable):
        secret_box.unseal(sealed, owner="another")
    settings.CREDENTIALS_KEYS = master_keys("new")
    with pytest.raises(secret_box.SecretUnreadable):
        secret_box.unseal(sealed, owner="one")


def test_what_an_earlier_secret_key_sealed_is_opened_while_it_is_a_fallback(settings: Any) -> None:
    settings.CREDENTIALS_KEYS = {}
    earlier = settings.SECRET_KEY
    sealed = secret_box.seal(SECRET, owner="one")

    settings.SECRET_KEY = "another-secret-of-the-tests-0123456789"
    with pytest.raises(secret_box.SecretUnreadable):
        secret_box.unseal(sealed, owner="one")
    settings.SECRET_KEY_FALLBACKS = ["older-still", earlier]
    assert secret_box.unseal(sealed, owner="one") == SECRET
    assert secret_box.unseal(secret_box.seal(SECRET, owner="one"), owner="one") == SECRET


def test_rotation_leaves_every_secret_under_the_first_key(settings: Any) -> None:
    settings.CREDENTIALS_KEYS = {}
    derived = stored(secret=SECRET)
    settings.CREDENTIALS_KEYS = master_keys("2025")
    older = stored(name="second", secret=SECRET)
    settings.CREDENTIALS_KEYS = master_keys("2026") | settings.CREDENTIALS_KEYS
    output = io.StringIO()

    call_command("rotate_credentials", stdout=output)

    assert "sealed anew: 2" in output.getvalue()
    del settings.CREDENTIALS_KEYS["2025"]
    for row in (derived, older):
        before = row.key_id
        row.refresh_from_db()
        assert (before, row.key_id) in {("secret-key", "2026"), ("2025", "2026")}
        assert secret_box.unseal(row.sealed, owner=str(row.pk)) == SECRET


def test_rotation_names_what_it_cannot_open_and_goes_on(settings: Any) -> None:
    settings.CREDENTIALS_KEYS = master_keys("lost")
    lost = stored(secret=SECRET)
    settings.CREDENTIALS_KEYS = {}
    stored(name="second", secret=SECRET)
    settings.CREDENTIALS_KEYS = master_keys("2026")

    with pytest.raises(CommandError, match="gigachat: company"):
        call_command("rotate_credentials", stdout=io.StringIO())

    lost.refresh_from_db()
    assert lost.key_id == "lost"
    assert ProviderCredential._default_manager.get(name="second").key_id == "2026"


@pytest.mark.parametrize(
    "value",
    [
        "no-colon",
        "short:" + base64.b64encode(b"0" * 16).decode(),
        "bad:!!!",
        "secret-key:" + base64.b64encode(b"0" * 32).decode(),
        ",".join(["twice:" + base64.b64encode(b"0" * 32).decode()] * 2),
    ],
)
def test_wrong_master_keys_stop_the_start_and_are_not_quoted(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("CREDENTIALS_KEYS", value)
    with pytest.raises(ImproperlyConfigured) as refused:
        env_secrets.master_keys("CREDENTIALS_KEYS")
    assert value.partition(":")[2][:8] not in str(refused.value) or ":" not in value


def test_master_keys_are_read_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    given = master_keys("b", "a")
    value = ", ".join(f"{key_id}:{base64.b64encode(key).decode()}" for key_id, key in given.items())
    monkeypatch.setenv("CREDENTIALS_KEYS", value)
    assert list(env_secrets.master_keys("CREDENTIALS_KEYS").items()) == list(given.items())
