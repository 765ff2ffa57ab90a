"""Readers who leave, and callers who cut a silent upstream."""

import gc
import pathlib
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence

import pytest

from gateway.providers.base import Abort
from gateway.providers.chat_types import TICK
from gateway.providers.errors import (
    ProviderError,
    ProviderUnavailable,
)
from gateway.providers.http_client import run_out
from gateway.providers.http_connection import Connection
from tests.providers.asking import HANG_S, OpenClient, Watched, always, fetch, read_lines, send
from tests.providers.canned import CannedServer, Request, Step, chunk, reply, stream_head
from tests.providers.certificates import make_certificate, server_tls


def test_a_stream_left_in_the_middle_closes_its_connection(open_client: OpenClient):
    with CannedServer(always(stream_head() + chunk("a\n"), "hold")) as server:
        response = send(open_client(server.url))
        assert next(iter(response.lines())) == b"a"
        response.close()
        response.close()
        assert server.left.wait(HANG_S)


def test_a_request_left_before_its_answer_closes_its_connection(open_client: OpenClient):
    lifeline = Watched()
    with CannedServer(always("hold")) as server:
        client = open_client(server.url, tick_s=0.01)
        steps = client.send("POST", "/", headers={}, body=b"", lifeline=lifeline)
        assert next(steps) == TICK
        steps.close()
        assert server.left.wait(HANG_S)
    assert lifeline.detached == 1


@pytest.mark.parametrize("said", [b"", stream_head() + chunk("one\n")])
def test_the_caller_may_cut_a_silent_upstream_from_another_thread(
    open_client: OpenClient, said: bytes
):
    lifeline = Watched()
    asked = threading.Event()
    caught: list[Exception] = []

    def answer(_: Request) -> Iterator[Step]:
        asked.set()
        yield said
        yield "hold"

    with CannedServer(answer) as server:
        client = open_client(server.url)

        def read() -> None:
            try:
                response = send(client, lifeline=lifeline)
                try:
                    list(response.lines())
                finally:
                    response.close()
            except ProviderError as error:
                caught.append(error)

        reader = threading.Thread(target=read)
        reader.start()
        assert asked.wait(HANG_S)
        assert lifeline.abort is not None
        lifeline.abort()
        reader.join(HANG_S)
        assert not reader.is_alive()
        assert server.left.wait(HANG_S)
        assert (len(caught), lifeline.detached, server.connections) == (1, 1, 1)


def test_a_caller_who_has_left_before_the_request_sends_none(open_client: OpenClient):
    class Gone(Watched):
        def attach(self, abort: Abort) -> None:
            super().attach(abort)
            abort()

    lifeline = Gone()
    with CannedServer(always(reply("ok"))) as server:
        with pytest.raises(ProviderUnavailable):
            send(open_client(server.url), lifeline=lifeline)
        assert not server.requests
    assert lifeline.detached == 1


def test_a_cut_upstream_on_a_kept_connection_is_not_asked_again(open_client: OpenClient):
    lifeline = Watched()

    def answer(request: Request) -> Sequence[Step]:
        if len(server.requests) == 1:
            return [reply("ok")]
        assert lifeline.abort is not None
        lifeline.abort()
        return ["hold"]

    with CannedServer(answer) as server:
        client = open_client(server.url)
        fetch(client)
        with pytest.raises(ProviderUnavailable):
            fetch(client, lifeline=lifeline)
        assert (len(server.requests), server.connections) == (2, 1)


def test_an_abort_that_comes_late_does_not_hit_the_next_user(open_client: OpenClient):
    lifeline = Watched()
    with CannedServer(always(reply("ok"))) as server:
        client = open_client(server.url)
        fetch(client, lifeline=lifeline)
        assert lifeline.abort is not None
        lifeline.abort()
        assert fetch(client) == b"ok"
        assert server.connections == 1


def test_a_silent_upstream_behind_tls_is_cut_as_well(
    open_client: OpenClient, tmp_path: pathlib.Path
):
    pem = make_certificate(tmp_path)
    lifeline = Watched()
    with CannedServer(always("hold"), tls=server_tls(pem)) as server:
        client = open_client(server.url, ca_bundle_file=str(pem), tick_s=0.05)
        steps = client.send("POST", "/", headers={}, body=b"", lifeline=lifeline)
        assert next(steps) == TICK
        assert lifeline.abort is not None
        lifeline.abort()
        with pytest.raises(ProviderUnavailable):
            run_out(steps)


def test_finished_and_abandoned_requests_leave_nothing_behind(open_client: OpenClient):
    with CannedServer(always(stream_head() + chunk("a\n"), 0.005, chunk(""))) as server:
        client = open_client(server.url)
        read_lines(client)
        fds = len(list(pathlib.Path("/proc/self/fd").iterdir()))
        gc.collect()
        others = {id(one) for one in gc.get_objects() if type(one) is Connection}
        gc.disable()
        try:
            for _ in range(30):
                read_lines(client)
                response = send(client)
                next(iter(response.lines()))
                response.close()
            del response
            found = [one for one in gc.get_objects() if type(one) is Connection]
        finally:
            gc.enable()
        client.close()
    assert len(list(pathlib.Path("/proc/self/fd").iterdir())) <= fds
    assert len([one for one in found if id(one) not in others]) <= 1  # kept for the next request


GEVENT = """
from gevent import monkey
monkey.patch_all()
import sys
import gevent
from gateway.providers.base import TICK_S
from gateway.providers.errors import ProviderError
from gateway.providers.http_client import Countdown, HttpClient, run_out

plain, cut = sys.argv[1:3]
bundle = sys.argv[3]

class Watched(Countdown):
    def attach(self, abort):
        self.abort = abort

def ask(path, lifeline):
    response = run_out(client.send("POST", path, headers={}, body=b"", lifeline=lifeline))
    try:
        return [line for line in response.lines() if line is not None]
    finally:
        response.close()

for url in (plain, cut):
    client = HttpClient(url, provider="p", ca_bundle_file=bundle, tick_s=0.05)
    jobs = [gevent.spawn(ask, "/", Countdown(20.0)) for _ in range(20)]
    gevent.joinall(jobs, raise_error=True)
    assert all(job.value == [b"a"] for job in jobs), jobs
    assert ask("/", Countdown(20.0)) == [b"a"]
    lifeline = Watched(20.0)
    job = gevent.spawn(ask, "/hold", lifeline)
    gevent.sleep(0.2)
    lifeline.abort()
    job.join(10)
    assert isinstance(job.exception, ProviderError), job.exception
    client.close()
print("fine", end="")
"""


def test_all_of_it_works_under_gevent(tmp_path: pathlib.Path):
    pem = make_certificate(tmp_path)

    def answer(request: Request) -> Sequence[Step]:
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
