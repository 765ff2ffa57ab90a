"""Why a request is refused before or instead of an answer; api/errors.py maps these to HTTP statuses."""

from collections.abc import Sequence


class RequestRefused(Exception):
    """`message` says the cause and the remedy; `param` names the field of the request, if there is one."""

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param


class InvalidRequest(RequestRefused):
    """The request as a whole cannot be served."""


class InvalidParameter(RequestRefused):
    """A field has an invalid value."""


class UnsupportedContent(RequestRefused):
    """The model does not take such content, for example an image."""


class ContextLengthExceeded(RequestRefused):
    """The prompt is longer than the model's context."""


class ModelNotFound(RequestRefused):
    """No such model, or one that is not served."""


class ModelNotAllowed(RequestRefused):
    """The key's own list does not name the model."""


class PaidModelOnFreeTier(RequestRefused):
    """The account has no credits, and the model is not free."""


class NoProviderAvailable(RequestRefused):
    """No route meets the request's demands, or none works; then `retry_after_s` says when one may."""

    def __init__(
        self, message: str, *, param: str | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, param=param)
        self.retry_after_s = retry_after_s


class ProvidersFull(NoProviderAvailable):
    """Whoever may answer has its whole share of this process already."""


class ModerationRefused(RequestRefused):
    """Our own moderation said no. `flagged_input` has 100 characters at most."""

    def __init__(self, reasons: Sequence[str], flagged_input: str) -> None:
        super().__init__(
            "The request was refused by moderation: " + ", ".join(reasons) + ". Change the text."
        )
        self.reasons = tuple(reasons)
        self.flagged_input = flagged_input
