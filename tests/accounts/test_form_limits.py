"""How often a form may be sent: whose attempts count together, and what stands in the answer."""

from ipaddress import ip_network

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import RequestFactory

from accounts import users
from accounts.models import User
from accounts.signin.form_limits import limit_form
from infra import outages

pytestmark = pytest.mark.usefixtures("redis_client")  # the attempts are counted there

LIMIT = 3
TRUSTED = "10.0.0.1"


@limit_form("a form", f"{LIMIT}/h")
def form(request):
    return HttpResponse("done")


def send(address="203.0.113.7", user=None, method="post", **headers):
    request = getattr(RequestFactory(), method)("/form/", REMOTE_ADDR=address, headers=headers)
    request.user = user or AnonymousUser()
    return form(request)


def test_the_next_one_above_the_rate_is_told_how_long_to_wait():
    assert [send().status_code for _ in range(LIMIT)] == [200] * LIMIT
    refused = send()
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert "<h1>" in refused.content.decode()


def test_reading_the_form_never_counts():
    assert {send(method="get").status_code for _ in range(LIMIT + 2)} == {200}
    assert send().status_code == 200


def test_strangers_count_by_their_own_address_whatever_they_claim(settings):
    settings.TRUSTED_PROXIES = [ip_network(TRUSTED)]
    for number in range(LIMIT):
        send(**{"X-Forwarded-For": f"198.51.100.{number}", "CF-Connecting-IP": "198.51.100.9"})
    assert send(**{"X-Forwarded-For": "198.51.100.77"}).status_code == 429
    assert send(address="203.0.113.8").status_code == 200


def test_behind_a_trusted_proxy_it_is_the_client_that_counts(settings):
    settings.TRUSTED_PROXIES = [ip_network(TRUSTED)]
    for _ in range(LIMIT):
        send(TRUSTED, **{"X-Forwarded-For": "198.51.100.1"})
    assert send(TRUSTED, **{"X-Forwarded-For": "198.51.100.1"}).status_code == 429
    assert send(TRUSTED, **{"X-Forwarded-For": "198.51.100.2"}).status_code == 200


@pytest.mark.parametrize("claim", ["a, b", "", "[::1", "1.2.3.4, 5.6.7.8:90", "\u0661"])
def test_no_claim_breaks_the_form(settings, claim):
    settings.TRUSTED_PROXIES = [ip_network(TRUSTED)]
    assert send(TRUSTED, **{"X-Forwarded-For": claim}).status_code == 200


def test_the_addresses_of_one_ipv6_network_count_together():
    for number in range(LIMIT):
        send(address=f"2001:db8:1:2::{number + 1}")
    assert send(address="2001:db8:1:2:ffff::1").status_code == 429
    assert send(address="2001:db8:1:3::1").status_code == 200
    for number in range(LIMIT):
        send(address=f"::ffff:203.0.113.{number + 1}")
    assert send(address="::ffff:203.0.113.99").status_code == 200


def test_a_unix_socket_has_no_address_and_still_a_limit():
    assert [send(address="").status_code for _ in range(LIMIT + 1)][-1] == 429


@pytest.mark.django_db
def test_people_count_by_themselves_wherever_they_are():
    natasha, pierre = (users.register(email=f"{name}@example.ru").owner for name in ("n", "p"))
    assert isinstance(natasha, User)
    for number in range(LIMIT):
        send(address=f"203.0.113.{number}", user=natasha)
    assert send(user=natasha).status_code == 429
    assert send(user=pierre).status_code == 200


def test_redis_counts_for_all_processes(settings, redis_url):
    settings.CACHES = {
        "default": {"BACKEND": "infra.fallback_cache.FallbackRedisCache", "LOCATION": redis_url}
    }
    assert [send().status_code for _ in range(LIMIT + 1)] == [200] * LIMIT + [429]


def test_while_redis_is_away_the_process_counts_alone_and_says_so(settings, caplog, monkeypatch):
    monkeypatch.setattr(outages, "redis", outages.Outage("Redis"))
    settings.CACHES = {
        "default": {
            "BACKEND": "infra.fallback_cache.FallbackRedisCache",
            "LOCATION": "redis://127.0.0.1:1/1",
        }
    }
    assert [send().status_code for _ in range(LIMIT + 1)] == [200] * LIMIT + [429]
    assert "Redis is away" in caplog.text
