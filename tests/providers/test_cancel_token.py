"""Readers who leave, and callers who cut a silent upstream."""

import gc
import pathlib
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence

import pytest

from gateway.providers._shared.http_client import drain
from gateway.providers._shared.http_connection import HttpConnection
from gateway.providers.base import Abort
from gateway.providers.errors import (
    ProviderError,
    ProviderUnavailable,
)
from gateway.providers.tick import TICK
from tests.providers.asking import (
    HANG_S,
    OpenClient,
    WatchedCancelToken,
    always,
    fetch,
    read_lines,
    send,
)
from tests.providers.canned import CannedRequest, CannedServer, Step, chunk, reply, stream_head
from tests.providers.certificates import make_certificate, server_tls


def test_a_stream_left_in_the_middle_closes_its_connection(open_client: OpenClient):
    with CannedServer(always(stream_head() + chunk("a\n"), "hold")) as server:
        response = send(open_client(server.url))
        assert next(iter(response.lines())) == b"a"
        response.close()
        response.close()
        assert server.left.wait(HANG_S)


def test_a_request_left_before_its_answer_closes_its_connection(open_client: OpenClient):
    cancel_token = WatchedCancelToken()
    with CannedServer(always("hold")) as server:
        client = open_client(server.url, tick_s=0.01)
        steps = client.send("POST", "/", headers={}, body=b"", cancel_token=cancel_token)
        assert next(steps) == TICK
        steps.close()
        assert server.left.wait(HANG_S)
    assert cancel_token.unbound == 1


@pytest.mark.parametrize("text", [b"", stream_head() + chunk("one\n")])
def test_the_caller_may_cut_a_silent_upstream_from_another_thread(
    open_client: OpenClient, text: bytes
):
    cancel_token = WatchedCancelToken()
    asked = threading.Event()
    caught: list[Exception] = []

    def answer(_: CannedRequest) -> Iterator[Step]:
        asked.set()
        yield text
        yield "hold"

    with CannedServer(answer) as server:
        client = open_client(server.url)

        def read() -> None:
            try:
                response = send(client, cancel_token=cancel_token)
                try:
                    list(response.lines())
                finally:
                    response.close()
            except ProviderError as error:
                caught.append(error)

        reader = threading.Thread(target=read)
        reader.start()
        assert asked.wait(HANG_S)
        assert cancel_token.abort is not None
        cancel_token.abort()
        reader.join(HANG_S)
        assert not reader.is_alive()
        assert server.left.wait(HANG_S)
        assert (len(caught), cancel_token.unbound, server.connections) == (1, 1, 1)


def test_a_caller_who_has_left_before_the_request_sends_none(open_client: OpenClient):
    class Gone(WatchedCancelToken):
        def bind(self, abort: Abort) -> None:
            super().bind(abort)
            abort()

    cancel_token = Gone()
    with CannedServer(always(reply("ok"))) as server:
        with pytest.raises(ProviderUnavailable):
            send(open_client(server.url), cancel_token=cancel_token)
        assert not server.requests
    assert cancel_token.unbound == 1


def test_a_cut_upstream_on_a_kept_connection_is_not_asked_again(open_client: OpenClient):
    cancel_token = WatchedCancelToken()

    def answer(request: CannedRequest) -> Sequence[Step]:
        if len(server.requests) == 1:
            return [reply("ok")]
        assert cancel_token.abort is not None
        cancel_token.abort()
        return ["hold"]

    with CannedServer(answer) as server:
        client = open_client(server.url)
        fetch(client)
        with pytest.raises(ProviderUnavailable):
            fetch(client, cancel_token=cancel_token)
        assert (len(server.requests), server.connections) == (2, 1)


def test_an_abort_that_comes_late_does_not_hit_the_next_user(open_client: OpenClient):
    cancel_token = WatchedCancelToken()
    with CannedServer(always(reply("ok"))) as server:
        client = open_client(server.url)
        fetch(client, cancel_token=cancel_token)
        assert cancel_token.abort is not None
        cancel_token.abort()
        assert fetch(client) == b"ok"
        assert server.connections == 1


def test_a_silent_upstream_behind_tls_is_cut_as_well(
    open_client: OpenClient, tmp_path: pathlib.Path
):
    pem = make_certificate(tmp_path)
    cancel_token = WatchedCancelToken()
    with CannedServer(always("hold"), tls=server_tls(pem)) as server:
        client = open_client(server.url, ca_bundle_file=str(pem), tick_s=0.05)
        steps = client.send("POST", "/", headers={}, body=b"", cancel_token=cancel_token)
        assert next(steps) == TICK
        assert cancel_token.abort is not None
        cancel_token.abort()
        with pytest.raises(ProviderUnavailable):
            drain(steps)


def test_finished_and_abandoned_requests_leave_nothing_behind(open_client: OpenClient):
    with CannedServer(always(stream_head() + chunk("a\n"), 0.005, chunk(""))) as server:
        client = open_client(server.url)
        read_lines(client)
        fds = len(list(pathlib.Path("/proc/self/fd").iterdir()))
        gc.collect()
        others = {id(item) for item in gc.get_objects() if type(item) is HttpConnection}
        gc.disable()
        try:
            for _ in range(30):
                read_lines(client)
                response = send(client)
                next(iter(response.lines()))
                response.close()
            del response
            found = [item for item in gc.get_objects() if type(item) is HttpConnection]
        finally:
            gc.enable()
        client.close()
    assert len(list(pathlib.Path("/proc/self/fd").iterdir())) <= fds
    assert len([item for item in found if id(item) not in others]) <= 1  # kept for the next request


GEVENT = """
from gevent import monkey
monkey.patch_all()
import sys
import gevent
from gateway.providers.errors import ProviderError
from gateway.providers._shared.http_client import Deadline, HttpClient, drain
from gateway.providers.tick import TICK, TICK_S

plain, cut = sys.argv[1:3]
bundle = sys.argv[3]

class Watched(Deadline):
    def bind(self, abort):
        self.abort = abort

def ask(path, cancel_token):
    response = drain(client.send("POST", path, headers={}, body=b"", cancel_token=cancel_token))
    try:
        return [line for line in response.lines() if line is not None]
    finally:
        response.close()

for url in (plain, cut):
    client = HttpClient(url, provider="p", ca_bundle_file=bundle, tick_s=0.05)
    jobs = [gevent.spawn(ask, "/", Deadline(20.0)) for _ in range(20)]
    gevent.joinall(jobs, raise_error=True)
    assert all(job.value == [b"a"] for job in jobs), jobs
    assert ask("/", Deadline(20.0)) == [b"a"]
    cancel_token = Watched(20.0)
    job = gevent.spawn(ask, "/hold", cancel_token)
    gevent.sleep(0.2)
    cancel_token.abort()
    job.join(10)
    assert isinstance(job.exception, ProviderError), job.exception
    client.close()
print("fine", end="")
"""


def test_all_of_it_works_under_gevent(tmp_path: pathlib.Path):
    pem = make_certificate(tmp_path)

    def answer(request: CannedRequest) -> Sequence[Step]:
        if request.target == "/hold":
            return ["hold"]
        return [stream_head() + chunk("a\n"), 0.01, chunk("")]

    with CannedServer(answer) as plain, CannedServer(answer, tls=server_tls(pem)) as safe:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", GEVENT, plain.url, safe.url, str(pem)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.stdout, done.returncode) == ("fine", 0), done.stderr
        assert plain.connections <= 22
        assert safe.connections <= 22
