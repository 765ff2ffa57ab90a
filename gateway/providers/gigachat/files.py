"""Images, which GigaChat takes as files: uploaded before the completion, deleted after it.

Source: developers.sber.ru/docs/ru/gigachat/api/reference/rest/post-file; read 2026-11.
"""

import logging
from collections.abc import Generator, Sequence
from typing import Any
from urllib.parse import quote

import orjson
from urllib3 import encode_multipart_formdata

from gateway.providers._shared.api_client import JSON_HEADERS, ApiClient
from gateway.providers._shared.http_client import Deadline, drain
from gateway.providers.base import CancelToken
from gateway.providers.chat_types import Image, Message
from gateway.providers.errors import (
    ProviderError,
    ProviderProtocolError,
    ProviderRejected,
    UnsupportedInput,
)
from gateway.providers.gigachat.failures import PROVIDER
from gateway.providers.image_limits import MEBIBYTE, ImageLimits
from gateway.providers.tick import Tick

DELETION_S = 5.0
_ENDINGS = {"image/bmp": "bmp", "image/jpeg": "jpg", "image/png": "png", "image/tiff": "tiff"}
IMAGE_LIMITS = ImageLimits(
    types=frozenset({*_ENDINGS, "image/jpg"}),
    names="JPEG, PNG, TIFF and BMP",
    image_bytes=15 * MEBIBYTE,
    images=10,
    total_bytes=80 * MEBIBYTE,
)
"""One image a message is a limit too, which `conversation.py` keeps."""

log = logging.getLogger(__name__)


def refuse_unfit(messages: Sequence[Message]) -> None:
    """Raise UnsupportedInput for images that GigaChat does not take."""
    images = 0
    total_bytes = 0
    for index, message in enumerate(messages):
        for image in message.images:
            images += 1
            total_bytes += len(image.data)
            fault = IMAGE_LIMITS.fault_of(image) or IMAGE_LIMITS.fault_of_all(images, total_bytes)
            if fault:
                raise UnsupportedInput(f"GigaChat {fault}.", param=f"messages[{index}].content")


class GigaChatFiles:
    """The files of one completion."""

    def __init__(self, api: ApiClient, path: str) -> None:
        self._api = api
        self._path = path
        self._ids: list[str] = []

    def upload(
        self, messages: Sequence[Message], cancel_token: CancelToken
    ) -> Generator[Tick, None, dict[int, list[str]]]:
        """Upload every image; return the ids by the index of the message."""
        attachments: dict[int, list[str]] = {}
        for index, message in enumerate(messages):
            for image in message.images:
                try:
                    file_id = yield from self._upload(image, cancel_token)
                except ProviderRejected as error:
                    # Whatever the status: the image is refused here, and not the length of the dialogue.
                    error.context_length_exceeded = False
                    error.param = f"messages[{index}].content"
                    raise
                attachments.setdefault(index, []).append(file_id)
        return attachments

    def delete(self) -> None:
        """Delete what was uploaded; a failure is only logged, for the completion is over.

        The caller may have left, so this has a deadline of its own.
        """
        deadline = Deadline(DELETION_S)
        while self._ids:
            file_id = self._ids.pop()
            path = f"{self._path}/{quote(file_id, safe='')}/delete"
            try:
                drain(self._api.ask(path, b"", cancel_token=deadline))
            except ProviderError as error:
                log.warning("The file %s was not deleted: %s", file_id, error.message)

    def _upload(self, image: Image, cancel_token: CancelToken) -> Generator[Tick, None, str]:
        mime_type = _mime_type(image)
        name = f"image.{_ENDINGS[mime_type]}"
        body, content_type = encode_multipart_formdata(
            {"file": (name, image.data, mime_type), "purpose": "general"}
        )
        answer = yield from self._api.ask(
            self._path,
            body,
            cancel_token=cancel_token,
            headers={**JSON_HEADERS, "Content-Type": content_type},
        )
        file_id = _file_id(answer)
        self._ids.append(file_id)
        return file_id


def _mime_type(image: Image) -> str:
    mime_type = image.mime_type.lower()
    return "image/jpeg" if mime_type == "image/jpg" else mime_type


def _file_id(answer: bytes) -> str:
    try:
        card: Any = orjson.loads(answer)
    except orjson.JSONDecodeError:
        card = None
    file_id = card.get("id") if isinstance(card, dict) else None
    if not isinstance(file_id, str) or not file_id:
        raise ProviderProtocolError(
            "The provider gave no id for an uploaded image.", provider=PROVIDER, status=200
        )
    return file_id
