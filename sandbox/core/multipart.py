"""The form in which files are uploaded (multipart/form-data)."""

from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser


class NotMultipart(Exception):
    """Say that a body is no multipart form."""


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form; `content_type` is empty where the part names none."""

    name: str
    file_name: str | None
    content_type: str
    data: bytes

    def described(self) -> object:
        """Return the text of a plain field, and the outline of a file."""
        if self.file_name is None:
            return self.data.decode(errors="replace")
        return {"filename": self.file_name, "type": self.content_type, "bytes": len(self.data)}


def parse_form(content_type: str, body: bytes) -> list[Part]:
    """Return the fields of a multipart body. Raises NotMultipart."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_param("boundary")
    if header.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        raise NotMultipart("the content type is not multipart/form-data with a boundary")
    first, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary.encode())
    if first or not parts or parts[-1].strip() != b"--":
        raise NotMultipart("the body does not keep to its boundary")
    return [_parse_part(part) for part in parts[:-1]]


def _parse_part(part: bytes) -> Part:
    head, separator, data = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    if not separator:
        raise NotMultipart("a part has no head")
    headers = BytesHeaderParser().parsebytes(head)
    name = headers.get_param("name", header="content-disposition")
    if not isinstance(name, str):
        raise NotMultipart("a part has no name")
    kind = headers.get_content_type() if "content-type" in headers else ""
    return Part(name, headers.get_filename(), kind, data)
