"""Which images a provider takes, as data: a request is fitted to it before anybody is asked."""

from dataclasses import dataclass

from gateway.providers.chat_types import Image

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """`types` and `image_bytes` are of each image, `images` and `total_bytes` of a whole request.

    `names` is what people call the types. A fault is said behind who does not take it.
    """

    types: frozenset[str]
    names: str
    image_bytes: int
    images: int
    total_bytes: int

    def fault_of(self, image: Image) -> str:
        """Say why an image is not taken, "" where it is."""
        if image.mime_type.lower() not in self.types:
            return f"takes pictures of {self.names} only"
        if len(image.data) > self.image_bytes:
            return f"takes pictures of {self.image_bytes // MEBIBYTE} MB at most"
        return ""

    def fault_of_all(self, images: int, total_bytes: int) -> str:
        """Say why so many images of so many bytes are not taken together, "" where they are."""
        if images > self.images:
            return f"takes {self.images} pictures in a request at most"
        if total_bytes > self.total_bytes:
            return f"takes {self.total_bytes // MEBIBYTE} MB of pictures in a request at most"
        return ""
