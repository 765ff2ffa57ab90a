"""Where a request comes from: the one place that decides which address is the client's."""

from collections.abc import Mapping
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from django.conf import settings

from accounts.errors import IPNotAllowed
from accounts.principal import Principal

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAPPED_PREFIX = 96


def client_address(remote_addr: str, headers: Mapping[str, str]) -> Address | None:
    """Return the client's address, or None where nothing tells it.

    `headers` finds names in any case, as Django's `request.headers` does. They are believed only
    when the peer is a trusted proxy.
    """
    peer = _parse(remote_addr)
    if not is_trusted_proxy(remote_addr):
        return peer
    named = _parse(headers.get("CF-Connecting-IP", ""))
    if named is not None:
        return named
    return _forwarded_for(headers.get("X-Forwarded-For", "")) or peer


def is_trusted_proxy(remote_addr: str) -> bool:
    """Say whether the peer may speak for others; a unix socket, which has no address, may."""
    if not remote_addr:
        return True
    peer = _parse(remote_addr)
    return peer is not None and _is_trusted(peer)


def check_address(principal: Principal, address: Address | None) -> None:
    """Raise IPNotAllowed where the credential is bound to networks and this is in none of them."""
    allowed = principal.allowed_networks
    if allowed and not (address is not None and any(address in network for network in allowed)):
        raise IPNotAllowed


def normal_network(network: Network) -> Network:
    """Return the IPv4 network that an IPv4-mapped one means; any other as it is."""
    mapped = network.network_address
    if (
        isinstance(mapped, IPv6Address)
        and mapped.ipv4_mapped is not None
        and network.prefixlen >= MAPPED_PREFIX
    ):
        return ip_network(f"{mapped.ipv4_mapped}/{network.prefixlen - MAPPED_PREFIX}")
    return network


def _forwarded_for(header: str) -> Address | None:
    """Return the right-most hop that is no proxy of ours.

    Each proxy adds on the right whom it heard from, so what stands left of a hop that is not
    trusted, or not an address, is that hop's claim alone.
    """
    nearest = None
    for text in reversed(header.split(",")):
        hop = _parse(text)
        if hop is None:
            break
        nearest = hop
        if not _is_trusted(hop):
            break
    return nearest


def _is_trusted(address: Address) -> bool:
    return any(address in normal_network(network) for network in settings.TRUSTED_PROXIES)


def _parse(text: str) -> Address | None:
    """Read an address, with a port or brackets where a proxy wrote them."""
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
