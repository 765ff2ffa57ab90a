"""Record an agent's session: a proxy before the service that keeps each request to a model, a line each.

`.venv/bin/python -m bench.record session.jsonl --service http://127.0.0.1:8000 --port 8900`; the agent is given
the proxy's address, and `.venv/bin/python -m bench.turns --session session.jsonl` replays the turns.
A recording holds the agent's own texts, so none is kept here.
"""

import argparse
import http.client
import json
import pathlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

ONE_HOP = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}
"""Headers that a proxy writes itself."""
PIECE_BYTES = 65_536


def recorder(output: pathlib.Path, service: str) -> type[BaseHTTPRequestHandler]:
    """Return the handler of a proxy that appends `{"path", "body"}` of each POST to a file."""
    address = urlsplit(service)
    lock = threading.Lock()

    class Recorder(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            line = json.dumps({"path": self.path, "body": json.loads(body)}, ensure_ascii=False)
            with lock, output.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
            self._pass_on("POST", body)

        def do_GET(self) -> None:
            self._pass_on("GET", b"")

        def do_HEAD(self) -> None:
            self._pass_on("HEAD", b"")

        def _pass_on(self, method: str, body: bytes) -> None:
            connection = http.client.HTTPConnection(address.netloc)
            headers = {k: v for k, v in self.headers.items() if k.lower() not in ONE_HOP}
            connection.request(method, self.path, body, headers)
            answer = connection.getresponse()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ONE_HOP:
                    self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            while piece := answer.read1(PIECE_BYTES):
                self.wfile.write(piece)
            connection.close()
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing of each request."""

    return Recorder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--service", default="http://127.0.0.1:8000")
    parser.add_argument("--port", type=int, default=8900)
    options = parser.parse_args()
    handler = recorder(options.output, options.service)
    with ThreadingHTTPServer(("127.0.0.1", options.port), handler) as proxy:
        proxy.serve_forever()


if __name__ == "__main__":
    main()
