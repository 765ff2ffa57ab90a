"""What every test stands on: the chosen store, and a Redis and a cache that begin empty."""

import gc
import os
import pathlib
import re
from collections.abc import Generator, Iterator

import environ
import hypothesis
import pytest
import redis
from django.core.cache import cache
from django.core.signals import setting_changed
from django.db import connection, connections
from django.dispatch import receiver
from django.utils import translation
from pytest_django.plugin import DjangoDbBlocker

from accounts.keys.credentials import credentials
from accounts.keys.last_use import last_use
from gateway import upstreams
from gateway.health import monitor
from infra import outages, outbox
from infra.background import _all as all_background
from infra.group_commit import _all as all_group_commits
from tests.as_migrated import restore_after_tests
from tests.live.service import database
from tests.static_files import list_once

HANG_S = 60
TESTS = pathlib.Path(__file__).parent

list_once()
# Ten thousand tests stay: the collector would go through them again and again.
gc.disable()
# A busy machine is no fault of what is tried.
hypothesis.settings.register_profile(
    "patient",
    hypothesis.settings(),
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("patient")

STORES = {"db", "transactional_db", "redis_client", "redis_url"}
DEAREST = ("live", "browser", "test_scripts.py", "serving", "test_tenants.py", "billing", "infra")
"""What takes longest begins first, so that no worker waits for another at the end."""


def pytest_ignore_collect(collection_path: pathlib.Path, config: pytest.Config) -> bool | None:
    """Leave out modules without a mark of `-m`, if that is marks and `or` alone: to import all takes long."""
    marks = re.split(r"\s+or\s+", config.option.markexpr)
    if collection_path.suffix != ".py" or not all(mark.isidentifier() for mark in marks):
        return None
    text = collection_path.read_text()
    return None if any(mark in text for mark in marks) else True


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None]:
    """Leave out what the chosen database cannot be tried for; keep modules whole, the dearest first."""
    yield
    elsewhere = "embedded" if config.option.store == "postgres" else "postgres"
    if out := [item for item in items if item.get_closest_marker(elsewhere)]:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if not item.get_closest_marker(elsewhere)]
    modules = {path: place for place, path in enumerate(dict.fromkeys(item.path for item in items))}
    items.sort(key=lambda item: (_dearness(item.path), modules[item.path]))


def _dearness(module: pathlib.Path) -> int:
    room = module.relative_to(TESTS).parts[0]
    return DEAREST.index(room) if room in DEAREST else len(DEAREST)


def _commits(item: pytest.Item) -> bool:
    """Say whether a test commits, so that what it leaves is to be put right."""
    marker = item.get_closest_marker("django_db")
    return "transactional_db" in getattr(item, "fixturenames", ()) or bool(
        marker and marker.kwargs.get("transaction")
    )


@receiver(setting_changed)
def _read_credentials_again(**_changed: object) -> None:
    """A running service never sees a setting change; what it read of the environment it keeps a second."""
    upstreams.pool.reset()


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest,
    django_test_environment: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    """Give this process a copy of the migrated database; pytest-django's own fixture would migrate in each."""
    store = request.config.option.store
    with (
        database(store, tmp_path_factory.mktemp("database")) as url,
        django_db_blocker.unblock(),
    ):
        connection.settings_dict["NAME"] = environ.Env.db_url_config(url)["NAME"]
        if any(_commits(item) for item in request.session.items):
            restore_after_tests()
        yield
        # Their connections would keep the database from being dropped.
        for background in list(all_background):
            background.stop()
        for group_commit in list(all_group_commits):
            group_commit.flush(HANG_S)
        connections.close_all()


@pytest.fixture
def own_sqlite_url(django_db_setup: None, tmp_path: pathlib.Path) -> Iterator[str]:
    """Return the URL of a migrated SQLite database, for processes of a test's own."""
    with database("sqlite", tmp_path) as url:
        yield url


@pytest.fixture(scope="session")
def redis_client() -> Iterator[redis.Redis]:
    with redis.Redis.from_url(os.environ["TEST_REDIS_URL"]) as client:
        yield client


@pytest.fixture(autouse=True)
def _empty_stores(request: pytest.FixtureRequest) -> Iterator[None]:
    """Forget what the test before left in this process, and in Redis where this test can see it."""
    monitor.reset()
    for outage in (outages.database, outages.redis, outbox._server):
        outage._began_s = None
    translation.deactivate()
    if request.node.get_closest_marker("django_db") or STORES.intersection(request.fixturenames):
        request.getfixturevalue("redis_client").flushdb()
        cache.clear()
    yield
    outbox._waiting.clear()
    outbox._sender.stop()
    credentials.stop()
    last_use.stop()


@pytest.fixture
def redis_url() -> str:
    """Return the address of a Redis database of this test's own."""
    return os.environ["TEST_REDIS_URL"]
