"""The life of a model: its status, its last day, who is told of it, and what is answered after it."""

import datetime as dt
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import Account, APIKey
from billing.ledger.process_heartbeat import heartbeat
from billing.models import Hold, UsageDay
from gateway.api.capacity import capacity
from gateway.catalog import end_notices, snapshot
from gateway.models import EndNotice, LanguageModel
from infra.claimed_mail import CLAIM
from infra.moscow_time import midnight, moscow_day
from tests.accounts.people import new_key

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db(transaction=True)]

MODEL = "gigachat-basic"
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _fresh_catalogue() -> Iterator[None]:
    snapshot.reset()
    yield
    heartbeat.stop()  # its thread would go to the database of other tests
    snapshot.reset()


def ends(on: dt.date | None, **fields: Any) -> LanguageModel:
    """Set the last day of MODEL."""
    model = LanguageModel.objects.get(public_id=MODEL)
    model.ends_on = on
    for name, value in fields.items():
        setattr(model, name, value)
    model.save()
    snapshot.reset()
    return model


def today() -> dt.date:
    return moscow_day(timezone.now())


def post(path: str, body: object, key: str) -> Any:
    return Client().post(
        path, orjson.dumps(body), "application/json", headers={"Authorization": f"Bearer {key}"}
    )


def chat(path: str = "chat/completions", **fields: object) -> Any:
    _, raw = new_key(is_test=True)
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Привет"}], **fields}
    return post(f"/v1/{path}", body, raw)


def test_a_model_without_an_end_says_nothing_of_one() -> None:
    response = chat()
    assert response.status_code == 200
    assert "Deprecation" not in response.headers
    assert "Sunset" not in response.headers


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("chat/completions", {}),
        ("chat/completions", {"stream": True}),
        ("completions", {"messages": None, "prompt": "Привет"}),
        ("messages", {"max_tokens": 9}),
    ],
)
def test_answers_of_a_model_that_ends_say_since_when_and_until_when(
    path: str, fields: dict[str, Any]
) -> None:
    last = today() + 30 * DAY
    ends(last, deprecated_on=today() - DAY)
    _, raw = new_key(is_test=True)
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Привет"}], **fields}
    body = {name: value for name, value in body.items() if value is not None}
    response = post(f"/v1/{path}", body, raw)
    assert response.status_code == 200, response.content
    assert response.getvalue()  # a stream that nobody reads keeps its connection
    assert response.headers["Deprecation"] == f"@{int(midnight(today() - DAY).timestamp())}"
    assert parsedate_to_datetime(response.headers["Sunset"]) == midnight(last + DAY)


def test_a_model_that_ends_with_the_calendar_answers_as_any_other() -> None:
    ends(dt.date.max, deprecated_on=today())
    for is_streamed in (False, True):
        response = chat(stream=is_streamed)
        assert response.status_code == 200, response.content
        assert response.getvalue()
        assert parsedate_to_datetime(response.headers["Sunset"]) == midnight(dt.date.max)
    assert Client().get(f"/v1/models/{MODEL}").status_code == 200


def test_a_stream_whose_headers_fail_gives_back_its_place_and_its_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> str:
        raise OverflowError

    ends(today() + DAY)
    monkeypatch.setattr("gateway.api.sunset.http_date", fail)  # Django's own
    running = capacity.running
    assert chat(stream=True).status_code == 500
    assert capacity.running == running
    assert not Hold.objects.exists()


def test_lists_and_cards_tell_status_and_last_day() -> None:
    ends(today())
    card = Client().get(f"/v1/models/{MODEL}").json()
    assert (card["status"], card["ends_on"]) == ("legacy", today().isoformat())
    [listed] = [
        item for item in Client().get("/v1/models").json()["data"] if item["id"] == "yandexgpt:rc"
    ]
    assert (listed["status"], listed["ends_on"]) == ("preview", None)


def test_the_day_after_the_last_one_it_is_served_no_more_and_the_refusal_names_another() -> None:
    ends(today() - DAY)
    refused = chat()
    assert refused.status_code == 404
    error = refused.json()["error"]
    assert (error["code"], error["param"]) == ("model_not_found", "model")
    assert "gigachat-2" in error["message"]
    assert MODEL not in {item["id"] for item in Client().get("/v1/models").json()["data"]}
    assert Client().get(f"/v1/models/{MODEL}").json()["status"] == "ended"
    assert Client().get(f"/models/{MODEL}/").status_code == 404


def test_a_fallback_is_asked_in_its_place() -> None:
    ends(today() - DAY)
    assert chat(models=["gigachat-2"]).json()["model"] == "gigachat-2"


def test_an_end_without_a_date_of_its_announcement_is_announced_today() -> None:
    assert ends(today() + DAY).deprecated_on == today()
    assert ends(today() - 5 * DAY, deprecated_on=None).deprecated_on == today() - 5 * DAY
    assert ends(None).deprecated_on is None


def test_the_database_refuses_an_end_before_its_announcement_and_an_unknown_status() -> None:
    rows = LanguageModel.objects.filter(public_id=MODEL)
    for change in ({"status": "old"}, {"deprecated_on": today(), "ends_on": today() - DAY}):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**change)


@pytest.mark.parametrize("successor", [MODEL, "gpt-4o"])
def test_a_successor_is_another_model_of_the_catalogue(successor: str) -> None:
    model = LanguageModel.objects.get(public_id=MODEL)
    model.successor = successor
    with pytest.raises(ValidationError) as refused:
        model.full_clean()
    assert set(refused.value.message_dict) == {"successor"}


def used(key: APIKey, day: dt.date, model_id: str = MODEL) -> Account:
    UsageDay.objects.create(
        account=key.account,
        day=day,
        credential_kind="key",
        credential_id=key.pk,
        model_id=model_id,
        requests=1,
        errors=0,
        tokens_prompt=1,
        tokens_completion=1,
        tokens_cached=0,
        cost_nano=0,
        upstream_cost_nano=0,
    )
    return key.account


def test_whoever_used_a_model_that_ends_is_told_once_for_each_last_day() -> None:
    account = used(new_key()[0], today() - 3 * DAY)
    used(new_key("boris@example.ru")[0], today() - 3 * DAY, "yandexgpt:rc")
    used(new_key("vera@example.ru")[0], today() - 31 * DAY)
    assert end_notices.send_due() == 0

    ends(today() + 9 * DAY)
    assert end_notices.send_due() == 1
    assert end_notices.send_due() == 0
    [letter] = mail.outbox
    assert letter.to == [account.owner.email]
    assert MODEL in letter.subject
    assert "gigachat-2" in letter.body

    account.owner.language = "en"
    account.owner.save()
    ends(today() + 8 * DAY)
    assert end_notices.send_due() == 1
    assert "Use gigachat-2 instead." in mail.outbox[-1].body


def test_a_mail_that_another_process_is_sending_is_not_sent_twice() -> None:
    account = used(new_key()[0], today())
    model = ends(today() + DAY)
    notice = EndNotice.objects.create(
        account=account, model=model, ends_on=today() + DAY, claimed_at=timezone.now()
    )
    assert end_notices.send_due() == 0
    EndNotice.objects.filter(pk=notice.pk).update(claimed_at=timezone.now() - CLAIM * 2)
    assert end_notices.send_due() == 1


def test_a_mail_that_could_not_be_sent_is_sent_the_next_time(monkeypatch: Any) -> None:
    used(new_key()[0], today())
    ends(today() + DAY)

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no mail server")

    with monkeypatch.context() as broken:
        broken.setattr(end_notices, "send_mail", refuse)
        assert end_notices.send_due() == 0
    assert end_notices.send_due() == 1


def test_former_names_are_listed_under_the_present_one_and_found_by_their_own() -> None:
    page = Client(headers={"accept-language": "en"})
    rows = {entry.model.id: entry for entry in page.get("/models/").context["entries"]}
    assert MODEL not in rows
    assert [model.id for model in rows["gigachat-2"].former] == ["gigachat-basic", "gigachat-plus"]
    assert MODEL in page.get("/models/").content.decode()
    found = page.get("/models/?q=gigachat-basic").context["entries"]
    assert MODEL in [entry.model.id for entry in found]
    assert "gpt-oss-20b" in [model.id for model in rows["qwen3.6-35b-a3b"].former]
