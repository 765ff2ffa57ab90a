"""Nobody reads or changes what is another's: every route of the URLconf, asked by everyone.

tests/tenant_routes.py has a row for each route; a new one fails the first test until it has one too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.db import transaction
from django.urls import URLResolver, get_resolver

from accounts.models import User
from billing.ledger import balances
from tests.tenant_routes import (
    ADMIN_MODELS,
    ADMIN_PAGES,
    ADMIN_ROUTES,
    API,
    ROLES,
    ROUTES,
    TenantQuestion,
)
from tests.tenant_world import MARK, World, build, text_of, told_apart

pytestmark = pytest.mark.django_db

ALL_ASKED = [asked for rows in ROUTES.values() for asked in rows]


@pytest.fixture
def world() -> World:
    return build()


def routes(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """Yield every route, without the marks of a regular expression's beginning and end."""
    for pattern in resolver.url_patterns:
        route = prefix + re.sub(r"^\^|/\?\$$|\$$", "", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, route)
        else:
            yield route


def test_every_route_has_its_row():
    pages_of_models = {
        f"admin/{app}/{model}/{page}"
        for app, models in ADMIN_MODELS.items()
        for model in models
        for page in ADMIN_PAGES
    }
    in_another_dialect = {f"api/v1/{route}" for route in API}
    pages_of_admin = {f"admin/{route}" for route in ADMIN_ROUTES} | pages_of_models
    assert set(routes(get_resolver())) == set(ROUTES) | in_another_dialect | pages_of_admin


@dataclass(frozen=True, slots=True)
class TenantAnswer:
    """`has_changed`: something of the owner's is not as it was."""

    status: int
    text: str
    has_changed: bool


def ask(world: World, role: str, asked: TenantQuestion, *, unknown: bool = False) -> TenantAnswer:
    """Ask, and undo whatever came of it, but for the answer."""
    names = world.names.unknown() if unknown else world.names
    cache.clear()
    balances.forget_all()
    with transaction.atomic():
        response = world.people[role].ask(asked, names.filled(asked.path), names.filled(asked.body))
        answer = TenantAnswer(
            response.status_code, text_of(response), world.state() != world.before
        )
        transaction.set_rollback(True)
    return answer


@pytest.mark.parametrize("role", ROLES)
def test_each_is_answered_as_the_table_says_and_only_the_owner_gets_at_it(role: str, world: World):
    answers = {asked: ask(world, role, asked) for asked in ALL_ASKED}
    differing = [
        f"{asked.method} {asked.path}: {answer.status}, not {asked.expected(role)}"
        for asked, answer in answers.items()
        if answer.status != asked.expected(role)
    ]
    assert differing == []
    read = {asked.path for asked, answer in answers.items() if MARK in answer.text}
    changed = {
        (asked.method, asked.path) for asked, answer in answers.items() if answer.has_changed
    }
    if role != "owner":
        assert (read, changed) == (set(), set())
        return
    assert read >= READ_BY_THE_OWNER
    assert changed >= CHANGED_BY_THE_OWNER
    assert {method for method, _ in changed} == {"POST", "PUT", "PATCH", "DELETE"}


READ_BY_THE_OWNER = {
    "/v1/keys",
    "/v1/keys/{key}",
    "/v1/model_map",
    "/v1/activity",
    "/cabinet/",
    "/cabinet/keys/",
    "/cabinet/keys/{key}/",
    "/cabinet/apps/{app}/",
    "/cabinet/usage/?format=csv",
    "/cabinet/billing/ledger/?format=csv",
    "/cabinet/generations/{generation}/",
    "/cabinet/billing/payments/{payment}/",
    "/cabinet/security/",
    "/cabinet/security/?format=csv",
    "/cabinet/keys/?format=csv",
    "/cabinet/billing/?format=csv",
}
CHANGED_BY_THE_OWNER = {
    ("PATCH", "/v1/keys/{key}"),
    ("DELETE", "/v1/keys/{key}"),
    ("PUT", "/v1/model_map"),
    ("POST", "/cabinet/keys/{key}/revoke/"),
    ("POST", "/cabinet/apps/{app}/delete/"),
    ("POST", "/cabinet/apps/{app}/secret/"),
    ("POST", "/cabinet/connections/disconnect/"),
    ("POST", "/cabinet/security/events/{event}/confirm/"),
}


@pytest.mark.parametrize("role", ["other", "staff"])
def test_what_is_anothers_looks_as_if_it_did_not_exist(role: str, world: World):
    nothing = world.names.unknown()
    differing = []
    for asked in ALL_ASKED:
        if not asked.is_about_a_thing:
            continue
        anothers, unknown = ask(world, role, asked), ask(world, role, asked, unknown=True)
        same = [told_apart(anothers.text, world.names), anothers.status] == [
            told_apart(unknown.text, nothing),
            unknown.status,
        ]
        if not same:
            differing.append(f"{asked.method} {asked.path}")
    assert differing == []


@pytest.mark.parametrize("role", [role for role in ROLES if role != "staff"])
def test_only_operators_come_to_their_admin(role: str, world: World):
    owner = User.objects.get(email__startswith=MARK)
    paths = {
        f"/admin/{app}/{model}/{page.replace('<path:object_id>', str(owner.pk))}"
        for app, models in ADMIN_MODELS.items()
        for model in models
        for page in ADMIN_PAGES
    } | {
        "/admin/",
        "/admin/autocomplete/",
        "/admin/jsi18n/",
        f"/admin/r/1/{owner.pk}/",
        f"/admin/billing/creditaccount/{owner.pk}/adjust/",
        "/admin/accounts/",
    }
    let_in = []
    for path in sorted(paths):
        for method in ("GET", "POST"):
            response = world.people[role].ask(TenantQuestion(method, path, ""), path, "")
            if response.status_code not in {302, 403} or MARK in text_of(response):
                let_in.append(f"{method} {path}: {response.status_code}")
    assert let_in == []
    assert world.state() == world.before


def test_an_operator_finds_what_people_have(world: World):
    for model in ("accounts/user", "accounts/apikey"):
        assert MARK in ask(world, "staff", TenantQuestion("GET", f"/admin/{model}/", "")).text


def test_every_model_of_the_admin_is_listed():
    registered = {(model._meta.app_label, model._meta.model_name) for model in admin.site._registry}
    assert registered == {(app, name) for app, names in ADMIN_MODELS.items() for name in names}
