"""OpenAI's own client over the views, without a server: an httpx transport of Django's test client."""

from typing import Any

import httpx2
import openai
from django.test import Client


class DjangoTransport(httpx2.BaseTransport):
    """Hands a request to the views and their answer back, a stream frame by frame."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        client = Client(raise_request_exception=False)
        headers = {
            name: value
            for name, value in request.headers.items()
            if name not in ("content-length", "host")
        }
        answer: Any = client.generic(
            request.method,
            request.url.raw_path.decode(),
            request.read(),
            request.headers.get("content-type", ""),
            headers=headers,
        )
        body = answer.streaming_content if answer.streaming else [answer.content]
        return httpx2.Response(answer.status_code, headers=dict(answer.items()), content=body)


def sdk(key: str, prefix: str = "/v1") -> openai.OpenAI:
    """Return the client; it validates every answer against its own types."""
    return openai.OpenAI(
        base_url=f"http://testserver{prefix}",
        api_key=key,
        max_retries=0,
        http_client=httpx2.Client(transport=DjangoTransport()),
        _strict_response_validation=True,
    )
