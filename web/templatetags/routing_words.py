"""The reader's words for why a request went where it went; the record keeps them in English."""

import re
from collections.abc import Iterable

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

register = template.Library()

STRATEGIES = {
    "auto": gettext_noop("by the rules of the automatic choice"),
    "balanced": gettext_noop("balanced: by priority and price"),
    "latency": gettext_noop("the quickest first word first"),
    "order": gettext_noop("in the order that the request names"),
    "price": gettext_noop("the cheapest first"),
    "throughput": gettext_noop("the fastest first"),
}
REASONS = (
    gettext_noop("the only route"),
    gettext_noop("priority %(number)s, then by lot, the cheaper the likelier"),
    gettext_noop(
        "price: %(prompt)s and %(answer)s roubles per million tokens of prompt and answer"
    ),
    gettext_noop("latency: %(number)s ms to the first token"),
    gettext_noop("latency: not measured of late"),
    gettext_noop("throughput: %(number)s tokens per second"),
    gettext_noop("throughput: not measured of late"),
    gettext_noop("%(number)s points"),
    gettext_noop("the best of another provider, should %(provider)s fail"),
    gettext_noop("its provider had just failed: another provider was asked first"),
    gettext_noop("it rested after failures, and is tried again"),
    gettext_noop("its last requests failed"),
    gettext_noop("its provider is over its limit"),
    gettext_noop("the credentials of its provider are refused"),
    # of the automatic choice
    gettext_noop("it takes no pictures"),
    gettext_noop("it calls no tools"),
    gettext_noop("it keeps to no schema"),
    gettext_noop("the prompt is Russian, and so is its maker's first language"),
    gettext_noop("the prompt fills more than half of its context"),
    gettext_noop("it calls tools natively"),
    gettext_noop("it keeps to a schema natively"),
    gettext_noop("the request asks for reasoning, and it reasons"),
    gettext_noop("what this request may cost, a point for each doubling of the cheapest"),
    gettext_noop("its measured time to the first token, a point for each doubling of the quickest"),
    gettext_noop("the share of its latest requests that failed"),
    gettext_noop("its last requests failed, or its provider is over its limit"),
    # of those left out
    gettext_noop("it costs more than max_price"),
    gettext_noop("only, ignore or order leave its provider out"),
    gettext_noop("it rests after failures, %(number)s ms more"),
    gettext_noop("another model has the same route"),
    gettext_noop("%(number)s candidates stand before it"),
    gettext_noop("its place went to another provider"),
    gettext_noop("the balance does not reach for it"),
    gettext_noop("it has half of this worker already"),
    gettext_noop("its credentials are being tried"),
    gettext_noop("it has no credential that works"),
    gettext_noop("it has no other credential"),
    gettext_noop("its credential rests after failures"),
    gettext_noop("its route rests after failures"),
    gettext_noop("its slots were taken, and another provider had one free"),
    gettext_noop("there is no attempt left, or no time"),
    gettext_noop("the retry budget of this process is spent"),
)
_POINTS = re.compile(r"(\w+) ([+-][\d.]+): (.*)", re.DOTALL)
_PATTERNS = tuple(
    (re.compile(re.sub(r"%\\\((\w+)\\\)s", r"(?P<\1>\\S+)", re.escape(text))), text)
    for text in REASONS
)


@register.filter
def strategy_in_words(strategy: str) -> str:
    """Say how candidates were ordered; one word for each requested model, commas between them."""
    return ", ".join(
        _(STRATEGIES[word]) if word in STRATEGIES else word for word in strategy.split(", ")
    )


@register.filter
def reasons_in_words(reasons: Iterable[str]) -> SafeString:
    """Return reasons, semicolons between them; one that has no words of ours is marked as English."""
    return format_html_join("; ", "{}", ((reason_in_words(reason),) for reason in reasons))


@register.filter
def reason_in_words(reason: str) -> SafeString:
    """Return one reason."""
    rule = _POINTS.fullmatch(reason)
    text = rule[3] if rule else reason
    for pattern, known in _PATTERNS:
        found = pattern.fullmatch(text)
        if found:
            words = _(known) % found.groupdict()
            return format_html("{}{}", f"{rule[2].replace('-', '−')}: " if rule else "", words)
    return format_html('<span lang="en">{}</span>', reason)
