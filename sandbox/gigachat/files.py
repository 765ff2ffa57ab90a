"""The files that callers of the emulated GigaChat upload and name in their messages."""

import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any

from sandbox.core.fields import WrongField
from sandbox.core.multipart import Part

_MIB = 2**20
_MOST_STORED_BYTES = 256 * _MIB
_IMAGES = ("image/jpeg", "image/png", "image/tiff", "image/bmp")
_AUDIO = ("audio/mpeg", "audio/mp3", "audio/mp4", "audio/x-m4a", "audio/wav", "audio/x-wav",
          "audio/wave", "audio/ogg", "audio/opus", "audio/webm")  # fmt: skip
_DOCUMENTS = (
    "text/plain", "application/pdf", "application/epub", "application/epub+zip",
    "application/msword", "application/ppt", "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
)  # fmt: skip
_MOST_BYTES = {
    **dict.fromkeys(_IMAGES, 15 * _MIB),
    **dict.fromkeys(_AUDIO, 35 * _MIB),
    **dict.fromkeys(_DOCUMENTS, 40 * _MIB),
}


class FileTooLarge(Exception):
    """Say that an upload is over the limit of its kind."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An uploaded file."""

    id: str
    name: str
    content_type: str
    data: bytes
    created_at: int

    @property
    def is_image(self) -> bool:
        """Return whether a model needs eyes for it."""
        return self.content_type in _IMAGES

    def described(self) -> str:
        """Return what a model says of the file."""
        return f"{self.name} ({self.content_type}, {len(self.data)} B)"

    def listed(self) -> dict[str, Any]:
        """Return the file as the API shows it."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.data),
            "created_at": self.created_at,
            "filename": self.name,
            "purpose": "general",
            "access_policy": "private",
        }


class FileStore:
    """The files of one client; the oldest give way when too much is kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: dict[str, StoredFile] = {}

    def add(self, parts: list[Part]) -> StoredFile:
        """Store the file of a form. Raises WrongField, FileTooLarge."""
        fields = {part.name: part for part in parts}
        file, purpose = fields.get("file"), fields.get("purpose")
        if file is None or not file.file_name:
            raise WrongField("file must be a file with a name")
        if purpose is None or purpose.data != b"general":
            raise WrongField("purpose must be general")
        if file.content_type not in _MOST_BYTES:
            raise WrongField(f"file type {file.content_type or 'unknown'} is not supported")
        if len(file.data) > _MOST_BYTES[file.content_type]:
            raise FileTooLarge
        stored = StoredFile(
            str(uuid.uuid4()), file.file_name, file.content_type, file.data, int(time.time())
        )
        with self._lock:
            self._files[stored.id] = stored
            while sum(len(item.data) for item in self._files.values()) > _MOST_STORED_BYTES:
                del self._files[next(iter(self._files))]
        return stored

    def attached(self, file_id: Any) -> StoredFile:
        """Return a file that a message names. Raises WrongField."""
        file = self.get(file_id) if isinstance(file_id, str) else None
        if file is None:
            raise WrongField(f"attachment {file_id} is not found")
        return file

    def get(self, file_id: str) -> StoredFile | None:
        """Return a file, if it is here."""
        return self._files.get(file_id)

    def remove(self, file_id: str) -> bool:
        """Delete a file; return whether it was here."""
        with self._lock:
            return self._files.pop(file_id, None) is not None

    def every(self) -> list[StoredFile]:
        """Return all files, the oldest first."""
        with self._lock:
            return [*self._files.values()]
