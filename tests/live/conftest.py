"""One running service for the whole run of a worker; its sandbox begins each test anew, its providers well."""

from collections.abc import Iterator

import pytest

from tests.live.service import Service, serve


@pytest.fixture(scope="session", autouse=True)
def _template(django_db_setup: None) -> None:
    """See that there is a database for services to have copies of."""


@pytest.fixture(scope="session")
def running_service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    store = request.config.option.store
    with serve(store, tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture(scope="session")
def running_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    constants = {"billing.ledger.process_heartbeat.RENEW_EVERY_S": 1.0}
    with serve(
        "postgres", tmp_path_factory.mktemp("pair"), constants=constants, WEB_CONCURRENCY="2"
    ) as pair:
        yield pair


@pytest.fixture
def pair(running_pair: Service) -> Iterator[Service]:
    """Yield a service of two worker processes over PostgreSQL and Redis."""
    running_pair.make_well()
    yield running_pair
    running_pair.hang_up()


@pytest.fixture
def service(running_service: Service) -> Iterator[Service]:
    running_service.make_well()
    yield running_service
    running_service.hang_up()
