"""The translated texts of the playground's script."""

from django.utils.translation import gettext as _


def words() -> dict[str, str]:
    """Return the texts by name; `{…}` are filled in by the script.

    `error.CODE` is what an error of the API means, `field.NAME` what one with that field as its `param` does,
    `json.KIND` what is wrong with a text that should be JSON.
    """
    groups = {"error": _errors(), "field": _fields(), "json": _json_faults()}
    return _labels() | {
        f"{group}.{name}": text for group, texts in groups.items() for name, text in texts.items()
    }


def _labels() -> dict[str, str]:
    return {
        "you": _("You"),
        "copy": _("Copy"),
        "copied": _("Copied"),
        "retry": _("Ask again"),
        "edit": _("Change the message"),
        "waiting": _("Waiting for the model…"),
        "reasoning": _("How the model reasoned"),
        "stopped": _(
            "Stopped. What was written by then is charged: see the details of the request."
        ),
        "stoppedEarly": _("Stopped before the model wrote anything, so it costs nothing."),
        "empty": _("The model answered with nothing."),
        "length": _("The answer reached its greatest length and was cut."),
        "filtered": _("The provider's content filter stopped the answer."),
        "price": _("The answer will cost from {least} to {most} ₽."),
        "pricesOf": _("The {count} answers together will cost from {least} to {most} ₽."),
        "priceFree": _("The answer will cost nothing."),
        "tokens": _("tokens:"),
        "latency": _("{seconds} s"),
        "adapted": _("changed for this model: {names}"),
        "request": _("Details of the request"),
        "details": _("What the server said"),
        "field": _("The field:"),
        "topUp": _("Top up"),
        "logIn": _("Log in"),
        "usual": _("as the model likes"),
        "range": _("From {least} to {most}."),
        "atLeast": _("From {least}."),
        "codeWaits": _("The request is shown here once the JSON in the settings is right."),
        "schemaMissing": _("Write a JSON Schema, or choose another answer format."),
        "schemaObject": _("A JSON Schema is an object: {…}."),
        "toolsList": _("Tools are a list: […]."),
        "toolName": _("Tool {number} has no name: it needs the field “name”."),
        "call": _("Tool call: {name}"),
        "result": _("What {name} returned"),
        "resultHint": _("A text or JSON: what your program would give back to the model."),
        "resultMissing": _("Write what the tool returned."),
        "sendResults": _("Send the results"),
    }


def _fields() -> dict[str, str]:
    return {
        "tools": _("The tools cannot be used as they are written."),
        "tool_choice": _("The choice of calls does not suit the tools."),
        "response_format": _("The answer format cannot be used as it is written."),
    }


def _json_faults() -> dict[str, str]:
    return {
        "at": _("Line {line}, column {column}: {fault}"),
        "value": _("a value is missing, or is none of JSON."),
        "name": _("a name in double quotes is missing."),
        "colon": _("a colon is missing."),
        "comma": _("a comma or a closing bracket is missing."),
        "trailing": _("no comma may stand before a closing bracket."),
        "quotes": _("texts stand in straight double quotes."),
        "string": _("a text is not closed, or has a line break or a backslash in it."),
        "comment": _("JSON has no comments."),
        "rest": _("the JSON has ended before this."),
        "unfinished": _("the JSON is not finished."),
    }


def _errors() -> dict[str, str]:
    return {
        "unknown": _("Something went wrong."),
        "broken": _("The connection broke before the answer ended."),
        "offline": _("The server cannot be reached. Check the connection and try again."),
        "page_is_old": _("This page is too old to send anything. Reload it."),
        "invalid_api_key": _("You are logged out. Log in again in another tab, then repeat."),
        "account_suspended": _("This account is suspended. Write to support."),
        "insufficient_credits": _(
            "The balance does not cover this request. Top up, or ask for less."
        ),
        "rate_limit_exceeded": _("Too many requests for your limit. Try again in {seconds} s."),
        "concurrency_limit_exceeded": _("Too many requests at once. Wait until one ends."),
        "provider_busy": _(
            "The provider is busy. Try again in {seconds} s, or choose another model."
        ),
        "provider_error": _("The provider failed. Try again, or choose another model."),
        "provider_timeout": _("The provider was silent for too long. Try again."),
        "no_provider_available": _("No provider can answer this at present. Try another model."),
        "service_unavailable": _("The service is briefly unavailable. Try again in a few seconds."),
        "overloaded": _("The service is full at this moment. Try again in a second."),
        "content_filter": _("Moderation refused the message: it breaks the rules of the service."),
        "context_length_exceeded": _(
            "The conversation is longer than the model can read. Begin a new one."
        ),
        "invalid_request": _("The request is wrong."),
        "invalid_parameter": _("One of the settings has a value that cannot be used."),
        "unsupported_content": _("The model does not take what was sent."),
        "model_not_found": _("This model is not served any more. Choose another."),
        "request_too_large": _("The conversation is too large. Begin a new one."),
    }
