"""The texts of errors as templates, and their translation.

The layers write English, with the values in it; here the template of such a text is found again, so that it
can be said in the language of the caller. A text without a template stays English.
"""

import re
from collections.abc import Mapping
from functools import cache

from django.utils.translation import gettext, gettext_noop, override

LONGEST_CHARACTERS = 2000
"""A longer text is not compared with the templates."""

TEMPLATES = (
    gettext_noop("XRouter failed. The X-Request-ID header names the case."),
    gettext_noop("A store that XRouter needs is away. Repeat the request in a few seconds."),
    gettext_noop("XRouter is at its capacity. Repeat the request in a second."),
    gettext_noop("The request is not acceptable."),
    gettext_noop("The credential may not do this."),
    gettext_noop("There is nothing at this path."),
    gettext_noop("There is no such generation."),
    gettext_noop("There is no such key."),
    gettext_noop("There is nothing at %(path)s. The nearest path is %(nearest)s."),
    gettext_noop("There is nothing at %(path)s. GET /v1/openapi.json lists all paths."),
    gettext_noop("This path has no such method."),
    gettext_noop("The body is too large."),
    gettext_noop("The body is empty: send a JSON object."),
    gettext_noop("The body must be a JSON object."),
    gettext_noop("The body is not valid JSON: %(cause)s."),
    gettext_noop("The number at line %(line)s, column %(column)s is too large."),
    gettext_noop("The text at line %(line)s, column %(column)s has half of a surrogate pair."),
    gettext_noop("The body is not UTF-8."),
    gettext_noop("The body did not arrive in time."),
    gettext_noop("The body is shorter than its Content-Length."),
    gettext_noop("The body has a NUL character in a text."),
    gettext_noop("The body is nested deeper than %(levels)s levels."),
    gettext_noop("Content-Type is %(kind)s: send application/json."),
    gettext_noop("The charset must be utf-8."),
    gettext_noop("Send the body without Content-Encoding."),
    gettext_noop("Content-Length must be a whole number."),
    gettext_noop("The query needs %(name)s."),
    gettext_noop(
        "No valid API key was given. Send it in the header: Authorization: Bearer YOUR_KEY."
    ),
    gettext_noop(
        "Too many invalid credentials have come from your network. Valid ones go on working; check"
        " yours, and repeat the request in %(wait)s s."
    ),
    gettext_noop(
        "A network may report leaked keys %(limit)s times in any 60 seconds. Repeat the request in %(wait)s s."
    ),
    gettext_noop(
        "The free tier is closed at present: every model needs credits. Top up at /cabinet/billing/."
    ),
    gettext_noop("The API key or token of this request has ended, and the answer with it."),
    gettext_noop("This account is suspended. Write to support."),
    gettext_noop(
        "Only a key that lives and has no successor can be rotated. Create a new key instead."
    ),
    gettext_noop("An account has %(most)s keys at most. Revoke some."),
    gettext_noop("A key's name is 1 to %(most)s characters, without control characters."),
    gettext_noop("A model's id is 1 to %(most)s printable characters."),
    gettext_noop("Write addresses or networks, such as 203.0.113.7 or 10.0.0.0/8."),
    gettext_noop(
        "The code is unknown, used or expired, or code_verifier does not belong to it. Send the person to "
        "/auth again."
    ),
    gettext_noop(
        "This Idempotency-Key was used with another request within the last 24 hours. Send a new key, or the "
        "same body to the same path."
    ),
    gettext_noop(
        "This API key is frozen, to protect its owner. The reason, and a button that thaws it, stand at "
        "/cabinet/security/."
    ),
    gettext_noop("This API key may not be used from this IP address."),
    gettext_noop("This credential lacks the scope %(scope)s."),
    gettext_noop(
        "This needs %(needed)s credits at least, and %(available)s are available. Top up the "
        "balance, or ask for less: a shorter prompt, a smaller `max_tokens`, a cheaper model."
    ),
    gettext_noop(
        "This needs %(needed)s credits at least, and the key's own limit leaves %(left)s. Raise "
        "the limit, wait for its reset, or use another key."
    ),
    gettext_noop(
        "%(model)s needs credits, and this account has none. Top up, or use a free model: GET "
        "/v1/models marks them with is_free."
    ),
    gettext_noop(
        "The free tier allows %(limit)s requests in any 60 seconds. Repeat the request in %(wait)s s."
    ),
    gettext_noop(
        "The free tier allows %(limit)s requests a day, until Moscow's midnight. Repeat the "
        "request in %(wait)s s."
    ),
    gettext_noop(
        "The rate of this balance is reached: %(limit)s a second, one per credit. Repeat the "
        "request in %(wait)s s."
    ),
    gettext_noop("This key's own rate of %(limit)s is reached. Repeat the request in %(wait)s s."),
    gettext_noop(
        "As many requests as may be are running for this key: %(limit)s. Repeat the request in %(wait)s s."
    ),
    gettext_noop(
        "This key is slowed to %(limit)s requests in any 60 seconds, for its use was unusual. Its owner can "
        "confirm it at /cabinet/security/. Repeat the request in %(wait)s s."
    ),
    gettext_noop(
        "As many requests as may be are running for this account: %(limit)s. Repeat the request in %(wait)s s."
    ),
    gettext_noop("model is missing: GET /v1/models lists them."),
    gettext_noop("There is no model %(model)s: GET /v1/models lists them."),
    gettext_noop("%(model)s is served no more: use %(successor)s."),
    gettext_noop("%(model)s is served no more: GET /v1/models lists others."),
    gettext_noop("dimensions cannot be chosen: the vectors of %(model)s have one length."),
    gettext_noop("dimensions must be one of %(named)s: %(model)s has no other vectors."),
    gettext_noop(
        "The account's model map sends %(name)s to %(model)s, which is not served at present: change "
        "the map with PUT /v1/model_map."
    ),
    gettext_noop("%(field)s must be the id of a served model: GET /v1/models lists them."),
    gettext_noop(
        "%(field)s must be a name without :free, :floor and :nitro: callers add them to any name."
    ),
    gettext_noop(
        "%(field)s must be names of 1 to %(most)s printable characters, without spaces around."
    ),
    gettext_noop("%(field)s must have %(most)s stars at most."),
    gettext_noop("%(field)s stands there twice: letter case makes no other name."),
    gettext_noop(
        "%(model)s is not free: name it without :free, or choose a model that GET /v1/models marks "
        "with is_free."
    ),
    gettext_noop("This key may not use %(model)s: its own list names other models."),
    gettext_noop(
        "This key may use none of the models that answer for %(model)s: its list has to name some of them."
    ),
    gettext_noop("%(model)s is for %(kind)s, this path is for %(wanted)s."),
    gettext_noop("Nobody serves %(model)s at present."),
    gettext_noop(
        "No provider of the model meets the demands of `provider` (order, only, ignore, max_price, "
        "data_collection). Relax them or name another model."
    ),
    gettext_noop(
        "Every provider that may answer has failed of late and is not asked for a moment. Try "
        "again shortly, or name other models."
    ),
    gettext_noop(
        "Every provider that may answer is failing or full at present. Try again shortly."
    ),
    gettext_noop(
        "No provider is connected to this service yet: its operator sets a credential. A test key, xr-test-…,"
        " is answered by the sandbox."
    ),
    gettext_noop("%(provider)s cannot be told not to keep prompts (provider.data_collection)."),
    gettext_noop("%(model)s does not honour %(parameters)s (provider.require_parameters)."),
    gettext_noop("%(model)s would need changes, and X-XRouter-Strict forbids them: %(changes)s."),
    gettext_noop(
        "The maximum context length of %(model)s is %(most)s tokens, and the messages have "
        '%(given)s tokens at least. Shorten them, or send transforms: ["middle-out"].'
    ),
    gettext_noop("The request was refused by moderation: %(reasons)s. Change the text."),
    gettext_noop(
        "%(field)s: %(model)s takes no pictures. GET /v1/models lists in `architecture` which models do."
    ),
    gettext_noop("%(field)s: %(model)s takes pictures of %(types)s only."),
    gettext_noop("%(field)s: %(model)s takes pictures of %(most)s MB at most."),
    gettext_noop("%(field)s: %(model)s takes %(most)s pictures in a request at most."),
    gettext_noop("%(field)s: %(model)s takes %(most)s MB of pictures in a request at most."),
    gettext_noop("Every message is empty."),
    gettext_noop("%(field)s: nothing can satisfy this schema, since %(cause)s."),
    gettext_noop("%(field)s leads to no picture of %(types)s."),
    gettext_noop("%(field)s must name a host on the public network."),
    gettext_noop("%(field)s must begin with https:// or http://, or be a data URL."),
    gettext_noop("%(field)s must be a URL of %(most)s characters at most, without spaces."),
    gettext_noop("%(field)s is not a URL."),
    gettext_noop("%(field)s may bear no name and password."),
    gettext_noop("%(field)s may name port 80 or 443 alone."),
    gettext_noop("%(field)s did not answer in time."),
    gettext_noop("%(field)s leads to another address: name that one."),
    gettext_noop("%(field)s is larger than %(most)s bytes."),
    gettext_noop("%(field)s could not be fetched: its server answers %(status)s."),
    gettext_noop("%(field)s could not be fetched: its server does not answer."),
    gettext_noop("%(field)s could not be fetched: its server broke off."),
    gettext_noop("A request may name %(most)s pictures by address. Send others as data URLs."),
    gettext_noop("%(field)s may hold pictures of %(types)s."),
    gettext_noop("%(field)s is not valid base64."),
    gettext_noop("%(field)s is empty."),
    gettext_noop("%(field)s: no model here takes %(kind)s parts; send text or pictures."),
    gettext_noop("%(field)s is missing."),
    gettext_noop("%(field)s is missing: send a text or a list of texts."),
    gettext_noop("%(field)s must be an object."),
    gettext_noop("%(field)s must be true or false."),
    gettext_noop("%(field)s must be a text."),
    gettext_noop("%(field)s must be one of %(choices)s."),
    gettext_noop("%(field)s must be a whole number from %(least)s to %(most)s."),
    gettext_noop("%(field)s must be a number from %(least)s to %(most)s."),
    gettext_noop("%(field)s must be a list."),
    gettext_noop("%(field)s must be a text or a list."),
    gettext_noop("%(field)s must be a text or a list of texts."),
    gettext_noop("%(field)s must be a text of %(most)s characters at most."),
    gettext_noop("%(field)s must have no control characters."),
    gettext_noop("%(field)s must be a list of %(most)s items at most."),
    gettext_noop("%(field)s must hold texts of 1 to %(most)s characters."),
    gettext_noop("%(field)s must hold at least one item."),
    gettext_noop("%(field)s must have %(most)s bytes of JSON at most."),
    gettext_noop("%(field)s must have %(most)s entries at most."),
    gettext_noop("%(field)s must have names of %(most)s printable characters at most."),
    gettext_noop("%(field)s must not be nested deeper than %(most)s levels."),
    gettext_noop("%(field)s must be roubles per million tokens, 0 or more."),
    gettext_noop("%(field)s must be a day such as 2026-01-31."),
    gettext_noop("%(field)s needs tools."),
    gettext_noop("%(field)s must be %(choice)s."),
    gettext_noop("%(field)s must be none, auto, required or %(named)s."),
    gettext_noop('%(field)s may be [] or ["middle-out"].'),
    gettext_noop("%(field)s must be texts: token ids of another tokenizer mean nothing here."),
    gettext_noop(
        "%(field)s must be texts: token ids of another tokenizer mean nothing here. Switch the splitting"
        " into tokens off in your client."
    ),
    gettext_noop("%(field)s must be a data URL, such as data:image/png;base64,…."),
    gettext_noop("%(field)s must be of type object: make a property of what is none."),
    gettext_noop(
        "%(field)s: the schema recurses without end or unfolds beyond measure. Simplify it."
    ),
    gettext_noop(
        "%(field)s means nothing on a streamed request, which nothing can answer again. Leave out the"
        " header, `stream`, or X-XRouter-Strict."
    ),
    gettext_noop("messages belong to /v1/chat/completions."),
    gettext_noop(
        "%(field)s must be a date and time with a zone, such as 2027-01-31T12:00:00+03:00."
    ),
    gettext_noop("%(field)s must be credits from 0 to %(most)s, with 9 decimal places at most."),
    gettext_noop("%(field)s must be a list of 1 to %(most)s keys."),
    gettext_noop("%(field)s must hold texts."),
    gettext_noop("%(field)s must not be empty. Null lifts the restriction."),
    gettext_noop("%(field)s must be a day of these times."),
    gettext_noop("since must be a day before until, at most %(most)s days of them."),
    gettext_noop(
        "Tokens may be counted %(limit)s times in any 60 seconds. Repeat the request in %(wait)s s."
    ),
    gettext_noop(
        "Texts may be moderated %(limit)s times in any 60 seconds. Repeat the request in %(wait)s s."
    ),
    gettext_noop("messages hold nothing to answer."),
    gettext_noop("input holds nothing to answer."),
    gettext_noop(
        "%(field)s must be absent: nothing is kept here. Send the whole dialogue in input."
    ),
    gettext_noop(
        "%(field)s must be absent: nothing is kept here. Send the whole dialogue in messages."
    ),
    gettext_noop("%(field)s must be absent: nothing is kept here. Send its text in instructions."),
    gettext_noop(
        "%(field)s must be false: the answer comes while the request waits, or with stream as events."
    ),
    gettext_noop("%(field)s refers to an item, and none is kept here. Send the item itself."),
    gettext_noop("%(field)s is missing: no files are kept here that could be named instead."),
    gettext_noop(
        "No response is kept here. Send the whole dialogue in input; GET /v1/generation has the"
        " tokens and the cost of one."
    ),
    gettext_noop("%(field)s: no model here takes %(kind)s blocks; send text or pictures."),
    gettext_noop("%(field)s must be text: no model here takes files. Send the document's words."),
    gettext_noop("%(field)s must name a tool that is offered and not of Anthropic's servers."),
    gettext_noop(
        "%(field)s of type any needs tools; those of Anthropic's servers are not served here."
    ),
    gettext_noop("%(field)s names no model."),
    gettext_noop("%(field)s must be of type base64 with media_type and data, or url with url."),
    gettext_noop("%(field)s names a tool that is not offered."),
    gettext_noop("%(field)s must be a text, a list of texts, or a list of text parts."),
    gettext_noop("%(field)s must hold texts alone, or parts alone."),
    gettext_noop("%(field)s must hold text parts alone: {type: text, text: …}."),
    gettext_noop("%(field)s must hold %(most)s characters at most."),
    gettext_noop("%(field)s has a picture, and moderation looks at texts alone."),
    gettext_noop("%(field)s means nothing here."),
    gettext_noop("tools: each name may stand once."),
    gettext_noop("Send messages or prompt: exactly one of them."),
    gettext_noop("n times the prompts must be %(most)s at most: send several requests."),
    gettext_noop("%(field)s is no valid JSON Schema: %(cause)s."),
    gettext_noop("Every slot of the provider is taken."),
    gettext_noop("the provider is over its limit"),
    gettext_noop("the answer is empty"),
    gettext_noop("The provider answered with status %(status)s."),
    gettext_noop("The provider broke its answer off."),
    gettext_noop("The provider cannot be reached."),
    gettext_noop("The provider cut its answer short."),
    gettext_noop("The provider fell silent."),
    gettext_noop("The provider gave no id for an uploaded image."),
    gettext_noop("The provider has no credentials."),
    gettext_noop("The provider has no token counter."),
    gettext_noop("The provider refuses our credential."),
    gettext_noop("The provider rejects this request."),
    gettext_noop("The provider sent %(what)s."),
    gettext_noop("a compressed body nobody asked for"),
    gettext_noop("an answer of too many bytes"),
    gettext_noop("headers of too many bytes"),
    gettext_noop("a stream of too many bytes"),
    gettext_noop("a line of too many bytes"),
    gettext_noop("what is no JSON"),
    gettext_noop("no HTTP"),
    gettext_noop("an answer without an end"),
    gettext_noop("an answer that was cut short"),
    gettext_noop("an answer without choices"),
    gettext_noop("an answer of the wrong form"),
    gettext_noop("an event that is no object"),
    gettext_noop("an answer without messages"),
    gettext_noop("an answer that it broke off itself"),
    gettext_noop("a function call without a name"),
    gettext_noop("a function call with invalid arguments"),
    gettext_noop("a tool call without a name"),
    gettext_noop("arguments nested too deep"),
    gettext_noop("a function call that is no object"),
    gettext_noop("a choice that is no object"),
    gettext_noop("a %(part)s that is no object"),
    gettext_noop("a finish reason that is no text"),
    gettext_noop("content that is no text"),
    gettext_noop("The provider takes no more requests at once."),
    gettext_noop("The provider took too long."),
    gettext_noop("The provider's answer is not what was asked for."),
    gettext_noop("The provider's token endpoint gave no token."),
    gettext_noop("The provider's token endpoint is away."),
    gettext_noop("The provider's token endpoint is too slow."),
    gettext_noop("The connection was lost."),
    gettext_noop("The total time is over."),
    gettext_noop("No credential of the provider works."),
    gettext_noop("The model was asked twice and gave no JSON that is valid: %(fault)s."),
    gettext_noop(
        "The model was asked twice and gave no JSON that is valid: %(fault)s. What it used is "
        "charged, for %(count)s such answers in an hour are free and this account has had "
        "them: change the schema or the tools, or take another model."
    ),
    gettext_noop("The model was asked twice and made no valid tool call: %(fault)s."),
    gettext_noop(
        "The model was asked twice and made no valid tool call: %(fault)s. What it used is "
        "charged, for %(count)s such answers in an hour are free and this account has had "
        "them: change the schema or the tools, or take another model."
    ),
    gettext_noop("it is not a JSON document"),
    gettext_noop("it is not a JSON object"),
    gettext_noop("it does not fit the schema"),
    gettext_noop("it does not fit the schema at %(keyword)s"),
    gettext_noop("no tool was called"),
    gettext_noop("its call names no tool that it may call"),
    gettext_noop("Yandex IAM answered %(status)s."),
    gettext_noop("Yandex IAM took too long."),
    gettext_noop("Yandex IAM takes no more requests at once."),
    gettext_noop("Yandex IAM does not accept the service account's key."),
    gettext_noop("The body has more than %(most)s values."),
    gettext_noop("The body closes more brackets than it opens."),
    gettext_noop("The body ended before it was whole."),
    gettext_noop("The body is not chunked as HTTP has it."),
    gettext_noop("The body's Transfer-Encoding must be chunked alone."),
    gettext_noop(
        "The body came too slowly: send %(least)s bytes a second at least, and all of it "
        "within %(most)s seconds."
    ),
    gettext_noop("The body is larger than %(most)s bytes."),
    gettext_noop("%(field)s must be 1 to %(most)s printable ASCII characters, say a UUID."),
    gettext_noop(
        "The provider of this model has no token counter; `usage` of an answer has its tokens."
    ),
    gettext_noop("pieces of two tool calls are mixed"),
    gettext_noop("a %(name)s that is no text"),
    gettext_noop("%(name)s that are no list"),
    gettext_noop("%(name)s that hold no objects"),
    gettext_noop("a function call whose %(name)s is no text"),
    gettext_noop("a tool call of no index"),
    gettext_noop("arguments both in pieces and as an object"),
    gettext_noop("arguments that are neither text nor object"),
    gettext_noop("a tool call whose %(name)s is no text"),
    gettext_noop("tool calls that are no list"),
    gettext_noop("a tool call that is no object"),
    gettext_noop("a tool call without a function"),
    gettext_noop("an answer without alternatives"),
    gettext_noop("an answer without a message"),
    gettext_noop("an answer of unknown status"),
    gettext_noop("a text that is no string"),
    gettext_noop("tool calls of the wrong form"),
    gettext_noop("tool calls without a call"),
    gettext_noop("a tool call of the wrong form"),
    gettext_noop("an answer without tokens"),
    gettext_noop("an embedding of the wrong form"),
)

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
_FIELD = r"(?:[\w.\[\]$-]+|\w+\..+?)"
"""How `param` writes the path of a field; behind a dot a name of the callers' own may have any character."""
_TEXTS = frozenset({"what", "fault"})
_OF_A_PROVIDER = re.compile(r"([a-z0-9_-]+): (.+)", re.DOTALL)


def translated(message: str, language: str) -> str:
    """Return the text in that language, or as it is where it has no translation."""
    with override(language):
        if of_a_provider := _OF_A_PROVIDER.fullmatch(message):
            provider, reason = of_a_provider.groups()
            if (said := _said(reason)) != reason:
                return f"{provider}: {said}"
        return _said(message)


def taken_apart(message: str) -> tuple[str, Mapping[str, str]] | None:
    """Return the template of a text and the values in it; None where it has none."""
    if len(message) > LONGEST_CHARACTERS:
        return None
    for template, pattern in _patterns():
        if found := pattern.fullmatch(message):
            return template, found.groupdict()
    return None


def _said(message: str) -> str:
    parts = taken_apart(message)
    if parts is None:
        return message
    template, values = parts
    # What a provider sent, and what is wrong with it, is itself one of the texts.
    values = {name: _said(text) if name in _TEXTS else text for name, text in values.items()}
    return gettext(template) % values if values else gettext(template)


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return the templates with their patterns; those that say most come first."""
    ordered = sorted(TEMPLATES, key=lambda text: len(_PLACEHOLDER.sub("", text)), reverse=True)
    return tuple((template, _pattern(template)) for template in ordered)


def _pattern(template: str) -> re.Pattern[str]:
    pieces = _PLACEHOLDER.split(template)  # a text, a name, a text, …
    for index in range(1, len(pieces), 2):
        value = _FIELD if pieces[index] == "field" else ".+?"
        pieces[index] = f"(?P<{pieces[index]}>{value})"
    pieces[::2] = map(re.escape, pieces[::2])
    return re.compile("".join(pieces), re.DOTALL)
