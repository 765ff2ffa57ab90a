"""Credentials of providers: sealed at rest, shown to nobody, one pool with the environment's."""

import base64
import io
import json
import logging
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.utils import IntegrityError
from django.urls import reverse

from gateway import upstreams
from gateway.models import OpenAIServer, ProviderCredential
from gateway.pipeline.execution.cancel_token import CallerCancelToken
from gateway.providers._shared.http_client import Deadline
from gateway.providers.chat_types import ChatChunk, ChatRequest, Message
from gateway.providers.errors import ProviderAuthError, ProviderRateLimited, ProviderUnavailable
from gateway.providers.tick import TICK
from gateway.upstreams import QueueWait
from gateway.upstreams.providers import usable
from gateway.upstreams.slots import slots
from gateway.upstreams.slots.slots import Slot
from infra import secret_box
from sandbox.core import credentials
from sandbox.server import Sandbox
from tests.gateway.test_catalog_admin import operator_client
from xrouter_site import env_secrets

__all__ = ["operator_client"]

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:No directory at:UserWarning"),
]

CREDENTIALS = reverse("admin:gateway_providercredential_changelist")
ADD = reverse("admin:gateway_providercredential_add")
HANG_S = 600
SECRET = "a-secret-of-nobody-0123456789"


@pytest.fixture(autouse=True)
def _fresh_pool() -> Iterator[None]:
    upstreams.reset()
    yield
    upstreams.reset()


@pytest.fixture
def upstream(settings: Any) -> Iterator[Sandbox]:
    """Serve an upstream that the environment's addresses lead to; no credential of it is given."""
    with Sandbox() as sandbox:
        settings.GIGACHAT_AUTH_URL = f"{sandbox.gigachat_origin}/api/v2/oauth"
        settings.GIGACHAT_BASE_URL = f"{sandbox.gigachat_origin}/v1"
        settings.YANDEX_BASE_URL = sandbox.yandex_origin
        settings.YANDEX_IAM_URL = f"{sandbox.yandex_origin}/iam/v1/tokens"
        yield sandbox


def _stored(provider: str = "gigachat", name: str = "company", **more: Any) -> ProviderCredential:
    secret = more.pop("secret", credentials.GIGACHAT_CREDENTIALS)
    row = ProviderCredential(provider=provider, name=name, **more)
    row.seal(secret)
    row.save()
    upstreams.reset()
    return row


def _lease(slug: str = "gigachat", *, is_test: bool = False, exclude: Iterable[str] = ()) -> Slot:
    """Take a lease that need not be waited for, and give it back."""
    waiting = upstreams.leased(
        slug, account_id=1, is_test=is_test, queue=_queue(), exclude=frozenset(exclude)
    )
    with pytest.raises(StopIteration) as ended:
        next(waiting)
    with ended.value.value as lease:
        assert isinstance(lease, Slot)
        return lease


class _UncancelledToken:
    def __init__(self) -> None:
        self.deadline_s = time.monotonic() + 60

    def bind(self, abort: object) -> None: ...

    def unbind(self) -> None: ...


def _ask(slot: Slot, upstream_id: str = "GigaChat-2") -> str:
    request = ChatRequest(messages=(Message(role="user", content="Привет"),), max_tokens=5)
    chunks = slot.provider.stream(
        request, upstream_id=upstream_id, cancel_token=_UncancelledToken()
    )
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, ChatChunk))


def _keys(*ids: str) -> dict[str, bytes]:
    return {key_id: secrets.token_bytes(32) for key_id in ids}


def test_a_secret_opens_for_its_owner_alone(settings: Any) -> None:
    settings.CREDENTIALS_KEYS = _keys("new", "old")

    sealed = secret_box.seal(SECRET, owner="one")

    assert sealed.key_id == "new"
    assert SECRET.encode() not in sealed.ciphertext
    assert secret_box.unseal(sealed, owner="one") == SECRET
    assert secret_box.seal(SECRET, owner="one").nonce != sealed.nonce
    with pytest.raises(secret_box.SecretUnreadable):
        secret_box.unseal(sealed, owner="another")
    settings.CREDENTIALS_KEYS = _keys("new")
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
    derived = _stored(secret=SECRET)
    settings.CREDENTIALS_KEYS = _keys("2025")
    older = _stored(name="second", secret=SECRET)
    settings.CREDENTIALS_KEYS = _keys("2026") | settings.CREDENTIALS_KEYS
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
    settings.CREDENTIALS_KEYS = _keys("lost")
    lost = _stored(secret=SECRET)
    settings.CREDENTIALS_KEYS = {}
    _stored(name="second", secret=SECRET)
    settings.CREDENTIALS_KEYS = _keys("2026")

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
    given = _keys("b", "a")
    value = ", ".join(f"{key_id}:{base64.b64encode(key).decode()}" for key_id, key in given.items())
    monkeypatch.setenv("CREDENTIALS_KEYS", value)
    assert list(env_secrets.master_keys("CREDENTIALS_KEYS").items()) == list(given.items())


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
    row = _stored(secret=SECRET)
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
        _stored(name="environment")


def test_a_stored_credential_takes_the_place_of_the_sandbox(upstream: Sandbox) -> None:
    assert upstreams.is_sandboxed(is_test=False)
    _stored()

    assert upstreams.served(is_test=False) == {"gigachat"}
    assert upstreams.served(is_test=True) == {"gigachat", "yandexgpt"}
    assert not upstreams.is_sandboxed(is_test=False)
    slot = _lease()
    assert slot.credential == "company"
    assert _ask(slot)
    assert upstream.requests.of("gigachat", "completion")


def test_a_test_key_never_reaches_the_upstream(upstream: Sandbox) -> None:
    _stored()
    assert _ask(_lease(is_test=True))
    assert not len(upstream.requests)


def test_changes_are_seen_without_a_restart(upstream: Sandbox) -> None:
    row = _stored()
    adapter = _lease().provider
    ProviderCredential._default_manager.update(concurrency=7)
    upstreams.pool.reset()
    assert _lease().provider is adapter  # its tokens are good still

    row.seal(SECRET)
    row.save()
    upstreams.pool.reset()
    assert _lease().provider is not adapter

    ProviderCredential._default_manager.update(enabled=False)
    upstreams.pool.reset()
    assert upstreams.with_credentials() == frozenset()
    with pytest.raises(ProviderUnavailable):
        usable("gigachat")


def test_a_credential_that_cannot_be_opened_is_left_out(
    upstream: Sandbox, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CREDENTIALS_KEYS = _keys("lost")
    _stored(name="unreadable")
    settings.CREDENTIALS_KEYS = {}
    with pytest.raises(ProviderAuthError):
        _lease()
    assert "unreadable cannot be used" in caplog.text

    _stored(name="good")
    assert _lease().credential == "good"


def test_the_environment_and_the_tables_make_one_pool(upstream: Sandbox, settings: Any) -> None:
    settings.GIGACHAT_CREDENTIALS = credentials.GIGACHAT_CREDENTIALS
    settings.GIGACHAT_CONCURRENCY = 2
    _stored(concurrency=2)

    leases = [_take("gigachat") for _ in range(4)]

    assert sorted(lease.credential for lease, _ in leases) == ["company"] * 2 + ["environment"] * 2
    for _, give_back in leases:
        give_back()


def test_a_credential_that_is_blocked_is_not_used(upstream: Sandbox) -> None:
    _stored(name="first", concurrency=5)
    _stored(name="second", concurrency=5)
    assert {_lease(exclude={"first"}).credential for _ in range(3)} == {"second"}
    with pytest.raises(ProviderAuthError):
        _lease(exclude={"first", "second"})
    assert _lease().credential in {"first", "second"}


def test_who_waits_in_vain_is_told_to_come_later_and_may_leave_before(
    upstream: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "LOOK_S", 0.1)
    _stored(concurrency=1)
    _, give_back = _take("gigachat")

    patient = upstreams.leased("gigachat", account_id=2, is_test=False, queue=_queue(0.3))
    with pytest.raises(ProviderRateLimited) as busy:
        list(patient)
    assert busy.value.retry_after_s
    leaver = upstreams.leased("gigachat", account_id=2, is_test=False, queue=_queue())
    next(leaver)
    leaver.close()

    give_back()
    assert _lease().credential == "company"


def test_who_waits_goes_where_a_slot_is_free_after_a_moment(
    upstream: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "PATIENCE_S", 0.05)
    monkeypatch.setattr(slots, "LOOK_S", 0.1)
    _stored(concurrency=1)
    yandex = json.dumps(upstream.service_account_key())
    folder = {"folder_id": credentials.YANDEX_FOLDER_ID}
    _stored("yandexgpt", secret=yandex, settings=folder, concurrency=1)
    _, give_back = _take("gigachat")
    queue = _queue()
    queue.others = ("yandexgpt",)

    with pytest.raises(slots.SlotElsewhere) as elsewhere:
        list(upstreams.leased("gigachat", account_id=2, is_test=False, queue=queue))
    _, give_other_back = _take("yandexgpt")
    waiting = upstreams.leased("gigachat", account_id=2, is_test=False, queue=queue)

    assert elsewhere.value.provider == "yandexgpt"
    assert [next(waiting) for _ in range(3)] == [TICK] * 3
    waiting.close()
    give_back()
    give_other_back()


@pytest.mark.parametrize(("most_s", "total_s"), [(0, 600), (600, 0.2)])
def test_the_queue_ends_with_the_wait_that_is_set_and_with_the_whole_request(
    upstream: Sandbox, most_s: float, total_s: float
) -> None:
    _stored(concurrency=1)
    _, give_back = _take("gigachat")
    queue = QueueWait(most_s, Deadline(total_s))

    with pytest.raises(ProviderRateLimited):
        list(upstreams.leased("gigachat", account_id=2, is_test=False, queue=queue))

    give_back()
    assert _lease().credential == "company"


def test_a_caller_who_leaves_wakes_its_place_in_the_queue(upstream: Sandbox) -> None:
    _stored(concurrency=1)
    _, give_back = _take("gigachat")
    cancel_token = CallerCancelToken(total_timeout_s=600)
    queue = QueueWait(600, cancel_token)
    waiting = upstreams.leased("gigachat", account_id=2, is_test=False, queue=queue)
    next(waiting)

    cancel_token.cancel()

    next(waiting)
    waiting.close()
    assert queue.waited_here_s == 0
    assert queue.waited_ms > 0
    give_back()
    assert _lease().credential == "company"


def _queue(most_s: float = HANG_S) -> QueueWait:
    return QueueWait(most_s, Deadline(HANG_S))


def _take(slug: str) -> tuple[Slot, Callable[[], None]]:
    waiting = upstreams.leased(slug, account_id=1, is_test=False, queue=_queue())
    with pytest.raises(StopIteration) as ended:
        next(waiting)
    guard = ended.value.value
    return guard.__enter__(), lambda: guard.__exit__(None, None, None)


@pytest.mark.parametrize("slug", ["gigachat", "yandexgpt"])
def test_fifty_requests_with_an_expired_token_renew_it_once(upstream: Sandbox, slug: str) -> None:
    if slug == "gigachat":
        upstream.settings.token_lifetime_s = 0.2
        _stored()
        model, path = "GigaChat-2", "oauth"
    else:
        upstream.settings.iam_token_lifetime_s = 0.2
        key = json.dumps(upstream.service_account_key())
        _stored("yandexgpt", secret=key, settings={"folder_id": credentials.YANDEX_FOLDER_ID})
        model, path = "yandexgpt-lite/latest", "tokens"
    slot = _lease(slug)
    assert _ask(slot, model)
    time.sleep(0.3)
    upstream.settings.token_lifetime_s = upstream.settings.iam_token_lifetime_s = 1800
    barrier = threading.Barrier(50)

    def ask(_: int) -> str:
        barrier.wait()
        return _ask(slot, model)

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(ask, range(50)))

    assert all(answers)
    assert len(upstream.requests.of(slug, path)) == 2


def test_a_server_of_the_operators_own_is_served_with_a_key_or_without(upstream: Sandbox) -> None:
    address = f"{upstream.openai_origin}/v1"
    OpenAIServer._default_manager.create(slug="vllm", name="vLLM", base_url=address)
    upstreams.reset()
    assert upstreams.served(is_test=False) == {"vllm"}
    assert upstreams.served(is_test=True) == {"gigachat", "yandexgpt", "vllm"}
    assert _lease("vllm").credential == "keyless"
    with pytest.raises(ProviderAuthError):
        _ask(_lease("vllm"), "qwen3-8b")  # this one asks for a key

    row = _stored("vllm", secret=credentials.OPENAI_COMPATIBLE_API_KEY)
    assert _lease("vllm").credential == "company"
    assert _ask(_lease("vllm"), "qwen3-8b")

    row.enabled = False
    row.save()
    upstreams.reset()
    assert upstreams.served(is_test=False) == frozenset()
    assert not upstreams.is_sandboxed(is_test=False)


def test_a_test_key_meets_the_sandbox_under_any_name_of_a_model(upstream: Sandbox) -> None:
    address = f"{upstream.openai_origin}/v1"
    OpenAIServer._default_manager.create(slug="ollama", name="Ollama", base_url=address)
    upstreams.reset()
    slot = _lease("ollama", is_test=True)
    assert _ask(slot, "llama3.2:3b")
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
    row = _stored("vllm", secret=SECRET)
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
