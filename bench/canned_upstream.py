"""An upstream that speaks GigaChat's wire with one canned answer, as fast as Python can.

`python -m bench.canned_upstream PORT`
"""

import asyncio
import sys

ANSWER = (
    '{"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant",'
    '"content":"' + "Ответ шлюза на вопрос. " * 12 + '"}}],"created":1795300000,'
    '"model":"GigaChat-2-Pro:2.0.28.2","object":"chat.completion","usage":{"prompt_tokens":60,'
    '"completion_tokens":70,"total_tokens":130,"precached_prompt_tokens":0}}'
).encode()
TOKEN = b'{"access_token":"canned","expires_at":4102444800000}'
CHUNKS = 100
CHUNK_INTERVAL_S = 0.05


WORD = (
    'data: {"choices":[{"delta":{"content":"слово "},"index":0}],"created":1795300000,'
    '"model":"GigaChat-2-Pro:2.0.28.2","object":"chat.completion"}\n\n'
).encode()
END = (
    b'data: {"choices":[{"delta":{"content":""},"index":0,"finish_reason":"stop"}],'
    b'"created":1795300000,"model":"GigaChat-2-Pro:2.0.28.2","object":"chat.completion",'
    b'"usage":{"prompt_tokens":60,"completion_tokens":100,"total_tokens":160,'
    b'"precached_prompt_tokens":0}}\n\ndata: [DONE]\n\n'
)


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _whole(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


class Upstream(asyncio.Protocol):
    """One connection; requests are told apart by their path and by `"stream":true`."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        length = 0
        for line in head.split(b"\r\n")[1:]:
            if line[:15].lower() == b"content-length:":
                length = int(line[15:])
        if len(body) < length:
            return
        self._received = body[length:]
        if b"/oauth" in head[:80]:
            self._transport.write(_whole(TOKEN))
        elif b'"stream":true' in body.replace(b" ", b""):
            self._task = asyncio.ensure_future(self._stream())
        else:
            self._transport.write(_whole(ANSWER))

    async def _stream(self) -> None:
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        framed = _framed(WORD)
        for _ in range(CHUNKS):
            self._transport.write(framed)
            await asyncio.sleep(CHUNK_INTERVAL_S)
        self._transport.write(_framed(END) + b"0\r\n\r\n")


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(
        Upstream, "127.0.0.1", port, backlog=4096
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
