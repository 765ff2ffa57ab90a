"""/v1/model_map, and the requests that name models by it."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.conf import LazySettings
from django.test import Client

from accounts.model_map.changing import replace_entries
from accounts.model_map.stored import entries_of
from accounts.models import APIKey
from accounts.users import own_account
from billing.ledger.process_heartbeat import heartbeat
from gateway import upstreams
from gateway.catalog import snapshot
from gateway.models import LanguageModel
from gateway.upstreams import pool
from sandbox.core.credentials import GIGACHAT_CREDENTIALS
from sandbox.server import Sandbox
from tests.accounts.oauth_clients import new_app, person
from tests.accounts.people import new_key
from tests.api.documented import check

pytestmark = [
    pytest.mark.both_stores,
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:No directory at:UserWarning"),
]
JSON = dict[str, Any]
HELLO = [{"role": "user", "content": "Назови столицу Армении."}]
ENTRIES = {"claude-*": "gigachat-2-max", "claude-*haiku*": "gigachat/lite", "ada": "embeddings"}
MAPPED = "model=mapped"


@pytest.fixture
def sandbox(transactional_db: None) -> Iterator[Sandbox]:
    snapshot.reset()
    yield upstreams.sandbox()
    pool.reset()
    snapshot.reset()
    heartbeat.stop()  # its thread would go to the database of other tests


@pytest.fixture
def key(sandbox: Sandbox) -> tuple[APIKey, str]:
    key, raw = new_key(is_test=True)
    replace_entries(key.account, ENTRIES)
    return key, raw


def send(method: str, path: str, raw: str, body: Any = None, **headers: str) -> Any:
    return Client().generic(
        method,
        path,
        b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body),
        content_type="application/json" if body is not None else "",
        headers={"authorization": f"Bearer {raw}", **headers},
    )


def put(body: Any, **headers: str) -> Any:
    return send("PUT", "/v1/model_map", token(), body, **headers)


def token(scope: str = "keys") -> str:
    return new_app().token(person(), scope=scope)


def stored() -> JSON:
    return entries_of(own_account(person()).pk)


def refused(answer: Any, status: int, code: str, param: str | None = None) -> JSON:
    assert answer.status_code == status, answer.content
    error: JSON = answer.json()["error"]
    assert (error["code"], error["param"]) == (code, param)
    return error


def test_the_map_is_replaced_as_a_whole_and_read_back(sandbox: Sandbox) -> None:
    raw = token()
    assert send("GET", "/v1/model_map", raw).json() == {"data": {}}
    for entries in (ENTRIES, {"gpt-*": "yandexgpt", "*": "xrouter/auto"}):
        answer = send("PUT", "/v1/model_map", raw, {"data": entries})
        assert (answer.status_code, answer.json()) == (200, {"data": entries})
        check(answer.json(), "ModelMap")
        assert "X-XRouter-Adapted" not in answer.headers
        read = send("GET", "/api/v1/model_map", raw).json()["data"]
        assert list(read.items()) == list(entries.items())


@pytest.mark.parametrize("empty", [{"data": None}, {"data": {}}, {}])
def test_nothing_clears_the_map(sandbox: Sandbox, empty: JSON) -> None:
    put({"data": ENTRIES})
    assert put(empty).json() == {"data": {}}
    assert stored() == {}


def test_the_entries_alone_are_a_body_too(sandbox: Sandbox) -> None:
    assert put(ENTRIES).json() == {"data": ENTRIES}


@pytest.mark.parametrize(
    ("data", "param"),
    [
        ([], "data"),
        ("gigachat-2", "data"),
        ({"gpt": None}, "data.gpt"),
        ({"gpt": 7}, "data.gpt"),
        ({"gpt": ""}, "data.gpt"),
        ({"gpt": ["gigachat-2"]}, "data.gpt"),
        ({"gpt": "no-such-model"}, "data.gpt"),
        ({"ok": "gigachat-2", "gpt": "gpt"}, "data.gpt"),
        ({"gpt": "claude-*"}, "data.gpt"),
        ({"gpt": "gigachat-2:nitro"}, "data.gpt"),
        ({"gpt:FREE": "gigachat-2"}, "data.gpt:FREE"),
        ({"gpt": "gigachat-2", "GPT": "gigachat-2"}, "data.GPT"),
        ({" gpt": "gigachat-2"}, "data. gpt"),
        ({"": "gigachat-2"}, "data"),
        ({"x" * 257: "gigachat-2"}, "data"),
        ({"x" * 256: "g"}, "data." + "x" * 64),
        ({f"gpt-{number}": "gigachat-2" for number in range(201)}, "data"),
    ],
)
def test_a_wrong_entry_is_named_and_nothing_is_changed(
    sandbox: Sandbox, data: Any, param: str
) -> None:
    before = {"claude-*": "gigachat-2"}
    put({"data": before})
    refused(put({"data": data}), 400, "invalid_parameter", param)
    assert stored() == before


def test_as_many_entries_as_may_be_are_taken(sandbox: Sandbox) -> None:
    entries = {f"{number:0>255}*": "gigachat-2" for number in range(200)}
    assert put({"data": entries}).status_code == 200


def test_only_a_token_of_the_scope_keys_gets_there(sandbox: Sandbox) -> None:
    for raw in (new_key()[1], token("chat usage")):
        for method, body in (("GET", None), ("PUT", {"data": {}})):
            refused(send(method, "/v1/model_map", raw, body), 403, "insufficient_scope")
    refused(send("POST", "/v1/model_map", token(), {}), 405, "method_not_allowed")


def test_what_has_no_effect_is_named_and_strict_refuses_it(sandbox: Sandbox) -> None:
    body = {"data": {"GigaChat-2": "yandexgpt", "gpt": "gigachat-2"}, "foo": 1}
    answer = put(body)
    assert answer.headers["X-XRouter-Adapted"] == "foo=ignored, data.GigaChat-2=ignored"
    assert answer.json()["data"] == body["data"]
    put({"data": {}})
    del body["foo"]
    error = refused(
        put(body, **{"x-xrouter-strict": "true"}), 400, "invalid_parameter", "data.GigaChat-2"
    )
    assert error["message"] == "data.GigaChat-2 means nothing here."
    assert stored() == {}


def post(raw: str, path: str, body: JSON, **headers: str) -> Any:
    answer = send("POST", path, raw, body, **headers)
    assert answer.status_code == 200, answer.content
    return answer


def generation(raw: str, answer: Any) -> JSON:
    identity = answer.headers["X-Generation-Id"]
    data: JSON = send("GET", f"/v1/generation?id={identity}", raw).json()["data"]
    return data


ASKED: list[tuple[str, JSON]] = [
    ("/v1/chat/completions", {"messages": HELLO}),
    ("/api/v1/chat/completions", {"messages": HELLO}),
    ("/v1/completions", {"prompt": "Раз, два"}),
    ("/v1/messages", {"messages": HELLO, "max_tokens": 20}),
]


@pytest.mark.parametrize(("path", "body"), ASKED)
@pytest.mark.parametrize("strict", ["true", "false"])
def test_every_protocol_goes_by_the_map(
    key: tuple[APIKey, str], path: str, body: JSON, strict: str
) -> None:
    raw = key[1]
    body = body | {"model": "claude-opus-5"}
    answer = post(raw, path, body, **{"x-xrouter-strict": strict})
    assert answer.json()["model"] == "gigachat-2-max"
    assert answer.headers["X-XRouter-Adapted"] == MAPPED
    told = generation(raw, answer)
    assert (told["model"], told["requested_model"]) == ("gigachat-2-max", "claude-opus-5")
    assert told["adapted"] == [MAPPED]


@pytest.mark.parametrize(("path", "body"), ASKED)
def test_a_stream_bears_the_name_of_the_catalogue(
    key: tuple[APIKey, str], path: str, body: JSON
) -> None:
    answer = post(key[1], path, body | {"model": "claude-haiku-5", "stream": True})
    events = answer.getvalue().decode()
    assert answer.headers["X-XRouter-Adapted"] == MAPPED
    assert '"model":"gigachat-2"' in events
    assert "claude" not in events


def test_vectors_counts_and_plans_go_by_the_map(key: tuple[APIKey, str]) -> None:
    raw = key[1]
    vectors = post(raw, "/v1/embeddings", {"model": "ADA", "input": "раз"})
    assert vectors.json()["model"] == "embeddings"
    assert generation(raw, vectors)["adapted"] == [MAPPED]
    chat = {"model": "claude-opus-5", "messages": HELLO}
    counts = [post(raw, path, chat) for path in ("/v1/tokens/count", "/v1/messages/count_tokens")]
    planned = post(raw, "/v1/plan", chat).json()["data"]["candidates"][0]
    assert (planned["model"], planned["adapted"]) == ("gigachat-2-max", [MAPPED])
    for answer in (vectors, *counts):
        assert answer.headers["X-XRouter-Adapted"] == MAPPED


def test_a_fallback_is_mapped_and_named_by_its_field(key: tuple[APIKey, str]) -> None:
    answer = post(
        key[1],
        "/v1/chat/completions",
        {"models": ["gpt-unknown", "claude-haiku-5"], "messages": HELLO},
    )
    assert answer.json()["model"] == "gigachat-2"
    assert answer.headers["X-XRouter-Adapted"] == "models[1]=mapped, models[0]=ignored"


def test_a_name_that_the_catalogue_knows_is_never_mapped(key: tuple[APIKey, str]) -> None:
    replace_entries(key[0].account, {"*": "gigachat-2-max", "yandexgpt": "gigachat-2"})
    for name, model in {
        "YandexGPT": "yandexgpt:latest",
        "gigachat/lite": "gigachat-2",
        "gigachat-basic:free": "gigachat-basic",
        "yandexgpt-lite:nitro": "yandexgpt-lite:latest",
    }.items():
        answer = post(key[1], "/v1/chat/completions", {"model": name, "messages": HELLO})
        assert answer.json()["model"] == model
        assert "X-XRouter-Adapted" not in answer.headers


def test_a_known_model_that_nobody_serves_is_not_mapped_either(
    sandbox: Sandbox, settings: LazySettings
) -> None:
    settings.GIGACHAT_CREDENTIALS = GIGACHAT_CREDENTIALS
    pool.reset()
    key, raw = new_key()
    replace_entries(key.account, {"*": "gigachat-basic"})
    chat = {"messages": HELLO}
    planned = [
        post(raw, "/v1/plan", chat | {"model": name}).json()["data"]
        for name in ("yandexgpt-lite", "gpt-5")
    ]
    assert planned[0]["refusal"]["code"] == "model_not_found"
    assert planned[1]["candidates"][0]["model"] == "gigachat-basic"


def test_an_ending_goes_on_to_the_mapped_model(key: tuple[APIKey, str]) -> None:
    chat = {"messages": HELLO}
    answer = post(key[1], "/v1/chat/completions", chat | {"model": "claude-opus:NITRO"})
    assert answer.json()["model"] == "gigachat-2-max"
    assert generation(key[1], answer)["routing"]["strategy"] == "throughput"
    answer = send("POST", "/v1/chat/completions", key[1], chat | {"model": "claude-opus:free"})
    refused(answer, 400, "invalid_parameter", "model")


def test_the_keys_own_list_is_of_the_catalogues_models(key: tuple[APIKey, str]) -> None:
    _, raw = new_key(is_test=True, allowed_models=["gigachat-2"])
    chat = {"messages": HELLO}
    assert post(raw, "/v1/chat/completions", chat | {"model": "claude-haiku"}).status_code == 200
    answer = send("POST", "/v1/chat/completions", raw, chat | {"model": "claude-opus"})
    refused(answer, 403, "model_not_allowed", "model")


@pytest.mark.parametrize(
    ("others", "status"), [([], 403), (["claude-haiku"], 403), (["gigachat-2"], 200)]
)
def test_auto_is_listed_for_a_key_exactly_where_it_answers(
    sandbox: Sandbox, others: list[str], status: int
) -> None:
    _, raw = new_key(is_test=True, allowed_models=["xrouter/auto", *others])
    listed = [card["id"] for card in send("GET", "/v1/models", raw, {}).json()["data"]]
    answer = send("POST", "/v1/chat/completions", raw, {"messages": HELLO, "model": "xrouter/auto"})
    assert ("xrouter/auto" in listed, answer.status_code) == (status == 200, status)
    if status == 403:
        refused(answer, 403, "model_not_allowed", "model")
        assert "list has to name" in answer.json()["error"]["message"]


def test_a_model_that_is_gone_is_named_with_the_remedy(key: tuple[APIKey, str]) -> None:
    model = LanguageModel.objects.get(public_id="gigachat-2-max")
    model.enabled = False
    model.save()
    snapshot.reset()
    chat = {"model": "claude-opus", "messages": HELLO}
    error = refused(
        send("POST", "/v1/chat/completions", key[1], chat), 404, "model_not_found", "model"
    )
    assert error["message"] == (
        "The account's model map sends 'claude-opus' to 'gigachat-2-max', which is not served at"
        " present: change the map with PUT /v1/model_map."
    )


def test_a_model_of_another_kind_is_refused_as_if_it_were_named(key: tuple[APIKey, str]) -> None:
    answer = send("POST", "/v1/embeddings", key[1], {"model": "claude-opus", "input": "раз"})
    refused(answer, 400, "invalid_parameter", "model")
