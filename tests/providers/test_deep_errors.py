"""An error nested deeper than JSON is written is an error of its kind all the same."""

import pytest

from gateway.providers._shared.redaction import redact
from gateway.providers._shared.streaming import ChunkReader
from gateway.providers._shared.tool_names import ToolNames
from gateway.providers.errors import ProviderUnavailable
from gateway.providers.gigachat.chunks import GigaChatChunkReader as GigaChatReader
from gateway.providers.openai_compatible.chunks import OpenAIChunkReader as OpenAICompatibleReader
from gateway.providers.yandexgpt.chunks import YandexChunkReader as YandexGPTReader

DEEP = b"[" * 300 + b"]" * 300
NAMES = ToolNames(())
READERS: dict[str, tuple[ChunkReader, bytes]] = {
    "gigachat": (
        GigaChatReader(names=NAMES, mint_id=str, redact=redact),
        b'data: {"status": 500, "details": %s}' % DEEP,
    ),
    "openai_compatible": (
        OpenAICompatibleReader(provider="server", names=NAMES, mint_id=str, redact=redact),
        b'data: {"error": {"code": 500, "details": %s}}' % DEEP,
    ),
    "yandexgpt": (
        YandexGPTReader(names=NAMES, mint_id=str, redact=redact),
        b'{"error": {"httpCode": 500, "details": %s}}' % DEEP,
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_a_deep_error_keeps_its_kind(name: str) -> None:
    reader, line = READERS[name]
    with pytest.raises(ProviderUnavailable) as raised:
        reader.line(line)
    assert raised.value.status == 500
