"""The OpenAPI document: valid, whole, and as the routes are."""

import itertools
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.conf import LazySettings
from django.http import QueryDict
from django.test import Client, RequestFactory
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.api.endpoints.not_found import NotFoundView
from gateway.api.schema.openapi.document import document
from gateway.api.schema.openapi.views import OpenAPIView
from gateway.api.view import View
from gateway.management.commands.write_openapi import rendered
from tests.accounts.people import new_key
from tests.api.documented import DOCUMENT, check, check_against, examples, operations, resolved
from xrouter_site.urls import urlpatterns

FILE = pathlib.Path(__file__).parents[2] / "docs" / "openapi.json"

COMING: frozenset[tuple[str, str]] = frozenset()
"""Operations that are documented and not routed yet."""


def routes() -> Iterator[tuple[str, str, type[View]]]:
    """Yield method, path and view of every route under /v1; each parameter is written `{}`."""
    for route in urlpatterns:
        if not str(route.pattern).startswith("^v1/"):
            continue
        view = route.callback.cls  # type: ignore[union-attr]  # DRF sets it
        if view is NotFoundView:
            continue
        pattern = str(route.pattern).removeprefix("^").removesuffix("/?$")
        pattern = re.sub(r"\(\?P<\w+>[^)]*\)", "{}", pattern).replace(r"\.", ".")
        pieces = re.split(r"\(\?:([^)]*)\)\?", pattern)
        optional = [(piece, "") if index % 2 else (piece,) for index, piece in enumerate(pieces)]
        for spelling in itertools.product(*optional):
            for method in ("get", "post", "put", "patch", "delete"):
                if hasattr(view, method):
                    yield method.upper(), "/" + "".join(spelling), view


def unnamed(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


def test_the_file_is_what_the_code_says() -> None:
    assert FILE.read_bytes() == rendered(), "Run: python manage.py write_openapi"


def test_the_document_is_valid_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(orjson.loads(orjson.dumps(DOCUMENT))).validate()


def test_documented_and_routed_operations_are_the_same() -> None:
    documented = {
        (method, unnamed(path)) for method, path, _ in operations() if path.startswith("/v1/")
    }
    routed = {(method, path) for method, path, _ in routes()}

    assert routed - documented == set()
    assert documented - routed == COMING


def test_what_machines_read_beside_the_api_is_documented_as_it_is_routed() -> None:
    views = ("gateway.api.endpoints.health", "gateway.api.endpoints.metrics")
    routed = {
        f"/{route.pattern}".removesuffix("/")
        for route in urlpatterns
        if getattr(route.callback, "__module__", "") in views
    }

    assert routed == {"/health", "/health/ready", "/health/live", "/metrics"}
    assert {path for _, path, _ in operations() if not path.startswith("/v1/")} == routed


def test_what_machines_read_stands_at_the_root_alone() -> None:
    paths = document("https://llm.example.ru")["paths"]

    for path in ("/health", "/health/ready", "/health/live", "/metrics"):
        assert paths[path]["get"]["servers"] == [{"url": "https://llm.example.ru"}]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/health", "/health/ready", "/health/live", "/metrics"])
def test_what_machines_read_is_answered_as_documented(path: str) -> None:
    answer = Client().get(path)
    refused = Client().get(path, headers={"X-Forwarded-For": "203.0.113.7"})

    responses = DOCUMENT["paths"][path]["get"]["responses"]
    [(media_type, content)] = responses["200"]["content"].items()
    is_json = media_type == "application/json"
    assert answer.headers["Content-Type"].startswith(media_type)
    check_against(content["schema"], answer.json() if is_json else answer.content.decode())
    assert str(refused.status_code) in responses
    assert set(responses["200"]["headers"]) <= set(answer.headers)


@pytest.mark.django_db
def test_the_refusal_of_a_wrong_page_of_models_is_documented() -> None:
    headers = {"anthropic-version": "2023-06-01"}
    answer = Client().get("/v1/models?limit=0", headers=headers)

    assert answer.status_code == 400
    assert "400" in DOCUMENT["paths"]["/v1/models"]["get"]["responses"]


def test_an_operation_demands_what_its_view_demands() -> None:
    demanded = {
        (method, unnamed(path)): operation["security"] for method, path, operation in operations()
    }

    for method, path, view in routes():
        scope = view.scope
        expected: list[Any] = [{"bearer": [scope]}] if scope else [{}, {"bearer": []}]
        assert demanded[method, path] == expected, path


def test_path_parameters_are_those_of_the_path() -> None:
    for _, path, operation in operations():
        declared = [parameter["name"] for parameter in operation["parameters"] if "in" in parameter]
        assert set(re.findall(r"\{(\w+)\}", path)) <= set(declared)


def test_servers_follow_the_public_url() -> None:
    urls = [server["url"] for server in document("https://llm.example.ru")["servers"]]

    assert urls == ["https://llm.example.ru", "https://llm.example.ru/api"]


def test_every_schema_is_used() -> None:
    text = orjson.dumps(DOCUMENT).decode()
    for name in DOCUMENT["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text or f"with a {name}, then" in text, name


@pytest.mark.parametrize(
    ("operation", "path"),
    [
        pytest.param(operation, path, id=f"{method} {path}")
        for method, path, operation in operations()
    ],
)
def test_examples_fit_their_schemas(operation: dict[str, Any], path: str) -> None:
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    found = [example for body in bodies for example in examples(body.get("content", {}))]
    found += examples(
        {str(index): resolved(parameter) for index, parameter in enumerate(operation["parameters"])}
    )

    assert found
    for schema, value in found:
        check_against(schema, value)


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/v1/chat/completions", "ChatCompletionChunk"),
        ("/v1/completions", "CompletionChunk"),
    ],
)
def test_the_events_of_a_stream_fit_their_schema(path: str, schema: str) -> None:
    content = DOCUMENT["paths"][path]["post"]["responses"]["200"]["content"]
    *events, done, rest = content["text/event-stream"]["example"].split("\n\n")

    assert (done, rest) == ("data: [DONE]", "")
    assert len(events) > 1
    for event in events:
        check(orjson.loads(event.removeprefix("data: ")), schema)


def test_the_events_of_a_message_fit_their_schema() -> None:
    content = DOCUMENT["paths"]["/v1/messages"]["post"]["responses"]["200"]["content"]
    *events, rest = content["text/event-stream"]["example"].split("\n\n")

    assert rest == ""
    for event in events:
        name, _, data = event.removeprefix("event: ").partition("\ndata: ")
        fields = orjson.loads(data)
        assert fields["type"] == name
        check(fields, "AnthropicEvent")


class WatchedQuery(QueryDict):
    """A query that notes the names it is asked for."""

    asked: set[str]

    def get(self, key: Any, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)

    def __getitem__(self, key: Any) -> Any:
        self.asked.add(key)
        return super().__getitem__(key)


@pytest.mark.django_db
def test_every_parameter_that_an_endpoint_reads_is_documented() -> None:
    raw = new_key()[1]
    documented = {
        path: {
            parameter["name"]
            for parameter in operation["parameters"]
            if parameter.get("in") == "query"
        }
        for method, path, operation in operations()
        if method == "GET"
    }
    seen: set[str] = set()

    for method, path, view in routes():
        if method == "GET" and "{" not in path and view.scope != "keys":
            request = RequestFactory().get(path, headers={"Authorization": f"Bearer {raw}"})
            query = WatchedQuery(mutable=True)
            query.asked = set()
            request.GET = query  # type: ignore[assignment]  # an immutable one elsewhere
            view.as_view()(request)
            assert query.asked <= documented[path], path
            seen |= query.asked

    assert {"provider", "id"} <= seen


def test_the_view_answers_with_the_document_of_this_service(settings: LazySettings) -> None:
    settings.PUBLIC_URL = "https://router.example.ru"

    response = OpenAPIView.as_view()(RequestFactory().get("/v1/openapi.json"))

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert orjson.loads(response.content) == document("https://router.example.ru")
