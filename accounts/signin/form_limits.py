"""Rate limits of forms, by person or by a stranger's network."""

import functools
from collections.abc import Callable
from ipaddress import IPv6Address, ip_network
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django_ratelimit.core import get_usage

from accounts.client_address import address_of
from accounts.networks import sender_of

IPV6_NETWORK_BITS = 64  # what one subscriber has

Arguments = ParamSpec("Arguments")
View = Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase]


def sender(request: HttpRequest) -> str:
    """Return the key by which attempts are counted: a person, or a stranger's network."""
    if request.user.is_authenticated:
        return f"user {request.user.pk}"
    return source(request)


def source(request: HttpRequest) -> str:
    """Return the client's address; for IPv6 its network, since everybody has many addresses there."""
    address = address_of(request)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, IPV6_NETWORK_BITS), strict=False).network_address)
    return "unknown" if address is None else str(address)


def network(request: HttpRequest) -> str:
    """Return the network that people guess from together, whoever is logged in."""
    return f"network {sender_of(address_of(request))}"


def limit_form(
    name: str, rate: str, *, by: Callable[[HttpRequest], str] = sender
) -> Callable[[View[Arguments]], View[Arguments]]:
    """Refuse POSTs above `rate` ("20/h", "5/10m") with 429; views of the same `name` share it.

    They are counted by what `by` returns. While Redis is away each process counts alone: see
    infra/fallback_cache.py.
    """

    def decorate(view: View[Arguments]) -> View[Arguments]:
        @functools.wraps(view)
        def limited(
            request: HttpRequest, /, *args: Arguments.args, **kwargs: Arguments.kwargs
        ) -> HttpResponseBase:
            wait_s = _wait_s(request, name, rate, by)
            return view(request, *args, **kwargs) if wait_s is None else refuse(request, wait_s)

        return limited

    return decorate


def refuse(request: HttpRequest, wait_s: int) -> HttpResponse:
    """Return a 429 page with the time to wait."""
    response = render(request, "429.html", status=429)
    response.headers["Retry-After"] = str(wait_s)
    return response


def _wait_s(
    request: HttpRequest, name: str, rate: str, by: Callable[[HttpRequest], str]
) -> int | None:
    """Count the request; return how long to wait, None where it may pass."""
    usage = get_usage(
        request,
        group=name,
        key=lambda _group, asked: by(asked),
        rate=rate,
        method="POST",
        increment=True,
    )
    if usage is None or not usage["should_limit"]:
        return None
    return max(1, int(usage["time_left"]))
