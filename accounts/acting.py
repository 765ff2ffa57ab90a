"""Who acts at this moment, and from where: what the journal writes beside each act."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponseBase

from accounts.client_address import client_address


@dataclass(frozen=True, slots=True)
class Origin:
    """A person and their address. Without a person it is the operator of the machine, or a job."""

    user_id: int | None = None
    address: str = ""


_origin: ContextVar[Callable[[], Origin]] = ContextVar("origin", default=Origin)


def origin() -> Origin:
    """Return who acts."""
    return _origin.get()()


@contextmanager
def acting(user_id: int, address: str = "") -> Iterator[None]:
    """Take what is done inside for that person's doing."""
    with _from(lambda: Origin(user_id, address)):
        yield


class ActingMiddleware:
    """Take what a page does for the doing of the person who is logged in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Asked when something is written, not before: pages that read nobody's session stay so.
        with _from(lambda: Origin(request.user.pk, address_of(request))):
            return self.get_response(request)


def address_of(request: HttpRequest) -> str:
    """Return the address that a request comes from, an empty text where nothing tells it."""
    address = client_address(request.META.get("REMOTE_ADDR", ""), request.headers)
    return "" if address is None else str(address)


@contextmanager
def _from(find: Callable[[], Origin]) -> Iterator[None]:
    token = _origin.set(find)
    try:
        yield
    finally:
        _origin.reset(token)
