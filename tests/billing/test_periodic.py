"""The periodic jobs inside the server: each when it is due, in one process at a time."""

import contextlib
import datetime as dt
import pathlib
import threading
import uuid

import pytest
from celery import beat, signals
from django.db import connection
from django.db.models.functions import Now

from billing import job_locks, periodic, tasks
from billing.models import CreditAccount, JobLease, JobSuccess, UsageDay
from tests.billing.payers import CREDIT, open_account, payer
from tests.billing.shops import a_minute_passes, credited, pending, shop
from tests.billing.usage_rows import ago, use
from xrouter_site.celery import app

__all__ = ["shop"]

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]

JOB = "billing.tasks.aggregate_usage"


def time_passes(seconds: float) -> None:
    for lease in JobLease.objects.all():
        JobLease.objects.filter(pk=lease.pk).update(
            due_at=lease.due_at - dt.timedelta(seconds=seconds)
        )


def test_a_job_is_due_once_a_turn():
    holder = job_locks.take(JOB, 600)
    assert holder is not None
    assert job_locks.take(JOB, 600) is None
    job_locks.give_back(JOB, holder, 600)
    assert job_locks.take(JOB, 600) is None
    time_passes(601)
    assert job_locks.take(JOB, 600) is not None


def test_the_lease_of_one_who_died_ends_by_itself():
    assert job_locks.take("poll", 20) is not None
    time_passes(30)
    assert job_locks.take("poll", 20) is None
    time_passes(31)
    assert job_locks.take("poll", 20) is not None


def test_who_lost_a_lease_gives_nothing_back():
    job_locks.take(JOB, 600)
    due_at = JobLease.objects.get().due_at
    job_locks.give_back(JOB, uuid.uuid4(), 1)
    assert JobLease.objects.get().due_at == due_at


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_all_that_come_at_once_one_gets_the_job():
    together = threading.Barrier(8)
    taken = []

    def run():
        together.wait()
        taken.append(job_locks.take(JOB, 600))
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([holder for holder in taken if holder]) == 1


def test_every_entry_of_the_schedule_is_a_task_that_runs(settings):
    account = open_account(CREDIT)
    use(payer(account), ago(hours=3), CREDIT)
    app.loader.import_default_modules()
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        app.tasks[entry["task"]]()
    assert UsageDay.objects.count() == 1


def test_beat_begins_with_what_has_never_ended_well_or_too_long_ago(tmp_path: pathlib.Path):
    for job in ("billing.tasks.audit_books", JOB):
        job_locks.succeeded(job)
    JobSuccess.objects.filter(job=JOB).update(succeeded_at=ago(hours=1))
    service = beat.Service(app, schedule_filename=str(tmp_path / "schedule"))
    with contextlib.closing(service.scheduler) as scheduler:
        signals.beat_init.send(sender=service)
        due = {path for path in app.conf.beat_schedule if scheduler.schedule[path].is_due()[0]}
    assert due == set(app.conf.beat_schedule) - {"billing.tasks.audit_books"}


@pytest.mark.django_db(transaction=True)
def test_a_due_job_runs_and_is_not_due_any_more():
    use(payer(open_account(CREDIT)), ago(hours=3), CREDIT)
    periodic.run_if_due(JOB, 600)
    assert UsageDay.objects.count() == 1
    UsageDay.objects.all().delete()
    periodic.run_if_due(JOB, 600)
    assert not UsageDay.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_job_that_fails_is_logged_and_comes_again(caplog):
    periodic.run_if_due("billing.tasks.no_such_task", 600)
    assert "no_such_task failed" in caplog.text
    lease = JobLease.objects.filter(due_at__gt=Now() + dt.timedelta(seconds=590))
    assert lease.filter(due_at__lt=Now() + dt.timedelta(seconds=610)).exists()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_without_a_broker_the_server_polls_payments_by_itself(shop, settings):
    settings.CELERY_BROKER_URL = ""
    settings.CELERY_BEAT_SCHEDULE = {
        "poll": {"task": "billing.tasks.poll_payments", "schedule": 0.2}
    }
    payment = pending()
    shop.pay(payment.provider_id)
    a_minute_passes()
    timer = periodic.Timer()
    timer.start()
    timer.start()
    try:
        end = threading.Event()
        for _ in range(600):
            if credited(payment) or end.wait(0.1):
                break
        assert len(timer._threads) == 1
    finally:
        timer.stop()
    assert credited(payment) == [100 * CREDIT]


def test_with_a_broker_the_server_runs_nothing(settings):
    settings.CELERY_BROKER_URL = "redis://localhost:1/0"
    timer = periodic.Timer()
    timer.start()
    assert timer._threads == []


def test_drift_of_the_books_is_an_error_in_the_log_and_a_mail(caplog, settings, mailoutbox):
    settings.ALERT_EMAIL = "oncall@example.ru"
    account = open_account(CREDIT)
    tasks.audit_books()
    assert "add up" not in caplog.text
    CreditAccount.objects.filter(account=account).update(posted_nano=CREDIT + 1)
    tasks.audit_books()
    CreditAccount.objects.filter(account=account).update(posted_nano=CREDIT)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert f"account {account.pk} has {CREDIT + 1}" in caplog.text
    (mail,) = mailoutbox
    assert mail.to == ["oncall@example.ru"]
    assert f"account {account.pk} has {CREDIT + 1}" in mail.body


def test_drift_of_usage_is_an_error_in_the_log(caplog):
    use(payer(open_account(CREDIT)), ago(hours=3), CREDIT)
    tasks.aggregate_usage()
    UsageDay.objects.update(requests=2)
    tasks.audit_books()
    assert "Usage does not add up" in caplog.text
