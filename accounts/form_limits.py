"""How often one person, or one address of a stranger, may send a form that costs the service something."""

import functools
from collections.abc import Callable
from ipaddress import IPv6Address, ip_network
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django_ratelimit.core import get_usage

from accounts.client_address import client_address

IPV6_NETWORK_BITS = 64  # what one subscriber has

Arguments = ParamSpec("Arguments")
View = Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase]


def limit_form(name: str, rate: str) -> Callable[[View[Arguments]], View[Arguments]]:
    """Refuse with 429 the POSTs above `rate` ("20/h", "5/10m") to all the views of this `name`.

    While Redis is away each process counts alone: see xrouter_site/cache.py.
    """

    def decorate(view: View[Arguments]) -> View[Arguments]:
        @functools.wraps(view)
        def limited(
            request: HttpRequest, /, *args: Arguments.args, **kwargs: Arguments.kwargs
        ) -> HttpResponseBase:
            wait_s = _wait_s(request, name, rate)
            return view(request, *args, **kwargs) if wait_s is None else refuse(request, wait_s)

        return limited

    return decorate


def refuse(request: HttpRequest, wait_s: int) -> HttpResponse:
    """Answer that there were too many of these, and when to come again."""
    response = render(request, "429.html", status=429)
    response.headers["Retry-After"] = str(wait_s)
    return response


def sender(request: HttpRequest) -> str:
    """Return whose attempts are counted together: a person's, or those of a stranger's network."""
    if request.user.is_authenticated:
        return f"user {request.user.pk}"
    return source(request)


def source(request: HttpRequest) -> str:
    """Return where a request comes from; of IPv6 the network, since nobody has one address there."""
    address = client_address(request.META.get("REMOTE_ADDR", ""), request.headers)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, IPV6_NETWORK_BITS), strict=False).network_address)
    return "unknown" if address is None else str(address)


def _wait_s(request: HttpRequest, name: str, rate: str) -> int | None:
    """Count the request and return how long to wait; None where it may pass."""
    usage = get_usage(
        request,
        group=name,
        key=lambda _group, asked: sender(asked),
        rate=rate,
        method="POST",
        increment=True,
    )
    if usage is None or not usage["should_limit"]:
        return None
    return max(1, int(usage["time_left"]))
