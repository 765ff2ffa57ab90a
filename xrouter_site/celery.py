"""The Celery application; schedules stand in settings.py."""

import datetime as dt
import functools
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from celery import Celery, platforms, signals
from celery.apps import beat, worker
from celery.exceptions import Ignore
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.utils.module_loading import import_string

from infra import outages

logger = logging.getLogger(__name__)


def demand_broker() -> None:
    """Exit with one line where no broker is set: Celery would look for RabbitMQ on this machine."""
    if not settings.CELERY_BROKER_URL:
        sys.exit(
            "CELERY_BROKER_URL is unset, and so is REDIS_URL: name a broker. Without one the server runs"
            " the periodic jobs itself, and neither worker nor beat is needed."
        )


class QuietWorker(worker.Worker):
    """Celery's worker without its banner: every line of a log is JSON."""

    def on_before_init(self, quiet: bool = False, **options: Any) -> None:
        demand_broker()
        super().on_before_init(quiet=True, **options)


class QuietBeat(beat.Beat):
    """Celery's beat without its banner. The folder of its schedule need not be there."""

    schedule: str

    def __init__(self, *arguments: Any, **options: Any) -> None:
        demand_broker()
        super().__init__(*arguments, **options | {"quiet": True})
        folder = Path(self.schedule).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            sys.exit(
                f"{folder} cannot be made for beat's schedule ({error.strerror}):"
                " name a file that can be written with --schedule."
            )

    def install_sync_handler(self, service: object) -> None:
        """Have a signal end the loop, which saves the schedule at its end.

        Celery's own handler saves it first, and fails where the schedule is still being loaded.
        """
        platforms.signals.update(SIGTERM=_end, SIGINT=_end)


def _end(*_: object) -> NoReturn:
    sys.exit()


class LoggingCelery(Celery):
    """Celery whose processes log as the service does."""

    @functools.cached_property
    def Worker(self) -> Any:
        return self.subclass_with_self(QuietWorker)

    @functools.cached_property
    def Beat(self) -> Any:
        return self.subclass_with_self(QuietBeat)


@signals.setup_logging.connect
def keep_logging(**_: object) -> None:
    """Keep the logging of the settings; without a receiver Celery would set up its own."""


@signals.task_success.connect
def note_success(sender: Any, **_: Any) -> None:
    """Record that a periodic job ended well."""
    from billing import job_locks

    if sender.name not in app.conf.beat_schedule:
        return
    try:
        job_locks.succeeded(sender.name)
    except (DatabaseError, InterfaceError) as error:
        outages.log_failure(logger, f"The success of {sender.name} was not recorded", error)
    else:
        outages.database.over()


@signals.beat_init.connect
def make_up_for_what_was_missed(sender: Any, **_: Any) -> None:
    """Have beat begin with what has never ended well, or too long ago, as a server without a broker does.

    Its own file knows what was sent, and where it is new, beat would wait a whole period.
    """
    from billing import job_locks

    try:
        successes = job_locks.successes()
    except (DatabaseError, InterfaceError) as error:
        logger.warning("Beat does not know what is due, and waits a period: %s", error)
        return
    never = dt.datetime.fromtimestamp(0, dt.UTC)
    for path in app.conf.beat_schedule:
        sender.scheduler.schedule[path].last_run_at = successes.get(path, never)


app = LoggingCelery("xrouter")
app.config_from_object("django.conf:settings", namespace="CELERY")


@signals.import_modules.connect
def register_tasks(**_: object) -> None:
    """Register the scheduled functions as tasks.

    They bear no decorator of Celery's, so that only its own processes load it. Its receiver of this signal
    came first, and has set Django up.
    """
    for path in app.conf.beat_schedule:
        app.task(name=path)(_unless_database_is_away(import_string(path)))


def _unless_database_is_away(job: Callable[[], Any]) -> Callable[[], Any]:
    """Have an outage be its one line, and no failure with a traceback at each turn."""

    @functools.wraps(job)
    def run() -> Any:
        try:
            return job()
        except (DatabaseError, InterfaceError) as error:
            if not outages.is_outage(error):
                raise
            outages.database.note(error)
            raise Ignore from None  # neither failed nor ended well: its turn comes again

    return run
