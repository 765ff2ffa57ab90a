"""A load client over raw connections: whole requests in closed loops, or streams side by side."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Sample:
    """What one round measured; times in seconds."""

    elapsed_s: float = 0.0
    failures: Counter[str] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)
    first_chunks_s: list[float] = field(default_factory=list)
    chunks: int = 0

    @property
    def per_second(self) -> float:
        return len(self.latencies_s) / self.elapsed_s

    def latency_ms(self, share: float) -> float:
        return 1000 * percentile(self.latencies_s, share)


def percentile(values: list[float], share: float) -> float:
    """Return the value below which `share` of `values` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


@dataclass(frozen=True)
class Target:
    """Where a request goes and what it says; connections take the keys in turn."""

    port: int
    path: str
    keys: tuple[str, ...]
    body: bytes

    def request(self, connection: int) -> bytes:
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Authorization: Bearer {self.keys[connection % len(self.keys)]}\r\nUser-Agent: bench\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


async def plain(target: Target, *, connections: int, duration_s: float) -> Sample:
    """Keep `connections` closed loops busy for `duration_s`."""
    sample = Sample()
    started_s = time.perf_counter()
    until_s = started_s + duration_s
    await asyncio.gather(
        *(
            _loop(target.request(index), target.port, sample, until_s)
            for index in range(connections)
        )
    )
    sample.elapsed_s = time.perf_counter() - started_s
    return sample


async def _loop(request: bytes, port: int, sample: Sample, until_s: float) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    while (sent_s := time.perf_counter()) < until_s:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line[:15].lower() == b"content-length:":
                length = int(line[15:])
        await reader.readexactly(length)
        if head[9:12] == b"200":
            sample.latencies_s.append(time.perf_counter() - sent_s)
        else:
            sample.failures[head[9:12].decode()] += 1
    writer.close()


async def streams(target: Target, *, count: int, ramp_s: float) -> Sample:
    """Open `count` streams over `ramp_s` and read each to its end."""
    sample = Sample()
    started_s = time.perf_counter()
    await asyncio.gather(
        *(
            _stream(target.request(index), target.port, sample, ramp_s * index / count)
            for index in range(count)
        )
    )
    sample.elapsed_s = time.perf_counter() - started_s
    return sample


async def _stream(request: bytes, port: int, sample: Sample, delay_s: float) -> None:
    await asyncio.sleep(delay_s)
    sent_s = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    is_first = True
    tail = b""
    while head[9:12] == b"200" and b"[DONE]" not in tail:
        data = await reader.read(65536)
        if not data:
            break
        sample.chunks += data.count(b"data: ")
        if is_first:
            is_first = False
            sample.first_chunks_s.append(time.perf_counter() - sent_s)
        tail = tail[-16:] + data
    if b"[DONE]" in tail:
        sample.latencies_s.append(time.perf_counter() - sent_s)
    else:
        sample.failures[head[9:12].decode()] += 1
    writer.close()
