"""Pictures fitted to a route: what is refused, what gives way to words, and what is named."""

from typing import Any

import pytest

from gateway.api.remote_images.download import ImageAddress
from gateway.api.schema.picture_url import RemoteImage
from gateway.pipeline.candidate import Candidate
from gateway.pipeline.errors import InvalidParameter, UnsupportedContent
from gateway.pipeline.request import CompletionRequest, RequestedModel
from gateway.pipeline.routing.pictures import EARLIER_PICTURE_LEFT_OUT, PICTURE_LEFT_OUT
from gateway.pipeline.routing.router import Routing, choose
from gateway.providers.chat_types import ChatRequest, Image, Message
from gateway.providers.image_limits import MEBIBYTE
from gateway.providers.profile import ModelProfile
from tests.pipeline.routing_orders import model_of

PROFILE = ModelProfile(context_tokens=1000, max_output_tokens=100, images=True)
WEBP = Image(b"RIFF", "image/webp")
BIG = Image(b"x" * (15 * MEBIBYTE), "image/png")
TOO_BIG = Image(b"x" * (15 * MEBIBYTE + 1), "image/png")
SEEN = Message("assistant", "Вижу.")


def _picture(number: int = 0) -> Image:
    return Image(bytes([number]), "image/png")


def _pictures(*numbers: int) -> tuple[Image, ...]:
    return tuple(map(_picture, numbers))


LIMITED = model_of("limited", "gigachat", profile=PROFILE)
FREE = model_of("free", "own-server", profile=PROFILE)


def _routing(*messages: Message, strict: bool = False, **fields: Any) -> Routing:
    order = CompletionRequest(
        ChatRequest(messages), ("limited", "free"), is_strict=strict, **fields
    )
    return choose(order, [RequestedModel((LIMITED,)), RequestedModel((FREE,))])


def _fitted(*messages: Message) -> Candidate:
    found = _routing(*messages).candidates[0]
    assert found.model is LIMITED
    return found


def _named(candidate: Candidate) -> list[str]:
    return list(map(str, candidate.adapted))


def test_ten_pictures_of_one_message_are_carried_as_they_are() -> None:
    shown = Message("user", "Сравни.", images=_pictures(*range(10)))

    assert _fitted(shown).request.messages == (shown,)
    assert _named(_fitted(shown)) == []


def test_of_too_many_pictures_the_oldest_give_way_in_their_place() -> None:
    first = Message("user", "Эти?", images=_pictures(1, 2, 3))
    second = Message("user", "А эти?", images=_pictures(*range(4, 12)))

    found = _fitted(first, SEEN, second, SEEN, Message("user", "Итог?"))

    assert found.request.messages[0] == Message(
        "user", f"Эти?\n{EARLIER_PICTURE_LEFT_OUT}", images=_pictures(2, 3)
    )
    assert found.request.messages[1:] == (SEEN, second, SEEN, Message("user", "Итог?"))
    assert _named(found) == ["messages[0].content=rewritten"]


def test_pictures_that_are_too_many_bytes_give_way_too() -> None:
    messages = tuple(Message("user", images=(BIG,)) for _ in range(6))

    found = _fitted(*messages)

    assert [len(message.images) for message in found.request.messages] == [0, 1, 1, 1, 1, 1]
    assert _named(found) == ["messages[0].content=rewritten"]


def test_what_a_tool_shows_after_the_question_is_the_newest() -> None:
    asked = Message("user", "Что там?", images=_pictures(1))
    screens = [
        Message("tool", "экран", images=_pictures(number), tool_call_id="a")
        for number in range(2, 12)
    ]

    assert _named(_fitted(asked, *screens)) == ["messages[0].content=rewritten"]


@pytest.mark.parametrize("image", [WEBP, TOO_BIG])
def test_a_tools_picture_that_is_not_taken_becomes_words(image: Image) -> None:
    shown = Message("tool", "экран", images=(image, _picture()), tool_call_id="a")

    found = _fitted(Message("user", "Что там?"), shown)

    assert found.request.messages[1] == shown._replace(
        content=f"экран\n{PICTURE_LEFT_OUT}", images=_pictures(0)
    )
    assert _named(found) == ["messages[1].content=rewritten"]


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (_pictures(*range(11)), "takes 10 pictures in a request at most"),
        ((BIG,) * 6, "takes 80 MB of pictures in a request at most"),
        ((_picture(), WEBP), "takes pictures of JPEG, PNG, TIFF and BMP only"),
        ((TOO_BIG,), "takes pictures of 15 MB at most"),
    ],
)
def test_what_the_users_last_message_may_not_show_is_refused_and_the_next_model_asked(
    images: tuple[Image, ...], words: str
) -> None:
    asked = (Message("user", "Так."), SEEN, Message("user", "Что тут?", images=images))

    routing = _routing(*asked)
    with pytest.raises(UnsupportedContent, match=words) as refusal:
        choose(CompletionRequest(ChatRequest(asked), ("limited",)), [RequestedModel((LIMITED,))])

    assert [candidate.model for candidate in routing.candidates] == [FREE]
    assert routing.candidates[0].request.messages == asked
    assert [skipped.reason for skipped in routing.left_out] == [refusal.value.message]
    assert refusal.value.param == "messages[2].content"


def test_a_message_goes_by_the_callers_own_name() -> None:
    names = {"messages[0].content": "input[3].content"}
    asked = CompletionRequest(
        ChatRequest((Message("user", images=(WEBP,)),)), ("limited",), names=names
    )

    with pytest.raises(UnsupportedContent) as refusal:
        choose(asked, [RequestedModel((LIMITED,))])

    assert refusal.value.param == "input[3].content"


def test_strict_leaves_no_picture_out() -> None:
    messages = [Message("user", images=_pictures(*range(6))) for _ in range(2)]

    assert [found.model for found in _routing(*messages, strict=True).candidates] == [FREE]
    with pytest.raises(InvalidParameter) as refusal:
        choose(
            CompletionRequest(ChatRequest(tuple(messages)), ("limited",), is_strict=True),
            [RequestedModel((LIMITED,))],
        )
    assert refusal.value.param == "messages[0].content"


def test_a_picture_that_is_still_to_be_fetched_is_not_judged() -> None:
    address = ImageAddress("pictures.example", 443, "/1.png", is_https=True)
    shown = Message("user", images=(RemoteImage(b"", "", address),))

    assert _named(_fitted(shown)) == []
