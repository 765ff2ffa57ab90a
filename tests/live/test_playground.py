"""Completions that a person runs from the playground: as the API's, by their session."""

import json
import re
import time

import httpx2
import pytest

from tests.live.service import Service

PAGE, COMPLETIONS = "/cabinet/playground/", "/cabinet/playground/completions"
LOG_IN = """
    import sys
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.conf import settings
    from accounts import users
    user = users.find(email=sys.argv[1])
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    print(session.session_key)
"""
GIVE_UP_S = 60


@pytest.fixture
def person(service: Service):
    """Return the browser of a person with credits, on the page."""
    email = f"person-{time.time_ns()}@example.ru"
    service.key(email)
    session = service.python(LOG_IN, email).strip()
    with httpx2.Client(base_url=service.url, timeout=60, trust_env=False) as browser:
        browser.cookies.set("sessionid", session)
        assert browser.get(PAGE).status_code == 200
        browser.headers["X-CSRFToken"] = browser.cookies["csrftoken"]
        yield browser


def body(text: str, model: str = "gigachat-pro") -> dict[str, object]:
    return {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def generation(service: Service, public_id: str) -> tuple[object, ...]:
    """Return how a generation was booked, once it is."""
    give_up_s = time.monotonic() + GIVE_UP_S
    asked = public_id.removeprefix("gen-")
    while time.monotonic() < give_up_s:
        rows = service.query(
            "SELECT credential_kind, is_cancelled, cost_nano FROM billing_generation"
            " WHERE replace(cast(id AS text), '-', '') = %s",
            asked,
        )
        if rows:
            return rows[0]
        time.sleep(0.1)
    raise AssertionError("The request is not booked.")


def test_a_streamed_answer_bears_what_the_page_shows(service: Service, person: httpx2.Client):
    with person.stream("POST", COMPLETIONS, json=body("Привет")) as response:
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/event-stream")
        public_id = response.headers["X-Generation-Id"]
        lines = [line for line in response.iter_lines() if line.startswith("data: ")]
    assert lines[-1] == "data: [DONE]"
    usage = json.loads(lines[-2].removeprefix("data: "))
    assert usage["provider"] == "gigachat"
    assert usage["usage"]["cost"] > 0
    kind, is_cancelled, cost_nano = generation(service, public_id)
    assert (kind, bool(is_cancelled)) == ("session", False)
    assert cost_nano == round(usage["usage"]["cost"] * 10**9)
    assert person.get(f"/cabinet/generations/{public_id}/").status_code == 200


def test_a_stop_ends_the_upstream_request_too(service: Service, person: httpx2.Client):
    asked = body("sandbox:pause=60 sandbox:long=30 Расскажи")
    with person.stream("POST", COMPLETIONS, json=asked) as response:
        public_id = response.headers["X-Generation-Id"]
        next(line for line in response.iter_lines() if re.search('"content":"[^"]', line))
    left_at = time.time()
    upstream = service.sandbox.requests.of("gigachat", "ompletion")[-1]
    while upstream.closed_by_client_at is None:
        assert time.time() < left_at + GIVE_UP_S, "The provider was not told."
        time.sleep(0.05)
    assert upstream.closed_by_client_at < left_at + 10
    _, is_cancelled, cost_nano = generation(service, public_id)
    assert is_cancelled
    assert cost_nano


def test_a_log_out_ends_it_at_once(service: Service, person: httpx2.Client):
    person.post("/accounts/logout/")
    person.headers["X-CSRFToken"] = person.cookies["csrftoken"]
    answer = person.post(COMPLETIONS, json=body("Привет"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
