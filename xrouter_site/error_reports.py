"""Sentry: failures of ours, without bodies, local variables, people or secrets. On where SENTRY_DSN is set."""

from typing import Any

from infra.version import VERSION
from xrouter_site.log_format import redact


def start(dsn: str) -> None:
    """Send failures to a Sentry project from now on."""
    import sentry_sdk

    sentry_sdk.init(
        dsn=dsn,
        release=f"xrouter@{VERSION}",
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        traces_sample_rate=0.0,
        before_send=_without_secrets,
    )


def _without_secrets(event: Any, hint: dict[str, Any]) -> Any:
    """Drop the request but for its method, and redact the texts."""
    request = event.pop("request", None)
    if request:
        event["request"] = {"method": request.get("method")}
    event.pop("user", None)
    return _redacted(event)


def _redacted(value: Any) -> Any:
    match value:
        case str():
            return redact(value)
        case dict():
            return {name: _redacted(item) for name, item in value.items()}
        case list():
            return [_redacted(item) for item in value]
    return value
