"""Put the pictures themselves where a request names addresses of pictures."""

import threading
import time
from collections.abc import Callable

from django.conf import settings

from accounts.principal import Principal
from gateway.api.errors import Overloaded
from gateway.api.remote_images.download import (
    MAX_IMAGE_BYTES,
    ImageNotFetched,
    download,
)
from gateway.api.schema.picture_type import IMAGE_TYPES, shown_type
from gateway.api.schema.picture_url import RemoteImage
from gateway.pipeline.admission.access import resolve_requested
from gateway.pipeline.admission.caller_context import CallerContext, give_connection_back
from gateway.pipeline.errors import InvalidParameter, UnsupportedContent
from gateway.pipeline.request import CompletionRequest
from gateway.providers.chat_types import Image

MAX_REMOTE_IMAGES = 10
FETCH_S = 10.0
"""How long all pictures of a request may take together."""
MAX_FETCHING = 16
"""How many requests of this process fetch at once."""
_fetching = threading.BoundedSemaphore(MAX_FETCHING)


def with_fetched_images(
    completion_request: CompletionRequest,
    principal: Principal,
    *,
    fetch: Callable[..., bytes] = download,
) -> CompletionRequest:
    """Fetch the remote pictures of a request, before anything is counted or held for it.

    Nothing is fetched unless the caller may use a model that takes pictures. Raises InvalidParameter,
    UnsupportedContent, Overloaded, and what the choice of models raises.
    """
    remote = [
        image
        for message in completion_request.request.messages
        for image in message.images
        if isinstance(image, RemoteImage)
    ]
    if not remote:
        return completion_request
    if len(remote) > MAX_REMOTE_IMAGES:
        raise InvalidParameter(
            f"A request may name {MAX_REMOTE_IMAGES} pictures by address. Send others as data URLs.",
            param=remote[MAX_REMOTE_IMAGES].param,
        )
    _refuse_blind_models(completion_request, principal, remote[0])
    give_connection_back()
    deadline_s = time.monotonic() + FETCH_S
    if not _fetching.acquire(timeout=FETCH_S):
        raise Overloaded
    try:
        fetched = _fetch_all(remote, deadline_s, fetch)
    finally:
        _fetching.release()
    request = completion_request.request
    messages = tuple(
        message._replace(images=tuple(_instead(image, fetched) for image in message.images))
        if message.images
        else message
        for message in request.messages
    )
    return completion_request._replace(request=request._replace(messages=messages))


def _fetch_all(
    remote: list[RemoteImage], deadline_s: float, fetch: Callable[..., bytes]
) -> dict[str, Image]:
    """Return the pictures by their fields; all together are no larger than a body may be."""
    left_bytes = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    fetched: dict[str, Image] = {}
    for image in remote:
        try:
            data = fetch(
                image.address,
                deadline_s=deadline_s,
                max_bytes=min(MAX_IMAGE_BYTES, left_bytes),
            )
        except ImageNotFetched as error:
            raise UnsupportedContent(f"{image.param} {error}", param=image.param) from error
        left_bytes -= len(data)
        fetched[image.param] = Image(data, _mime_type(data, image.param))
    return fetched


def _instead(image: Image, fetched: dict[str, Image]) -> Image:
    return fetched[image.param] if isinstance(image, RemoteImage) else image


def _mime_type(data: bytes, param: str) -> str:
    """Return the type that the bytes themselves show, whatever the server calls them."""
    if (mime_type := shown_type(data)) is not None:
        return mime_type
    types = ", ".join(sorted(IMAGE_TYPES))
    raise UnsupportedContent(f"{param} leads to no picture of {types}.", param=param)


def _refuse_blind_models(
    completion_request: CompletionRequest, principal: Principal, image: RemoteImage
) -> None:
    known = resolve_requested(completion_request.models, principal, kind="chat")
    usable = [
        model
        for requested in CallerContext.of(principal).within_tier(known)
        for model in requested.models
    ]
    if not any(route.profile.images for model in usable for route in model.routes):
        raise UnsupportedContent(
            f"{image.param}: {usable[0].id} takes no pictures. "
            "GET /v1/models lists in `architecture` which models do.",
            param=image.param,
        )
