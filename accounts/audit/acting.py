"""Who is acting, and from which address: recorded with each audit entry."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponseBase

from accounts.client_address import client_address


@dataclass(frozen=True, slots=True)
class Origin:
    """A person and their address. Without a person: the shell or a periodic job."""

    user_id: int | None = None
    address: str = ""


_origin: ContextVar[Callable[[], Origin]] = ContextVar("origin", default=Origin)


def origin() -> Origin:
    """Return who acts."""
    return _origin.get()()


@contextmanager
def acting(user_id: int, address: str = "") -> Iterator[None]:
    """Record what is done inside as done by that person."""
    with _from(lambda: Origin(user_id, address)):
        yield


class ActingMiddleware:
    """Record what a page does as done by the person who is logged in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Asked when something is written, not before: pages that read nobody's session stay so.
        with _from(lambda: Origin(request.user.pk, address_of(request))):
            return self.get_response(request)


def address_of(request: HttpRequest) -> str:
    """Return the client's address, an empty text where it is unknown."""
    address = client_address(request.META.get("REMOTE_ADDR", ""), request.headers)
    return "" if address is None else str(address)


@contextmanager
def _from(find: Callable[[], Origin]) -> Iterator[None]:
    token = _origin.set(find)
    try:
        yield
    finally:
        _origin.reset(token)
