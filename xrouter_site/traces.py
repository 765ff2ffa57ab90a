"""OpenTelemetry: a span of each request, and one of the completion in it. No text, no key, no person.

On where OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is set; OpenTelemetry's other
variables hold too. Spans are made of what is known when a request has ended, so tracing costs the request
itself nothing.
Source of the names: https://opentelemetry.io/docs/specs/semconv/gen-ai/
"""

from collections.abc import Callable
from typing import Any

from infra.request_facts import RequestFacts
from infra.version import VERSION

NANO_PER_S = 1_000_000_000
INTERNAL_ERRORS = 500


def tracer(url: str) -> Callable[[float, RequestFacts], None]:
    """Return what exports to a URL a request that ended at a moment of the Unix clock, in seconds."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import (
        SERVICE_NAME,
        SERVICE_VERSION,
        OTELResourceDetector,
        Resource,
    )
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
    from opentelemetry.trace.propagation.tracecontext import (
        TraceContextTextMapPropagator,
    )

    ours = Resource.create({SERVICE_NAME: "xrouter", SERVICE_VERSION: VERSION})
    # What the operator says of the service in OpenTelemetry's variables wins over what we do.
    provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url)))
    source = provider.get_tracer("xrouter", VERSION)
    propagator = TraceContextTextMapPropagator()

    def export(ended_s: float, facts: RequestFacts) -> None:
        end_ns = int(ended_s * NANO_PER_S)
        begin_ns = end_ns - int((facts.ended_s - facts.began_s) * NANO_PER_S)
        parent = propagator.extract({"traceparent": facts.traceparent})
        span = source.start_span(
            f"{facts.method} {facts.route}",
            context=parent,
            kind=SpanKind.SERVER,
            start_time=begin_ns,
            attributes=_http(facts),
        )
        if facts.status >= INTERNAL_ERRORS:
            span.set_status(Status(StatusCode.ERROR))
        if facts.generation:
            completion = source.start_span(
                f"chat {facts.model}",
                context=set_span_in_context(span),
                kind=SpanKind.CLIENT,
                start_time=begin_ns,
                attributes=_gen_ai(facts),
            )
            completion.end(end_ns)
        span.end(end_ns)

    return export


def _http(facts: RequestFacts) -> dict[str, Any]:
    return {
        "http.request.method": facts.method,
        "http.route": facts.route,
        "http.response.status_code": facts.status,
        "xrouter.request_id": facts.request_id,
        **({"error.type": facts.code} if facts.code else {}),
    }


def _gen_ai(facts: RequestFacts) -> dict[str, Any]:
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": facts.provider,
        "gen_ai.request.model": facts.model,
        "gen_ai.response.model": facts.model,
        "gen_ai.response.id": facts.generation or "",
        "gen_ai.usage.input_tokens": facts.tokens_prompt,
        "gen_ai.usage.output_tokens": facts.tokens_completion,
        "xrouter.attempts": facts.attempts or 0,
        "xrouter.queued_ms": facts.queued_ms or 0,
    }
