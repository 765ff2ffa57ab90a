"""Credentials of providers: shown to nobody, tried before they are saved, served without a restart."""

import base64
import logging
import re
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.utils import IntegrityError
from django.urls import reverse

from gateway import upstreams
from gateway.models import OpenAIServer, ProviderCredential
from gateway.providers.errors import ProviderAuthError, ProviderUnavailable
from gateway.upstreams.providers import usable
from infra import secret_box
from sandbox.core import credentials
from sandbox.server import Sandbox
from tests.gateway.provider_rows import (
    SECRET,
    answered,
    free_slot,
    fresh_pool,
    master_keys,
    stored,
    upstream,
)
from tests.gateway.test_catalog_admin import operator_client

__all__ = ["fresh_pool", "operator_client", "upstream"]

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:No directory at:UserWarning"),
]

CREDENTIALS = reverse("admin:gateway_providercredential_changelist")
ADD = reverse("admin:gateway_providercredential_add")


def test_a_secret_is_nowhere_but_sealed(
    operator_client: Any, caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    form = {"provider": "gigachat", "name": "company"}
    refused = operator_client.post(ADD, form | {"name": "Wrong Name", "secret": SECRET})
    assert SECRET not in refused.content.decode()

    assert operator_client.post(ADD, form | {"secret": SECRET}).status_code == 302

    row = ProviderCredential._default_manager.get()
    change = reverse("admin:gateway_providercredential_change", args=[row.pk])
    history = reverse("admin:gateway_providercredential_history", args=[row.pk])
    pages = [
        operator_client.get(page, follow=True).content.decode()
        for page in (CREDENTIALS, change, history)
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM gateway_providercredential")
        stored = repr([[bytes(v) if isinstance(v, memoryview) else v for v in r] for r in cursor])
    everything = "\n".join([*pages, stored, caplog.text, repr(row), repr(row.sealed)])
    assert f"…{row.fingerprint}" in pages[0]
    encoded = base64.b64encode(SECRET.encode()).decode().rstrip("=")
    assert SECRET not in everything
    assert encoded not in everything
    assert secret_box.unseal(row.sealed, owner=str(row.pk)) == SECRET


def test_a_secret_is_kept_unless_another_is_given_and_never_sent_elsewhere(
    operator_client: Any,
) -> None:
    row = stored(secret=SECRET)
    change = reverse("admin:gateway_providercredential_change", args=[row.pk])
    form = {"provider": "gigachat", "name": "company", "concurrency": "3"}
    assert "gigachat-pro" in operator_client.post(change, form).content.decode()  # would be lost
    form |= {"confirm": "on"}

    assert operator_client.post(change, form).status_code == 302
    row.refresh_from_db()
    assert (row.concurrency, row.enabled) == (3, False)
    assert secret_box.unseal(row.sealed, owner=str(row.pk)) == SECRET

    elsewhere = form | {"settings_gigachat_base_url": "https://evil.example"}
    assert operator_client.post(change, elsewhere).status_code == 200
    row.refresh_from_db()
    assert row.settings == {}
    assert operator_client.post(change, elsewhere | {"secret": "another"}).status_code == 302
    row.refresh_from_db()
    assert secret_box.unseal(row.sealed, owner=str(row.pk)) == "another"


def test_a_credential_is_tried_before_it_is_saved(operator_client: Any, upstream: Sandbox) -> None:
    form = {"provider": "gigachat", "name": "company", "enabled": "on"}
    wrong = base64.b64encode(b"nobody:nothing").decode()
    page = operator_client.post(ADD, form | {"secret": wrong}).content.decode()
    assert "(401)" in page or "(400)" in page
    assert wrong not in page
    assert not ProviderCredential._default_manager.exists()

    elsewhere = {"settings_gigachat_auth_url": "http://127.0.0.1:9/oauth"}
    page = operator_client.post(
        ADD, form | elsewhere | {"secret": credentials.GIGACHAT_CREDENTIALS}
    ).content.decode()
    assert "nobody listens there" in page

    right = form | {"secret": credentials.GIGACHAT_CREDENTIALS}
    assert operator_client.post(ADD, right).status_code == 302
    paths = [request.path for request in upstream.requests]
    assert not [path for path in paths if "ompletion" in path]


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("base_url", "nope", "address of the API: write an address"),
        ("base_url", "http://[::1", "address of the API: write an address"),
        ("auth_url", "javascript:alert(1)", "address that gives tokens: write an address"),
        ("auth_url", "https://ngw.example:99999/", "address that gives tokens: write an address"),
        (
            "ca_bundle_file",
            "/nowhere/roots.pem",
            "The file of root certificates cannot be read: No",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_named_on_its_field(
    operator_client: Any, setting: str, value: str, said: str
) -> None:
    form = {"provider": "gigachat", "name": "company", "enabled": "on"}
    form |= {"secret": credentials.GIGACHAT_CREDENTIALS, f"settings_gigachat_{setting}": value}

    errors = operator_client.post(ADD, form).context["adminform"].form.errors

    assert list(errors) == ["settings"]
    assert errors["settings"][0].startswith(said)


def test_a_new_credential_needs_a_secret_and_its_own_settings(operator_client: Any) -> None:
    form = {"provider": "yandexgpt", "name": "second"}
    assert operator_client.post(ADD, form).status_code == 200
    form |= {"settings_yandexgpt_folder_id": "b1g", "secret": SECRET}
    page = operator_client.post(ADD, form | {"settings_gigachat_scope": "GIGACHAT_API_PERS"})
    assert "GigaChat" in re.findall(r"errorlist.*?</ul>", page.content.decode())[0]
    assert not ProviderCredential._default_manager.exists()

    assert operator_client.post(ADD, form).status_code == 302
    row = ProviderCredential._default_manager.get()
    assert row.settings == {"folder_id": "b1g"}
    change = reverse("admin:gateway_providercredential_change", args=[row.pk])
    page = operator_client.get(change).content.decode()
    assert 'name="settings_yandexgpt_folder_id" value="b1g"' in page
    assert "settings_gigachat_scope" not in page
    moved = operator_client.post(change, form | {"provider": "gigachat"}).content.decode()
    assert 'name="settings_gigachat_scope"' in moved


def test_the_environments_name_cannot_be_taken() -> None:
    with pytest.raises(IntegrityError):
        stored(name="environment")


def test_a_stored_credential_takes_the_place_of_the_sandbox(upstream: Sandbox) -> None:
    assert upstreams.is_sandboxed(is_test=False)
    stored()

    assert upstreams.served(is_test=False) == {"gigachat"}
    assert upstreams.served(is_test=True) == {"gigachat", "yandexgpt"}
    assert not upstreams.is_sandboxed(is_test=False)
    slot = free_slot()
    assert slot.credential == "company"
    assert answered(slot)
    assert upstream.requests.of("gigachat", "completion")


def test_a_test_key_never_reaches_the_upstream(upstream: Sandbox) -> None:
    stored()
    assert answered(free_slot(is_test=True))
    assert not len(upstream.requests)


def test_changes_are_seen_without_a_restart(upstream: Sandbox) -> None:
    row = stored()
    adapter = free_slot().provider
    ProviderCredential._default_manager.update(concurrency=7)
    upstreams.pool.reset()
    assert free_slot().provider is adapter  # its tokens are good still

    row.seal(SECRET)
    row.save()
    upstreams.pool.reset()
    assert free_slot().provider is not adapter

    ProviderCredential._default_manager.update(enabled=False)
    upstreams.pool.reset()
    assert upstreams.with_credentials() == frozenset()
    with pytest.raises(ProviderUnavailable):
        usable("gigachat")


def test_a_credential_that_cannot_be_opened_is_left_out(
    upstream: Sandbox, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CREDENTIALS_KEYS = master_keys("lost")
    stored(name="unreadable")
    settings.CREDENTIALS_KEYS = {}
    with pytest.raises(ProviderAuthError):
        free_slot()
    assert "unreadable cannot be used" in caplog.text

    stored(name="good")
    assert free_slot().credential == "good"


def test_a_server_of_the_operators_own_is_served_with_a_key_or_without(upstream: Sandbox) -> None:
    address = f"{upstream.openai_origin}/v1"
    OpenAIServer._default_manager.create(slug="vllm", name="vLLM", base_url=address)
    upstreams.reset()
    assert upstreams.served(is_test=False) == {"vllm"}
    assert upstreams.served(is_test=True) == {"gigachat", "yandexgpt", "vllm"}
    assert free_slot("vllm").credential == "keyless"
    with pytest.raises(ProviderAuthError):
        answered(free_slot("vllm"), "qwen3-8b")  # this one asks for a key

    row = stored("vllm", secret=credentials.OPENAI_COMPATIBLE_API_KEY)
    assert free_slot("vllm").credential == "company"
    assert answered(free_slot("vllm"), "qwen3-8b")

    row.enabled = False
    row.save()
    upstreams.reset()
    assert upstreams.served(is_test=False) == frozenset()
    assert not upstreams.is_sandboxed(is_test=False)


def test_a_test_key_meets_the_sandbox_under_any_name_of_a_model(upstream: Sandbox) -> None:
    address = f"{upstream.openai_origin}/v1"
    OpenAIServer._default_manager.create(slug="ollama", name="Ollama", base_url=address)
    upstreams.reset()
    slot = free_slot("ollama", is_test=True)
    assert answered(slot, "llama3.2:3b")
    embedding = slot.provider.embed(["Привет"], upstream_id="nomic-embed", timeout_s=5)
    assert len(embedding.vectors) == 1
    assert not len(upstream.requests)


@pytest.mark.parametrize(
    ("field", "value"), [("base_url", "ftp://host"), ("ca_bundle_file", "/nowhere.pem")]
)
def test_a_server_with_a_wrong_address_is_refused(field: str, value: str) -> None:
    server = OpenAIServer(slug="vllm", name="vLLM", base_url="https://host/v1")
    setattr(server, field, value)
    with pytest.raises(ValidationError) as refused:
        server.full_clean()
    assert field in refused.value.message_dict


def test_the_address_of_stored_keys_is_not_changed_under_them(operator_client: Any) -> None:
    server = OpenAIServer._default_manager.create(
        slug="vllm", name="vLLM", base_url="https://one.example/v1"
    )
    row = stored("vllm", secret=SECRET)
    change = reverse("admin:gateway_openaiserver_change", args=[server.pk])
    form = {"slug": "vllm", "name": "vLLM", "base_url": "https://two.example/v1", "enabled": "on"}

    assert operator_client.post(change, form).status_code == 200
    delete = reverse("admin:gateway_openaiserver_delete", args=[server.pk])
    assert operator_client.post(delete, {"post": "yes"}).status_code == 403
    server.refresh_from_db()
    assert server.base_url == "https://one.example/v1"

    row.delete()
    assert operator_client.post(change, form).status_code == 302
    server.refresh_from_db()
    assert server.base_url == "https://two.example/v1"
