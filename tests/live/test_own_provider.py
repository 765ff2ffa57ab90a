"""An operator's own OpenAI-compatible provider: rows alone, served by running workers."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from sandbox.core.credentials import OPENAI_COMPATIBLE_API_KEY
from tests.live.callers import LiveCall, wait_until
from tests.live.service import Service
from tests.providers.canned import CannedServer, reply

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
EMBEDS_TOO = """
    import sys
    from django.utils import timezone
    from billing.models import Price
    from gateway.models import LanguageModel, OpenAIServer, ProviderCredential
    [address] = sys.argv[1:]
    OpenAIServer.objects.create(slug="tei", name="TEI", base_url=address)
    credential = ProviderCredential(provider="tei", name="first", concurrency=2)
    credential.seal("sk-of-nobody")
    credential.save()
    model = LanguageModel.objects.create(
        public_id="bge-m3", name="BGE-M3", owned_by="baai", kind="embeddings",
        context_tokens=8192, max_output_tokens=0,
    )
    model.routes.create(provider="tei", upstream_id="bge-m3", profile={})
    Price.objects.create(
        model_id="bge-m3", valid_from=timezone.now(),
        prompt_nano=1_000_000, completion_nano=0, cached_nano=0,
    )
"""
REMOVE = """
    from gateway.models import LanguageModel, OpenAIServer, ProviderCredential
    own = LanguageModel.objects.filter(public_id__in=["qwen3", "bge-m3"])
    for table in (own, ProviderCredential.objects,
                  OpenAIServer.objects):
        table.all().delete()
"""
VECTORS = json.dumps({"data": [{"index": 0, "embedding": [0.5]}, {"index": 1, "embedding": [1]}]})
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


def test_vectors_that_come_without_a_count_are_charged_by_an_estimate(vllm: Service) -> None:
    key = vllm.key()
    with CannedServer(lambda _: [reply(VECTORS)]) as server:
        vllm.python(EMBEDS_TOO, f"{server.url}/v1")
        wait_until(lambda: "bge-m3" in _models(vllm), "the workers see the rows", patience_s=3)
        body = {"model": "bge-m3", "input": ["шлюз " * 7, "модели"]}
        answer = LiveCall(vllm.port, key).send(body, "/v1/embeddings").answer()

    assert answer.status == 200, answer.json
    assert answer.json["data"][1]["embedding"] == [1.0]
    assert (answer.json["usage"]["total_tokens"], answer.cost) == (12, Decimal("0.012"))
    with vllm.http(key) as client:
        told = client.get("/v1/generation", params={"id": answer.json["id"]}).json()["data"]
    assert (told["tokens_source"], told["tokens_prompt"]) == ("estimated", 12)
