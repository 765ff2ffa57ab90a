"""Traces and error reports go where the operator says, and bear no text of anybody."""

import gzip
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.live.callers import wait_until
from tests.live.service import Service, serve

CANARY = "canary-of-a-prompt"
OWN_NAME = "gateway-of-moscow"


class Receiver(http.server.ThreadingHTTPServer):
    """Takes whatever is posted."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.posted: list[tuple[str, bytes]] = []


class _Take(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.posted.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def watched(
    receiver: Receiver, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    host = f"127.0.0.1:{receiver.server_address[1]}"
    with serve(
        request.config.option.store,
        tmp_path_factory.mktemp("telemetry"),
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"http://{host}/v1/traces",
        OTEL_BSP_SCHEDULE_DELAY="100",
        OTEL_SERVICE_NAME=OWN_NAME,
        SENTRY_DSN=f"http://key@{host}/1",
    ) as service:
        yield service


def test_a_completion_is_a_span_in_its_callers_trace_without_a_word_of_it(
    watched: Service, receiver: Receiver
):
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    with watched.http() as http:
        answer = http.post(
            "/v1/chat/completions",
            headers={"traceparent": f"00-{trace}-{parent}-01"},
            json={"model": "gigachat-pro", "messages": [{"role": "user", "content": CANARY}]},
        ).json()

    def spans() -> dict[str, dict[str, object]]:
        found = {}
        for path, body in receiver.posted:
            if path == "/v1/traces":
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    names = {
                        item.key: item.value.string_value for item in resource.resource.attributes
                    }
                    assert names["service.name"] == OWN_NAME
                    for scope in resource.scope_spans:
                        for span in scope.spans:
                            if span.trace_id.hex() == trace:
                                values = {
                                    item.key: item.value.string_value or item.value.int_value
                                    for item in span.attributes
                                }
                                found[span.name] = values | {"parent": span.parent_span_id.hex()}
        return found

    wait_until(lambda: len(spans()) == 2, "both spans have come")
    request, completion = spans()["POST /v1/chat/completions"], spans()["chat gigachat-pro"]
    assert request["parent"] == parent
    assert request["http.response.status_code"] == 200
    assert completion["gen_ai.response.id"] == answer["id"]
    assert completion["gen_ai.usage.input_tokens"] == answer["usage"]["prompt_tokens"]
    assert CANARY.encode() not in b"".join(body for _, body in receiver.posted)


def test_a_failure_of_ours_is_reported_without_secrets(
    watched: Service, receiver: Receiver, tmp_path: Path
):
    """A periodic job that fails is an error of the log, which is what is reported."""
    watched.python(
        """
        import logging, sentry_sdk
        prompt = "canary-of-a-prompt"
        logging.getLogger("x").error("failed with xr-live-" + "a" * 49)
        sentry_sdk.flush()
        """
    )
    wait_until(
        lambda: any(path.startswith("/api/1/") for path, _ in receiver.posted), "it has come"
    )
    sent = b"".join(body for path, body in receiver.posted if path.startswith("/api/1/"))
    assert b"xr-live-[redacted]" in sent
    assert b"aaaaaaaa" not in sent
    assert CANARY.encode() not in sent
