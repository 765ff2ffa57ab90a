"""The known traps of GigaChat's API, one test each, numbered as in its reference."""

import pathlib
import threading
from typing import Any
from uuid import UUID

import orjson
import pytest

from gateway.providers.chat_types import ChatRequest, Image, Message, Tool, ToolCall
from gateway.providers.errors import (
    ProviderAuthError,
    ProviderRateLimited,
    ProviderUnavailable,
    UnsupportedInput,
)
from gateway.providers.gigachat.adapter import GigaChat
from tests.providers.canned import reply
from tests.providers.certificates import make_certificate, server_tls
from tests.providers.gigachat.conftest import MakeGigaChat
from tests.providers.gigachat.upstream import (
    EIGHT,
    HANG_S,
    KEY,
    GigaChatUpstream,
    event,
    run,
    said,
    streamed,
    whole,
)

CALLED = Message("assistant", tool_calls=(ToolCall("call_1", "f", '{"город": "Омск"}'),))


def test_trap_1_expiry_is_in_milliseconds(make_gigachat: MakeGigaChat, upstream: GigaChatUpstream):
    now_s = [1_795_300_000.0]
    upstream.token_answer = lambda _: [
        reply(f'{{"access_token": "t", "expires_at": {int(now_s[0] + 1_800) * 1_000}}}')
    ]
    upstream.answers += [[whole()]] * 3
    gigachat = make_gigachat(now_s=lambda: now_s[0])
    run(gigachat, said())
    now_s[0] += 1_700
    run(gigachat, said())
    assert len(upstream.token_requests) == 1
    now_s[0] += 100
    run(gigachat, said())
    assert len(upstream.token_requests) == 2


def test_trap_2_rquid_is_a_uuid4_and_the_scope_a_form_field(
    gigachat: GigaChat, upstream: GigaChatUpstream
):
    upstream.answers.append([whole()])
    run(gigachat, said())
    (request,) = upstream.token_requests
    assert UUID(request.headers["rquid"]).version == 4
    assert request.body == b"scope=GIGACHAT_API_PERS"


@pytest.mark.parametrize("key", [f"{KEY}\n", f" {KEY[:20]}\r\n{KEY[20:]}"])
def test_trap_3_the_key_is_sent_as_it_is_but_for_line_ends(
    make_gigachat: MakeGigaChat, upstream: GigaChatUpstream, key: str
):
    upstream.answers.append([whole()])
    run(make_gigachat(credentials=key), said())
    assert upstream.token_requests[0].headers["authorization"] == f"Basic {KEY}"


@pytest.mark.parametrize("body", ['{"code": 6, "message": "no match"}', "<html>401</html>", ""])
def test_trap_4_errors_of_the_token_endpoint_have_their_own_shape(
    gigachat: GigaChat, upstream: GigaChatUpstream, body: str
):
    upstream.token_answer = lambda _: [reply(body, status=401)]
    with pytest.raises(ProviderAuthError) as caught:
        run(gigachat, said())
    assert caught.value.raw == body
    assert len(upstream.token_requests) == 1


def test_trap_5_tools_are_sent_as_functions(gigachat: GigaChat, upstream: GigaChatUpstream):
    upstream.answers.append([whole()])
    run(gigachat, said(tools=(Tool("f"),)))
    (body,) = upstream.bodies
    assert "tools" not in body
    assert "tool_choice" not in body
    assert (body["functions"][0]["name"], body["function_call"]) == ("f", "auto")


def test_trap_6_arguments_are_an_object_there_and_a_text_here(
    gigachat: GigaChat, upstream: GigaChatUpstream
):
    call = {"role": "assistant", "function_call": {"name": "f", "arguments": {"город": "Омск"}}}
    upstream.answers.append(streamed(event(call, finish_reason="function_call")))
    (chunk,) = run(
        gigachat,
        ChatRequest((Message("user", "?"), CALLED), stream=True, tools=(Tool("f"),)),
    )
    assert chunk.tool_calls[0].arguments == '{"город":"Омск"}'
    sent = upstream.bodies[0]["messages"][1]["function_call"]
    assert sent == {"name": "f", "arguments": {"город": "Омск"}}


@pytest.mark.parametrize("result", ["ok", "42", "[1]"])
def test_trap_7_results_that_are_no_object_are_wrapped(
    gigachat: GigaChat, upstream: GigaChatUpstream, result: str
):
    upstream.answers.append([whole()])
    run(gigachat, ChatRequest((CALLED, Message("tool", result, tool_call_id="call_1"))))
    content = upstream.bodies[0]["messages"][1]["content"]
    assert isinstance(orjson.loads(content), dict)


def test_trap_8_there_is_one_system_message_and_it_is_the_first(
    gigachat: GigaChat, upstream: GigaChatUpstream
):
    upstream.answers.append([whole()])
    turns = (Message("user", "a"), Message("system", "b"), Message("system", "c"))
    run(gigachat, ChatRequest(turns))
    sent = upstream.bodies[0]["messages"]
    assert sent == [{"role": "system", "content": "b\n\nc"}, {"role": "user", "content": "a"}]


def test_trap_9_content_is_text_beside_a_call_too(gigachat: GigaChat, upstream: GigaChatUpstream):
    upstream.answers.append([whole()])
    run(gigachat, ChatRequest((CALLED, Message("tool", "{}", tool_call_id="call_1"))))
    assert [turn["content"] for turn in upstream.bodies[0]["messages"]] == ["", "{}"]


def test_trap_10_a_temperature_of_zero_never_reaches_the_wire(
    gigachat: GigaChat, upstream: GigaChatUpstream
):
    upstream.answers.append([whole()])
    run(gigachat, said(temperature=0))
    assert "temperature" not in upstream.bodies[0]
    assert upstream.bodies[0]["top_p"] == 0


def test_trap_11_schemas_are_narrowed(gigachat: GigaChat, upstream: GigaChatUpstream):
    upstream.answers.append([whole()])
    schema = {
        "$defs": {"Box": {"type": "object"}},
        "properties": {
            "box": {"$ref": "#/$defs/Box"},
            "kg": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        },
    }
    run(gigachat, said(tools=(Tool("f", parameters=schema),)))
    assert upstream.bodies[0]["functions"][0]["parameters"] == {
        "type": "object",
        "properties": {"box": {"type": "object", "properties": {}}, "kg": {"type": "number"}},
    }


def test_trap_12_a_content_filter_is_a_success_with_a_mark(
    gigachat: GigaChat, upstream: GigaChatUpstream
):
    upstream.answers.append([whole("Сменим тему?", "blacklist")])
    (chunk,) = run(gigachat, said())
    assert (chunk.text, chunk.finish_reason) == ("Сменим тему?", "content_filter")


def test_trap_13_the_model_of_the_answer_is_not_compared(
    gigachat: GigaChat, upstream: GigaChatUpstream
):
    upstream.answers.append([whole(model="GigaChat-9:9.9", object="chat.completions")])
    assert run(gigachat, said())[0].text == "Восемь."


def test_trap_14_a_streamed_call_has_an_index_and_an_id(
    gigachat: GigaChat, upstream: GigaChatUpstream
):
    call = {"role": "assistant", "content": "", "function_call": {"name": "f", "arguments": {}}}
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    upstream.answers.append(streamed(event(call, finish_reason="function_call", usage=usage)))
    (chunk,) = run(gigachat, said(stream=True))
    assert (chunk.tool_calls[0].index, bool(chunk.tool_calls[0].id)) == (0, True)
    assert chunk.usage is not None


def test_trap_15_a_401_in_a_stream_renews_the_token_once(
    gigachat: GigaChat, upstream: GigaChatUpstream
):
    upstream.answers += [[reply("{}", status=401)], streamed(*EIGHT)]
    assert len(run(gigachat, said(stream=True))) == 3
    assert len(upstream.token_requests) == 2


def test_trap_16_threads_that_need_a_token_at_once_fetch_one(
    gigachat: GigaChat, upstream: GigaChatUpstream
):
    upstream.token_answer = lambda _: [0.1, upstream.token()]
    upstream.answers += [[whole()]] * 8
    threads = [threading.Thread(target=run, args=(gigachat, said())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_S)
    assert (len(upstream.requests), len(upstream.token_requests)) == (8, 1)


def test_trap_17_too_many_requests_are_not_repeated(gigachat: GigaChat, upstream: GigaChatUpstream):
    upstream.answers.append([reply('{"status": 429}', status=429)])
    with pytest.raises(ProviderRateLimited):
        run(gigachat, said())
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("field", [{"n": 2}, {"stop": ("x",)}, {"seed": 1}, {"top_k": 5}])
def test_trap_18_what_does_not_exist_is_refused(gigachat: GigaChat, field: dict[str, Any]):
    with pytest.raises(UnsupportedInput) as caught:
        run(gigachat, said(**field))
    assert caught.value.param in field


def test_trap_19_counts_are_a_list_and_vectors_bear_their_own_usage(
    gigachat: GigaChat, upstream: GigaChatUpstream
):
    item = '{"index": %d, "embedding": [1], "usage": {"prompt_tokens": 6}}'
    upstream.answers += [
        [reply('[{"object": "tokens", "tokens": 2, "characters": 5}]')],
        [reply(f'{{"data": [{item % 0}, {item % 1}]}}')],
    ]
    assert gigachat.count_tokens(["текст"], upstream_id="GigaChat-2", timeout_s=HANG_S) == [2]
    embedding = gigachat.embed(["а", "б"], upstream_id="Embeddings", timeout_s=HANG_S)
    assert embedding.prompt_tokens == 12


def test_trap_20_files_are_deleted_by_post(gigachat: GigaChat, upstream: GigaChatUpstream):
    upstream.answers += [[reply('{"id": "f1"}')], [whole()], [reply('{"deleted": true}')]]
    run(gigachat, ChatRequest((Message("user", images=(Image(b"x", "image/png"),)),)))
    assert (upstream.requests[2].method, upstream.requests[2].target) == (
        "POST",
        "/v1/files/f1/delete",
    )


def test_trap_21_a_letter_cut_in_two_arrives_whole(gigachat: GigaChat, upstream: GigaChatUpstream):
    bytes_one_by_one = [bytes([byte]) for byte in b"".join(EIGHT)]
    upstream.answers.append(streamed(*bytes_one_by_one))
    chunks = run(gigachat, said("Сколько?", stream=True))
    assert "".join(chunk.text for chunk in chunks) == "Восемь."
    assert "Сколько?".encode() in upstream.requests[0].body


def test_trap_22_only_the_bundle_is_trusted_for_tokens_and_for_the_api(
    make_gigachat: MakeGigaChat, tmp_path: pathlib.Path
):
    bundle = make_certificate(tmp_path)
    upstream = GigaChatUpstream()
    upstream.answers.append([whole()])
    with upstream.serve(server_tls(bundle)):
        addresses = {"base_url": upstream.url, "auth_url": f"{upstream.url}/oauth"}
        with pytest.raises(ProviderUnavailable):
            run(make_gigachat(**addresses), said())
        assert not upstream.requests + upstream.token_requests
        trusting = make_gigachat(**addresses, ca_bundle_file=str(bundle))
        assert run(trusting, said())[0].text == "Восемь."
