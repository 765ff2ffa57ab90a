"""OpenRouter's dialect of a running service: a stream that ends well, and one that breaks."""

from typing import Any

import openai
import pytest

from sandbox.core.faults import cut
from tests.api.test_openrouter import fits
from tests.live.callers import events_in
from tests.live.service import Service

HELLO: Any = [{"role": "user", "content": "Привет, какая столица России?"}]
MODELS = [("gigachat-pro", "gigachat"), ("yandexgpt", "yandexgpt")]


@pytest.mark.parametrize(("model", "provider"), MODELS)
def test_a_stream_ends_with_usage_or_with_a_whole_chunk_of_the_error(
    service: Service, model: str, provider: str
) -> None:
    body = {"model": model, "messages": HELLO, "stream": True}

    with service.http() as http:
        good = events_in(http.post("/api/v1/chat/completions", json=body).content)
        service.sandbox.faults.push(provider, cut())
        broken = events_in(http.post("/api/v1/chat/completions", json=body).content)

    for chunk in (*good, *broken):
        fits(chunk, "chunk")
    assert good[-1]["choices"] == []
    assert good[-1]["usage"]["completion_tokens"] > 0
    assert broken[-1]["choices"][0]["finish_reason"] == "error"
    assert broken[-1]["error"]["metadata"]["code"] == "provider_error"


def test_an_openai_client_understands_a_refusal_of_openrouters(service: Service) -> None:
    client = service.openai().with_options(base_url=f"{service.url}/api/v1")

    with pytest.raises(openai.NotFoundError) as refusal:
        client.chat.completions.create(model="gpt-0", messages=HELLO)

    assert refusal.value.body["code"] == 404  # type: ignore[index]  # an object
