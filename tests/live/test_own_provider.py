"""An operator's own OpenAI-compatible provider: rows alone, served by running workers."""

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.core.credentials import OPENAI_COMPATIBLE_API_KEY
from tests.live.callers import LiveCall, wait_until
from tests.live.service import Service

ADD = """
    import sys
    from django.utils import timezone
    from billing.models import Price
    from gateway.models import LanguageModel, OpenAIServer, ProviderCredential
    address, key = sys.argv[1:]
    OpenAIServer.objects.create(slug="vllm", name="vLLM", base_url=address)
    credential = ProviderCredential(provider="vllm", name="first", concurrency=2)
    credential.seal(key)
    credential.save()
    model = LanguageModel.objects.create(
        public_id="qwen3", name="Qwen 3", owned_by="alibaba",
        context_tokens=32768, max_output_tokens=4096,
    )
    model.routes.create(provider="vllm", upstream_id="qwen3-8b", profile={})
    Price.objects.create(
        model_id="qwen3", valid_from=timezone.now(),
        prompt_nano=10_000, completion_nano=10_000, cached_nano=0,
    )
"""
REMOVE = """
    from gateway.models import LanguageModel, OpenAIServer, ProviderCredential
    for table in (LanguageModel.objects.filter(public_id="qwen3"), ProviderCredential.objects,
                  OpenAIServer.objects):
        table.all().delete()
"""
BODY: dict[str, object] = {
    "model": "qwen3",
    "messages": [{"role": "user", "content": "Привет"}],
    "max_tokens": 5,
    "provider": {"only": ["vllm"]},
}


@pytest.fixture
def vllm(service: Service) -> Iterator[Service]:
    service.python(ADD, f"{service.sandbox.openai_origin}/v1", OPENAI_COMPATIBLE_API_KEY)
    yield service
    service.python(REMOVE)


def _models(service: Service) -> dict[str, Any]:
    with service.http() as client:
        return {model["id"]: model for model in client.get("/v1/models").json()["data"]}


def test_it_is_served_under_its_own_name_and_its_secrets_stay_with_us(vllm: Service) -> None:
    wait_until(lambda: "qwen3" in _models(vllm), "the workers see the rows", patience_s=3)
    assert "gigachat-2" in _models(vllm)

    answer = LiveCall(vllm.port, vllm.key()).send(BODY).answer()
    streamed = LiveCall(vllm.port, vllm.key()).send(BODY | {"stream": True}).answer()

    assert (answer.status, answer.json["provider"], answer.json["model"]) == (200, "vllm", "qwen3")
    assert answer.cost > 0
    assert streamed.is_done
    asked = vllm.sandbox.requests.of("openai_compatible", "completions")
    assert {item.headers["authorization"] for item in asked} == {
        f"Bearer {OPENAI_COMPATIBLE_API_KEY}"
    }
    assert OPENAI_COMPATIBLE_API_KEY not in vllm.log.read_text()

    before = len(asked)
    tested = LiveCall(vllm.port, vllm.fresh_key(test=True)).send(BODY).answer()
    assert (tested.status, tested.json["provider"]) == (200, "vllm")
    assert len(vllm.sandbox.requests.of("openai_compatible", "completions")) == before
