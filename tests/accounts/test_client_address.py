"""Which address is the client's, and which keys may be used from it."""

from ipaddress import ip_address, ip_network

import pytest
from django.http.request import HttpHeaders
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from accounts.client_address import (
    check_address,
    client_address,
    is_trusted_proxy,
    may_name_scheme,
    normal_network,
)
from accounts.errors import IPNotAllowed
from accounts.principal import Principal

PROXY = "10.0.0.1"
OUTSIDE = "198.51.100.9"
EDGE = "172.64.0.9"
"""A server of Cloudflare's."""


@pytest.fixture(autouse=True)
def _trusted(settings):
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


def seen_from(remote_addr, *, forwarded_for=None, connecting_ip=None):
    environ = {"HTTP_X_FORWARDED_FOR": forwarded_for, "HTTP_CF_CONNECTING_IP": connecting_ip}
    headers = HttpHeaders({name: text for name, text in environ.items() if text is not None})
    address = client_address(remote_addr, headers)
    return None if address is None else str(address)


@pytest.mark.parametrize(
    ("remote_addr", "address"),
    [
        (OUTSIDE, OUTSIDE),
        ("::ffff:198.51.100.9", OUTSIDE),
        ("2001:db8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        (PROXY, PROXY),
        ("", None),
        ("garbage", None),
    ],
)
def test_without_headers_the_peer_is_the_client(remote_addr, address):
    assert seen_from(remote_addr) == address


@pytest.mark.parametrize("forged", ["203.0.113.7", "10.0.0.9", "garbage", "1.1.1.1, 2.2.2.2"])
def test_headers_of_a_stranger_are_not_believed(forged):
    assert seen_from(OUTSIDE, forwarded_for=forged, connecting_ip=forged) == OUTSIDE


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7 ", "203.0.113.7"),
        ("1.1.1.1, 203.0.113.7", "203.0.113.7"),
        ("1.1.1.1, 203.0.113.7, 10.0.0.2, 10.0.0.3", "203.0.113.7"),
        ("203.0.113.7, ::ffff:10.0.0.2", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8::7, fd00::1", "2001:db8::7"),
        ("203.0.113.7:51234", "203.0.113.7"),
        ("[2001:db8::7]:51234", "2001:db8::7"),
        ("10.0.0.5, 10.0.0.2", "10.0.0.5"),
        ("1.1.1.1, garbage, 10.0.0.2", "10.0.0.2"),
        ("1.1.1.1, garbage", PROXY),
        ("garbage", PROXY),
        ("", PROXY),
        (",,,", PROXY),
        ("127.1", PROXY),
        ("0177.0.0.1", PROXY),
        ("999.1.1.1", PROXY),
        ("١.١.١.١", PROXY),
    ],
)
def test_behind_a_proxy_the_rightmost_hop_that_is_none_of_ours_is_the_client(header, address):
    assert seen_from(PROXY, forwarded_for=header) == address


def test_cloudflares_header_is_never_read_where_the_service_is_not_behind_it():
    for peer in (PROXY, "", EDGE, OUTSIDE):
        seen = seen_from(peer, forwarded_for="203.0.113.7", connecting_ip="203.0.113.8")
        assert seen in {"203.0.113.7", peer}


@pytest.mark.parametrize(
    ("remote_addr", "forwarded_for"),
    [
        (EDGE, None),
        (f"::ffff:{EDGE}", None),
        ("2606:4700::9", None),
        (EDGE, "198.51.100.1"),
        (PROXY, EDGE),
        (PROXY, f"1.1.1.1, {EDGE}"),
        (PROXY, f"1.1.1.1, {EDGE}:443, 10.0.0.2"),
        (PROXY, "1.1.1.1, ::ffff:172.64.0.9"),
        ("", EDGE),
    ],
)
@pytest.mark.parametrize("client", ["203.0.113.7", "2001:db8::7", "::ffff:203.0.113.7"])
def test_behind_cloudflare_its_own_servers_name_the_client(
    settings, remote_addr, forwarded_for, client
):
    settings.CLOUDFLARE = True
    seen = seen_from(remote_addr, forwarded_for=forwarded_for, connecting_ip=client)
    assert seen == client.removeprefix("::ffff:")


def test_cloudflares_servers_may_be_listed_as_proxies_too(settings):
    settings.CLOUDFLARE = True
    settings.TRUSTED_PROXIES = [*settings.TRUSTED_PROXIES, ip_network("172.64.0.0/13")]
    for peer, forwarded_for in ((EDGE, "1.1.1.1"), (PROXY, f"1.1.1.1, {EDGE}")):
        seen = seen_from(peer, forwarded_for=forwarded_for, connecting_ip="203.0.113.7")
        assert seen == "203.0.113.7"


@pytest.mark.parametrize(
    ("remote_addr", "forwarded_for", "address"),
    [
        (OUTSIDE, None, OUTSIDE),
        (OUTSIDE, EDGE, OUTSIDE),
        (PROXY, None, PROXY),
        (PROXY, OUTSIDE, OUTSIDE),
        (PROXY, f"{EDGE}, {OUTSIDE}", OUTSIDE),
        (PROXY, f"{EDGE}, garbage", PROXY),
        ("", None, None),
    ],
)
def test_who_goes_round_cloudflare_names_nobody(settings, remote_addr, forwarded_for, address):
    settings.CLOUDFLARE = True
    seen = seen_from(remote_addr, forwarded_for=forwarded_for, connecting_ip="203.0.113.7")
    assert seen == address


@pytest.mark.parametrize("malformed", [None, "", "garbage", "203.0.113.7, 203.0.113.8"])
def test_without_a_client_in_its_header_cloudflares_server_is_the_client(settings, malformed):
    settings.CLOUDFLARE = True
    assert seen_from(EDGE, connecting_ip=malformed) == EDGE


@pytest.mark.parametrize(
    ("remote_addr", "is_behind", "believed"),
    [
        (PROXY, False, True),
        ("", False, True),
        (EDGE, False, False),
        (EDGE, True, True),
        (OUTSIDE, True, False),
        ("garbage", True, False),
    ],
)
def test_the_scheme_is_named_by_proxies_and_by_cloudflare(
    settings, remote_addr, is_behind, believed
):
    settings.CLOUDFLARE = is_behind
    assert may_name_scheme(remote_addr) is believed
    assert not is_trusted_proxy(EDGE)


def test_who_comes_through_a_unix_socket_speaks_for_others():
    assert seen_from("", forwarded_for="203.0.113.7") == "203.0.113.7"


@pytest.mark.parametrize(
    ("remote_addr", "trusted"),
    [
        (PROXY, True),
        ("::ffff:10.0.0.1", True),
        ("fd00::1", True),
        ("", True),
        (OUTSIDE, False),
        ("garbage", False),
    ],
)
def test_only_listed_networks_are_trusted(remote_addr, trusted):
    assert is_trusted_proxy(remote_addr) is trusted


def test_with_an_empty_list_no_address_is_trusted(settings):
    settings.TRUSTED_PROXIES = []
    assert not is_trusted_proxy("127.0.0.1")
    assert seen_from("127.0.0.1", forwarded_for="203.0.113.7") == "127.0.0.1"


def test_a_network_of_mapped_addresses_is_an_ipv4_network(settings):
    assert str(normal_network(ip_network("::ffff:10.0.0.0/104"))) == "10.0.0.0/8"
    assert str(normal_network(ip_network("::/0"))) == "::/0"
    assert str(normal_network(ip_network("2001:db8::/32"))) == "2001:db8::/32"
    settings.TRUSTED_PROXIES = [ip_network("::ffff:192.0.2.0/120")]
    assert is_trusted_proxy("192.0.2.7")


@given(st.text(), st.text(), st.text())
def test_no_header_breaks_the_search(remote_addr, forwarded_for, connecting_ip):
    with override_settings(CLOUDFLARE=True):
        for peer in (PROXY, "", EDGE, remote_addr):
            address = client_address(
                peer, {"X-Forwarded-For": forwarded_for, "CF-Connecting-IP": connecting_ip}
            )
            assert address is None or ip_address(str(address)) == address


def bound_to(*networks):
    return Principal(
        account_id=1,
        user_id=1,
        credential_kind="key",
        credential_id=1,
        scopes=frozenset({"chat"}),
        label="shell",
        allowed_networks=tuple(ip_network(network) for network in networks),
    )


@pytest.mark.parametrize(
    ("networks", "address"),
    [
        ([], OUTSIDE),
        ([], None),
        (["198.51.100.0/24"], OUTSIDE),
        (["2001:db8::/32", "198.51.100.9/32"], OUTSIDE),
        (["2001:db8::/32"], "2001:db8::9"),
    ],
)
def test_a_key_may_be_used_from_its_networks(networks, address):
    check_address(bound_to(*networks), ip_address(address) if address else None)


@pytest.mark.parametrize(
    ("networks", "address"),
    [
        (["203.0.113.0/24"], OUTSIDE),
        (["::/0"], OUTSIDE),
        (["0.0.0.0/0"], "2001:db8::9"),
        (["0.0.0.0/0", "::/0"], None),
    ],
)
def test_a_key_may_not_be_used_from_elsewhere(networks, address):
    with pytest.raises(IPNotAllowed):
        check_address(bound_to(*networks), ip_address(address) if address else None)
