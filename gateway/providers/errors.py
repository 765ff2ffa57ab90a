"""How a provider can fail. `retryable` says whether the next candidate may be asked."""


class ProviderError(Exception):
    """Any failure of an upstream.

    `message` is for the caller and free of secrets; `raw` is the provider's own text, free of secrets,
    2,000 characters at most; `status` is the upstream's HTTP status, where there was one.
    """

    retryable = True

    def __init__(
        self,
        message: str,
        *,
        provider: str,
        status: int | None = None,
        raw: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.provider = provider
        self.status = status
        self.raw = raw
        self.retry_after_s = retry_after_s
        self.cause = ""
        """Why the provider cannot be reached, and the remedy: for the operator alone."""


class ProviderUnavailable(ProviderError):
    """Connect refused, DNS, TLS, reset, 5xx, 404 for the model."""


class ProviderProtocolError(ProviderError):
    """Not understood: garbage, wrong types, an end without a finish reason, too many bytes."""


class ProviderTimeout(ProviderError):
    """408, silence past the read timeout, the total deadline."""


class ProviderAuthError(ProviderError):
    """Our credential is refused: 401 again after a renewal, 402, 403. The operator must look."""


class ModelUnpaid(ProviderAuthError):
    """402 where each model is paid for apart: the credential lives, and so do its other models."""


class ProviderRateLimited(ProviderError):
    """429; `retry_after_s` is what the provider said, if it did."""


class ProviderRejected(ProviderError):
    """400, 413, 422 about this very request: no other candidate is tried. `param` names the caller's field."""

    retryable = False

    def __init__(
        self, message: str, *, context_length_exceeded: bool = False, **details: object
    ) -> None:
        super().__init__(message, **details)  # type: ignore[arg-type]
        self.context_length_exceeded = context_length_exceeded
        self.param = "messages" if context_length_exceeded else None


class UnsupportedInput(Exception):
    """The request asks for what this model or wire does not support; `param` names the caller's field."""

    def __init__(self, message: str, *, param: str) -> None:
        super().__init__(message)
        self.message = message
        self.param = param


class WireMissing(Exception):
    """The account lacks the wire of the route. The adapter remembers that: ask it again at once."""
