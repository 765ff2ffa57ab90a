"""The address of a picture: a data URL, or one to fetch it from."""

from dataclasses import dataclass
from typing import Any

from gateway.api.remote_images.download import ImageAddress, ImageNotFetched, read_address
from gateway.api.schema.fields import FieldType, JSONObject, unsupported
from gateway.providers.chat_types import Image


@dataclass(frozen=True, slots=True)
class RemoteImage(Image):
    """A picture that is still to be fetched: it has no bytes yet. `param` is the field that names it."""

    address: ImageAddress
    param: str = ""


@dataclass(frozen=True, slots=True)
class PictureURLType(FieldType):
    """A picture as `data_url` reads it; of any other scheme than data, as its address alone."""

    data_url: FieldType

    def read(self, value: Any) -> Any:
        if not isinstance(value, str) or value[:100].lstrip()[:5].lower() == "data:":
            return self.data_url.read(value)
        try:
            return RemoteImage(b"", "", read_address(value.strip()))
        except ImageNotFetched as error:
            raise unsupported(str(error)) from error

    def json_schema(self) -> JSONObject:
        data = self.data_url.json_schema()
        return {
            "type": "string",
            "description": "A data URL, or a public http or https address that does not redirect.",
            "pattern": rf"{data['pattern']}|^\s*[hH][tT][tT][pP][sS]?://",
        }
