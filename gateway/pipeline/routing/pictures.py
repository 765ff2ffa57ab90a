"""Fit the pictures of a request to a route: refuse those asked about, put words in place of others. Pure."""

from gateway.catalog.snapshot import CatalogModel, CatalogRoute
from gateway.pipeline.candidate import Adaptation
from gateway.pipeline.errors import UnsupportedContent
from gateway.pipeline.request import CompletionRequest
from gateway.providers.chat_types import ChatRequest, Image, Message
from gateway.providers.image_limits import ImageLimits
from gateway.providers.registry import image_limits

PICTURE_LEFT_OUT = "[A picture that this model cannot see.]"
EARLIER_PICTURE_LEFT_OUT = "[An earlier picture, left out for later ones.]"


def refuse_unfit_pictures(
    completion_request: CompletionRequest, model: CatalogModel, route: CatalogRoute
) -> None:
    """Raise UnsupportedContent for pictures of the user that the route does not take.

    Only in the user's last message may they be too many: earlier ones can give way.
    """
    messages = completion_request.request.messages
    shown = [index for index, message in enumerate(messages) if _is_shown_by_user(message)]
    if not shown:
        return
    limits = image_limits(route.provider)
    last = max(index for index, message in enumerate(messages) if message.role == "user")
    for index in shown:
        fault = ""
        if not route.profile.images:
            fault = "takes no pictures. GET /v1/models lists in `architecture` which models do"
        elif limits is not None:
            fault = _fault(messages[index].images, limits, is_last=index == last)
        if fault:
            path = f"messages[{index}].content"
            path = completion_request.names.get(path, path)
            raise UnsupportedContent(f"{path}: {model.id} {fault}.", param=path)


def with_words_for_pictures(
    request: ChatRequest, route: CatalogRoute
) -> tuple[ChatRequest, tuple[Adaptation, ...]]:
    """Put words in the place of pictures that the route does not take, and name the messages.

    A tool's picture is no reason to refuse, and of too many the oldest are left out: neither is anything that
    the caller could mend.
    """
    limits = image_limits(route.provider)
    is_any = any(message.images for message in request.messages)
    if not is_any or (route.profile.images and limits is None):
        return request, ()
    messages = list(request.messages)
    retold: list[int] = []
    images = total_bytes = 0
    for index in reversed(range(len(messages))):
        message = messages[index]
        kept: list[Image] = []
        words: set[str] = set()
        for image in reversed(message.images):
            if limits is None or not route.profile.images or _fault_of(image, limits):
                words.add(PICTURE_LEFT_OUT)
                continue
            images += 1
            total_bytes += len(image.data)
            if limits.fault_of_all(images, total_bytes):
                words.add(EARLIER_PICTURE_LEFT_OUT)
            else:
                kept.insert(0, image)
        if words:
            content = "\n".join(filter(None, (message.content, *sorted(words))))
            messages[index] = message._replace(content=content, images=tuple(kept))
            retold.insert(0, index)
    changes = tuple(Adaptation(f"messages[{index}].content", "rewritten") for index in retold)
    return request._replace(messages=tuple(messages)) if retold else request, changes


def _is_shown_by_user(message: Message) -> bool:
    return bool(message.images) and message.role == "user"


def _fault(images: tuple[Image, ...], limits: ImageLimits, *, is_last: bool) -> str:
    for image in images:
        if fault := _fault_of(image, limits):
            return fault
    if not is_last:
        return ""
    return limits.fault_of_all(len(images), sum(len(image.data) for image in images))


def _fault_of(image: Image, limits: ImageLimits) -> str:
    """Say why an image is not taken; one at an address has no bytes yet, for a plan fetches none."""
    return limits.fault_of(image) if image.data else ""
