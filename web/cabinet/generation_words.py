"""The words that pages use for a generation's codes, and a generation as a table row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.keys.labels import credential_labels
from billing.usage import generations
from billing.usage.generations import GenerationRecord
from billing.usage.refusals import RefusedRequest
from gateway.providers import registry

Words = Mapping[str, str | Promise]


OUTCOMES: Words = {
    "answered": gettext_lazy("gave an answer"),
    "unavailable": gettext_lazy("did not answer or broke off"),
    "not_understood": gettext_lazy("sent an answer that cannot be understood"),
    "timeout": gettext_lazy("was silent for too long"),
    "credential_refused": gettext_lazy("refused our credential"),
    "busy": gettext_lazy("was busy: its own limit was reached"),
    "rejected": gettext_lazy("found a mistake in the request"),
    "cancelled": gettext_lazy("was stopped: the caller had left"),
    "credential_ended": gettext_lazy("was stopped: the key was taken away"),
    "failed": gettext_lazy("failed unexpectedly"),
}
ERRORS: Words = {
    "unavailable": gettext_lazy("The provider did not answer, or broke off."),
    "not_understood": gettext_lazy("The provider sent an answer that cannot be understood."),
    "timeout": gettext_lazy("The provider was silent for too long."),
    "credential_refused": gettext_lazy(
        "The provider refused our credential. This is ours to mend."
    ),
    "busy": gettext_lazy("The provider was busy: its own limit was reached."),
    "rejected": gettext_lazy("The provider found a mistake in the request."),
    "failed": gettext_lazy("Something failed on our side."),
    "credential_ended": gettext_lazy("The key was taken away while its answer was streamed."),
    "nobody_asked": gettext_lazy("No provider could be asked at that moment."),
    "process_lost": gettext_lazy("The server process that ran the request was lost."),
    "hold_not_waited_for": gettext_lazy("The request was given up before it reached the provider."),
    "settlement_refused": gettext_lazy("The request could not be charged, so it cost nothing."),
}
FINISHES: Words = {
    "stop": gettext_lazy("the model finished its answer"),
    "length": gettext_lazy("the answer reached its greatest length"),
    "tool_calls": gettext_lazy("the model called tools"),
    "content_filter": gettext_lazy("the provider's content filter stopped it"),
}
ACTIONS: Words = {
    "affordable": gettext_lazy("shortened to what the balance covers"),
    "clamped": gettext_lazy("moved to the nearest value that the model takes"),
    "ignored": gettext_lazy("left out, since the model does not know it"),
    "emulated": gettext_lazy("done by XRouter, since the model cannot do it by itself"),
    "invalid": gettext_lazy(
        "did not fit the tool even after one correction; passed on as the model made it"
    ),
    "rewritten": gettext_lazy("changed so that the model can take it"),
    "text=rewritten": gettext_lazy(
        "the model changed words that were sent already; what was sent has stayed"
    ),
}


@dataclass(frozen=True, slots=True)
class RequestStatus:
    """How a request ended, in words, and the CSS class of its badge."""

    label: str
    badge: str


@dataclass(frozen=True, slots=True)
class Adapted:
    """A parameter and what was done to it, in words."""

    parameter: str
    action: str | Promise


@dataclass(frozen=True, slots=True)
class GenerationLine:
    """A table row of one request. `sender` names the credential."""

    id: str
    created_at: datetime
    model_id: str
    provider: str | Promise
    sender: str
    is_test: bool
    tokens_prompt: int
    tokens_completion: int
    charged_nano: int
    latency_ms: int | None
    status: RequestStatus
    error: str = ""
    """The error code of a failed or refused request."""
    trouble: str | Promise = ""
    """In words, what went wrong with one that failed."""
    is_refused: bool = False


def lines(
    account_id: int, records: Iterable[GenerationRecord | RefusedRequest]
) -> list[GenerationLine]:
    """Return the account's requests as table rows, in order. Raises django.db.Error."""
    found = list(records)
    labels = credential_labels(account_id, {record.credential for record in found})
    return [
        _line(record, labels[record.credential])
        if isinstance(record, GenerationRecord)
        else _refused_line(record, labels[record.credential])
        for record in found
    ]


def status_of(record: GenerationRecord) -> RequestStatus:
    """Return in a word or two how a request ended."""
    if record.outcome == "cancelled":
        return RequestStatus(_("client left"), "badge-quiet")
    if record.outcome == "failed":
        return RequestStatus(_("failed"), "badge-bad")
    if record.facts.finish_reason == "content_filter":
        return RequestStatus(_("filtered"), "badge-warn")
    return RequestStatus(_("answered"), "badge-good")


def adapted_of(record: GenerationRecord) -> list[Adapted]:
    """Return the parameters that were adapted; they are stored as `temperature=clamped`."""
    pairs = (text.rpartition("=") for text in record.facts.adapted)
    return [
        Adapted(parameter, ACTIONS.get(f"{parameter}={action}", ACTIONS.get(action, action)))
        for parameter, _equals, action in pairs
    ]


def _line(record: GenerationRecord, sender: str) -> GenerationLine:
    facts = record.facts
    return GenerationLine(
        id=generations.public_id(record.id),
        created_at=record.created_at,
        model_id=facts.model_id or record.requested_model,
        provider=registry.title(facts.provider),
        sender=sender,
        is_test=record.is_test,
        tokens_prompt=facts.tokens_prompt,
        tokens_completion=facts.tokens_completion,
        charged_nano=record.charged_nano,
        latency_ms=facts.latency_ms,
        status=status_of(record),
        error=facts.error_code,
        trouble=ERRORS.get(facts.error_code, ""),
    )


def _refused_line(refused: RefusedRequest, sender: str) -> GenerationLine:
    error = f"{refused.code} ({refused.param})" if refused.param else refused.code
    return GenerationLine(
        id=refused.request_id,
        created_at=refused.created_at,
        model_id=refused.requested_model,
        provider="",
        sender=sender,
        is_test=refused.is_test,
        tokens_prompt=0,
        tokens_completion=0,
        charged_nano=0,
        latency_ms=refused.duration_ms,
        status=RequestStatus(_("refused: %(status)d") % {"status": refused.status}, "badge-bad"),
        error=error,
        is_refused=True,
    )
