"""The headers of an answer of a model that ends: RFC 9745 and RFC 8594."""

from datetime import date, timedelta

from django.http import HttpResponseBase
from django.utils.http import http_date

from gateway.catalog.snapshot import CatalogModel
from infra.moscow_time import midnight

DEPRECATION, SUNSET = "Deprecation", "Sunset"
DAY = timedelta(days=1)


def describe_end(response: HttpResponseBase, model: CatalogModel) -> None:
    """Say since when the end of a model is announced, and the moment from which it is served no more."""
    if model.ends_on is None:
        return
    since = midnight(model.deprecated_on or model.ends_on)
    last_day = min(model.ends_on, date.max - DAY)  # the calendar has no day after its last
    end = midnight(last_day + DAY)
    response.headers[DEPRECATION] = f"@{int(since.timestamp())}"
    response.headers[SUNSET] = http_date(end.timestamp())
