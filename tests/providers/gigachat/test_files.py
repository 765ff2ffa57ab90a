"""Images: uploaded before the completion, named in it, deleted after it."""

import re

import orjson
import pytest

from gateway.providers._shared.http_client import Deadline
from gateway.providers.chat_types import ChatRequest, Image, Message
from gateway.providers.errors import (
    ProviderProtocolError,
    ProviderRejected,
    ProviderUnavailable,
    UnsupportedInput,
)
from gateway.providers.gigachat.adapter import GigaChat
from gateway.providers.gigachat.files import IMAGE_LIMITS, refuse_unfit
from tests.providers.canned import CannedRequest, chunk, reply, stream_head
from tests.providers.gigachat.upstream import EIGHT, HANG_S, GigaChatUpstream, run, streamed, whole

PNG = Image(b"\x89PNG\r\n\x1a\n--boundary--\r\n", "image/png")
JPG = Image(b"\xff\xd8\xff", "image/JPG")


def card(file_id: str) -> list[bytes]:
    return [reply(f'{{"id": "{file_id}", "object": "file", "purpose": "general"}}')]


DELETED = [reply('{"id": "x", "deleted": true}')]


def asked(*messages: Message, stream: bool = False) -> ChatRequest:
    return ChatRequest(messages, stream=stream)


def targets(upstream: GigaChatUpstream) -> list[str]:
    return [request.target for request in upstream.requests]


def form(request: CannedRequest) -> dict[str, tuple[dict[str, str], bytes]]:
    """Take a multipart body apart: name -> (headers, data)."""
    boundary = request.headers["content-type"].partition("boundary=")[2].encode()
    parts = {}
    for part in request.body.split(b"--" + boundary)[1:-1]:
        head, _, data = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n"))
        name = re.search(r'[; ]name="([^"]*)"', headers["content-disposition"])
        assert name is not None
        parts[name[1]] = (headers, data.removesuffix(b"\r\n"))
    return parts


@pytest.mark.parametrize("stream", [True, False])
def test_an_image_is_uploaded_named_and_deleted(
    gigachat: GigaChat, upstream: GigaChatUpstream, stream: bool
):
    completion = streamed(*EIGHT) if stream else [whole()]
    upstream.answers += [card("file-1"), completion, DELETED]
    chunks = run(gigachat, asked(Message("user", "Что тут?", images=(PNG,)), stream=stream))
    assert "".join(item.text for item in chunks) == "Восемь."
    assert targets(upstream) == ["/v1/files", "/v1/chat/completions", "/v1/files/file-1/delete"]
    upload, completion_request, deletion = upstream.requests
    assert upload.headers["content-type"].startswith("multipart/form-data; boundary=")
    parts = form(upload)
    headers, data = parts["file"]
    assert data == PNG.data
    assert headers["content-type"] == "image/png"
    assert 'filename="image.png"' in headers["content-disposition"]
    assert parts["purpose"][1] == b"general"
    assert '"attachments":["file-1"]' in completion_request.body.decode()
    assert deletion.method == "POST"
    assert {request.headers["authorization"] for request in upstream.requests} == {
        "Bearer access-token-1"
    }


def test_each_image_goes_with_its_message(gigachat: GigaChat, upstream: GigaChatUpstream):
    upstream.answers += [card("file-1"), card("file-2"), [whole()], DELETED, DELETED]
    run(
        gigachat,
        asked(
            Message("system", "Смотри."),
            Message("user", "a", images=(PNG,)),
            Message("user", "b", images=(JPG,)),
        ),
    )
    body = orjson.loads(upstream.requests[2].body)
    attached = [turn.get("attachments") for turn in body["messages"]]
    assert attached == [None, ["file-1"], ["file-2"]]
    headers, _ = form(upstream.requests[1])["file"]
    assert headers["content-type"] == "image/jpeg"
    assert sorted(targets(upstream)[3:]) == ["/v1/files/file-1/delete", "/v1/files/file-2/delete"]


def test_further_images_of_a_message_go_in_turns_of_their_own(
    gigachat: GigaChat, upstream: GigaChatUpstream
):
    upstream.answers += [card("file-1"), card("file-2"), [whole()], DELETED, DELETED]
    run(gigachat, asked(Message("user", "Сравни.", images=(PNG, JPG)), Message("user", "Ну?")))
    body = orjson.loads(upstream.requests[2].body)
    assert body["messages"] == [
        {"role": "user", "content": "Сравни.", "attachments": ["file-1"]},
        {"role": "user", "content": "", "attachments": ["file-2"]},
        {"role": "user", "content": "Ну?"},
    ]
    types = [form(upload)["file"][0]["content-type"] for upload in upstream.requests[:2]]
    assert types == ["image/png", "image/jpeg"]


def test_a_failed_completion_deletes_its_images_too(gigachat: GigaChat, upstream: GigaChatUpstream):
    upstream.answers += [card("file-1"), [reply("{}", status=500)], DELETED]
    with pytest.raises(ProviderUnavailable):
        run(gigachat, asked(Message("user", "a", images=(PNG,))))
    assert targets(upstream)[-1] == "/v1/files/file-1/delete"


def test_a_failed_upload_deletes_the_images_before_it(
    gigachat: GigaChat, upstream: GigaChatUpstream
):
    upstream.answers += [card("file-1"), [reply("{}", status=500)], DELETED]
    message = Message("user", "a", images=(PNG,))
    with pytest.raises(ProviderUnavailable):
        run(gigachat, asked(message, message))
    assert targets(upstream) == ["/v1/files", "/v1/files", "/v1/files/file-1/delete"]


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_upload_is_about_its_message_and_not_the_length_of_the_dialogue(
    gigachat: GigaChat, upstream: GigaChatUpstream, status: int
):
    upstream.answers.append([reply('{"message": "Payload too large"}', status=status)])
    with pytest.raises(ProviderRejected) as refused:
        run(gigachat, asked(Message("user", "А"), Message("user", "Что тут?", images=(PNG,))))
    assert refused.value.param == "messages[1].content"
    assert not refused.value.context_length_exceeded


def test_a_reader_who_leaves_leaves_no_image_behind(gigachat: GigaChat, upstream: GigaChatUpstream):
    upstream.answers += [card("file-1"), [stream_head(), chunk(EIGHT[0]), "hold"], DELETED]
    chunks = gigachat.stream(
        asked(Message("user", "a", images=(PNG,)), stream=True),
        upstream_id="GigaChat-2-Pro",
        cancel_token=Deadline(HANG_S),
    )
    next(chunks)
    chunks.close()
    assert targets(upstream)[-1] == "/v1/files/file-1/delete"


def test_an_image_that_cannot_be_deleted_is_logged_and_no_more(
    gigachat: GigaChat, upstream: GigaChatUpstream, caplog: pytest.LogCaptureFixture
):
    upstream.answers += [card("a/../b"), [whole()], [reply("{}", status=500)]]
    assert run(gigachat, asked(Message("user", "a", images=(PNG,))))[0].text == "Восемь."
    assert targets(upstream)[-1] == "/v1/files/a%2F..%2Fb/delete"
    assert "was not deleted" in caplog.text


@pytest.mark.parametrize("body", ["<html>", "[]", "{}", '{"id": ""}', '{"id": 5}'])
def test_an_upload_without_an_id_is_a_protocol_error(
    gigachat: GigaChat, upstream: GigaChatUpstream, body: str
):
    upstream.answers.append([reply(body)])
    with pytest.raises(ProviderProtocolError):
        run(gigachat, asked(Message("user", "a", images=(PNG,))))


TOO_BIG = Image(b"x" * (IMAGE_LIMITS.image_bytes + 1), "image/png")
BIG = Image(b"x" * IMAGE_LIMITS.image_bytes, "image/png")


@pytest.mark.parametrize(
    ("messages", "at"),
    [
        ([Message("user", "a"), Message("user", images=(Image(b"", "image/webp"),))], 1),
        ([Message("user", images=(TOO_BIG,))], 0),
        ([Message("user", images=(BIG,))] * 6, 5),
        ([Message("user", images=(PNG,))] * 11, 10),
        ([Message("user", images=(PNG,) * 11)], 0),
    ],
)
def test_images_that_gigachat_does_not_take_are_refused(messages: list[Message], at: int):
    with pytest.raises(UnsupportedInput) as caught:
        refuse_unfit(messages)
    assert caught.value.param == f"messages[{at}].content"


def test_ten_images_are_taken():
    refuse_unfit([Message("user", images=(JPG,))] * 10)


def test_nothing_is_uploaded_for_a_request_that_cannot_be_said(
    gigachat: GigaChat, upstream: GigaChatUpstream
):
    with pytest.raises(UnsupportedInput):
        run(gigachat, ChatRequest((Message("user", images=(PNG,)),), seed=1))
    assert not upstream.requests
