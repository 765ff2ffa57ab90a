"""Decides which address is the client's, from the peer and the headers of proxies."""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from accounts.cloudflare import is_cloudflare
from accounts.errors import IPNotAllowed
from accounts.principal import Principal

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAPPED_PREFIX = 96
_FORWARDERS = "untrusted_forwarders"
_noted: set[str] = set()


def client_address(remote_addr: str, headers: Mapping[str, str]) -> Address | None:
    """Return the client's address, or None where it is unknown.

    It is the hop before our own proxies. Where that is one of Cloudflare's servers, and the service is
    behind them (`settings.CLOUDFLARE`), their header names the client instead; else nobody reads it.
    `headers` is case-insensitive, as Django's `request.headers`.
    """
    hop = _hop_before_ours(remote_addr, headers)
    if hop is None or not _is_edge(hop):
        return hop
    return _parse(headers.get("CF-Connecting-IP", "")) or hop


def address_of(request: HttpRequest) -> Address | None:
    """Return the address of a request's client, or None where it is unknown."""
    return client_address(request.META.get("REMOTE_ADDR", ""), request.headers)


def is_trusted_proxy(remote_addr: str) -> bool:
    """Say whether the peer is a trusted proxy; a unix socket, which has no address, is."""
    if not remote_addr:
        return True
    peer = _parse(remote_addr)
    return peer is not None and _is_trusted(peer)


def is_loopback(remote_addr: str) -> bool:
    """Say whether the peer is this machine itself."""
    peer = _parse(remote_addr)
    return peer is not None and peer.is_loopback


def may_name_scheme(remote_addr: str) -> bool:
    """Say whether the peer's X-Forwarded-Proto is believed: a trusted proxy's, or Cloudflare's."""
    peer = _parse(remote_addr)
    return is_trusted_proxy(remote_addr) or (peer is not None and _is_edge(peer))


def check_address(principal: Principal, address: Address | None) -> None:
    """Raise IPNotAllowed where the credential is limited to networks that do not include the address."""
    allowed = principal.allowed_networks
    if allowed and not (address is not None and any(address in network for network in allowed)):
        raise IPNotAllowed


def normal_network(network: Network) -> Network:
    """Return the IPv4 network of an IPv4-mapped one; any other unchanged."""
    mapped = network.network_address
    if (
        isinstance(mapped, IPv6Address)
        and mapped.ipv4_mapped is not None
        and network.prefixlen >= MAPPED_PREFIX
    ):
        return ip_network(f"{mapped.ipv4_mapped}/{network.prefixlen - MAPPED_PREFIX}")
    return network


def _hop_before_ours(remote_addr: str, headers: Mapping[str, str]) -> Address | None:
    """Return the right-most hop that is no proxy of ours; the peer is the last hop.

    Each proxy appends its peer on the right of X-Forwarded-For, so what stands left of a hop that is
    not ours, or not an address, may be forged.
    """
    nearest = _parse(remote_addr)
    if not is_trusted_proxy(remote_addr):
        if nearest is not None and nearest.is_private and "X-Forwarded-For" in headers:
            _note_forwarder(str(nearest))
        return nearest
    for text in reversed(headers.get("X-Forwarded-For", "").split(",")):
        if nearest is not None and _is_edge(nearest):
            break
        hop = _parse(text)
        if hop is None:
            break
        nearest = hop
        if not _is_trusted(hop):
            break
    return nearest


def untrusted_forwarders() -> list[str]:
    """Return private addresses that have lately sent X-Forwarded-For and are no trusted proxies."""
    found: list[str] = cache.get(_FORWARDERS, [])
    return found


def _note_forwarder(address: str) -> None:
    """Keep one such address, once for each process: it may be a proxy that the operator forgot."""
    if not _noted:
        _noted.add(address)
        cache.set(_FORWARDERS, [address], timeout=86_400)


def _is_edge(address: Address) -> bool:
    return settings.CLOUDFLARE and is_cloudflare(address)


def _is_trusted(address: Address) -> bool:
    return any(address in normal_network(network) for network in settings.TRUSTED_PROXIES)


@lru_cache(maxsize=1024)
def _parse(text: str) -> Address | None:
    """Parse an address, with or without port and brackets."""
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or IPv6Address(int(address))  # without the scope, which is local
