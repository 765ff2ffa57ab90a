"""The reference as its pages show it: a section for each tag, and the operations of each."""

import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext_lazy

from gateway.api.schema.openapi.document import document
from web.public.code_samples import CodeSample, json_sample
from web.public.manual import Language
from web.public.reference.example_texts import example_in
from web.public.reference.fields import Field, Form, FormReader, row
from web.public.reference.prose import inline, paragraphs, translated
from web.public.reference.request_samples import SampleRequest, request_samples

JSONObject = dict[str, Any]

PLAYED = "create_chat_completion"
"""What the playground asks."""

_LISTED_CODE = re.compile(r"^- `(\w+)`:", re.MULTILINE)
_TITLES = {
    "Chat": pgettext_lazy("API section", "Chat"),
    "Responses": pgettext_lazy("API section", "Responses"),
    "Messages": pgettext_lazy("API section", "Messages"),
    "Embeddings": pgettext_lazy("API section", "Embeddings"),
    "Moderations": pgettext_lazy("API section", "Moderations"),
    "Models": pgettext_lazy("API section", "Models"),
    "Account": pgettext_lazy("API section", "Account"),
    "Keys": pgettext_lazy("API section", "Keys"),
    "Service": pgettext_lazy("API section", "Service"),
}


@dataclass(frozen=True, slots=True)
class DocumentedError:
    """An error code that an operation may answer with."""

    status: str
    code: str
    when: SafeString


@dataclass(frozen=True, slots=True)
class Content:
    """One form of an answer: JSON, events or a table."""

    media_type: str
    texts: list[SafeString]
    forms: tuple[Form, ...]
    example: SafeString | None
    anchor: str


@dataclass(frozen=True, slots=True)
class DocumentedAnswer:
    """The good answer of an operation."""

    status: str
    texts: list[SafeString]
    headers: tuple[Field, ...]
    contents: tuple[Content, ...]


@dataclass(frozen=True, slots=True)
class DocumentedOperation:
    """One method of one path."""

    id: str
    method: str
    path: str
    title: str
    texts: list[SafeString]
    scope: str | None
    can_be_played: bool
    parameters: tuple[Field, ...]
    body: tuple[Form, ...]
    samples: list[CodeSample]
    answer: DocumentedAnswer
    failures: tuple[DocumentedError, ...]
    failures_without_code: tuple[tuple[str, list[SafeString]], ...]

    @property
    def codes_by_status(self) -> list[tuple[str, list[str]]]:
        found: dict[str, list[str]] = {}
        for failure in self.failures:
            found.setdefault(failure.status, []).append(failure.code)
        return list(found.items())


@dataclass(frozen=True, slots=True)
class ReferenceSection:
    """The operations of one tag, and the form and the codes of their errors."""

    slug: str
    title: str
    texts: list[SafeString]
    operations: tuple[DocumentedOperation, ...]
    errors: tuple[Form, ...]

    @property
    def failures(self) -> list[DocumentedError]:
        found = {failure for operation in self.operations for failure in operation.failures}
        return sorted(found, key=lambda failure: (failure.status, failure.code))

    @property
    def address(self) -> str:
        return f"/docs/api/{self.slug}/"


@dataclass(frozen=True, slots=True)
class Reference:
    """The whole of it: what holds for every operation, the sections, every error code."""

    version: str
    texts: list[SafeString]
    sections: tuple[ReferenceSection, ...]
    failures: tuple[DocumentedError, ...]


@functools.cache
def reference(language: Language, public_url: str) -> Reference:
    """Return the reference in a language; it changes only with the code."""
    with translation.override(language):
        return _Writer(document(public_url), language, public_url).reference()


class _Writer:
    """Writes the reference of one document."""

    def __init__(self, spec: JSONObject, language: Language, public_url: str) -> None:
        self._spec = spec
        self._components = spec["components"]
        self._language = language
        self._public_url = public_url

    def reference(self) -> Reference:
        info = self._spec["info"]
        return Reference(
            info["version"],
            translated(info["description"]),
            tuple(self._section(tag) for tag in self._spec["tags"]),
            tuple(self._failures(info["description"])),
        )

    def _section(self, tag: JSONObject) -> ReferenceSection:
        reader = FormReader(self._components["schemas"])
        described = [
            (method.upper(), path, operation)
            for path, methods in self._spec["paths"].items()
            for method, operation in methods.items()
            if tag["name"] in operation["tags"]
        ]
        operations = tuple(self._operation(reader, *operation) for operation in described)
        errors = {
            form.name: form
            for _, _, operation in described
            if (schema := _schema_of_errors(operation)) is not None
            for form in reader.forms(schema, "errors", is_request=False)
            if not form.is_shown
        }
        return ReferenceSection(
            tag["name"].lower(),
            str(_TITLES[tag["name"]]),
            translated(tag["description"]),
            operations,
            tuple(errors.values()),
        )

    def _operation(
        self, reader: FormReader, method: str, path: str, operation: JSONObject
    ) -> DocumentedOperation:
        name = operation["operationId"]
        scopes = [scope for one in operation["security"] for scope in one.get("bearer", ())]
        scope = scopes[0] if scopes else None
        parameters = [self._resolved(parameter) for parameter in operation["parameters"]]
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        status, answer = _good_answer(operation)
        sent = example_in(self._language, _first_example(body)) if body else None
        answered = answer["content"].get("application/json")
        target = _filled(path, parameters, _first_example(answered or {}))
        request = SampleRequest(
            name, method, self._public_url, target, scope, sent, answers_json=answered is not None
        )
        return DocumentedOperation(
            id=name,
            method=method,
            path=path,
            title=gettext(operation["summary"]),
            texts=translated(operation.get("description", "")),
            scope=scope,
            can_be_played=name == PLAYED,
            parameters=tuple(
                row(parameter["name"], parameter, parameter["in"]) for parameter in parameters
            ),
            body=reader.forms(body["schema"], name, is_request=True) if body else (),
            samples=request_samples(request),
            answer=self._answer(reader, name, status, answer),
            failures=tuple(self._all_failures(operation)),
            failures_without_code=tuple(
                (status, translated(answer["description"]))
                for status, answer in operation["responses"].items()
                if status >= "400" and not _LISTED_CODE.search(answer["description"])
            ),
        )

    def _answer(
        self, reader: FormReader, name: str, status: str, answer: JSONObject
    ) -> DocumentedAnswer:
        headers = {
            header: self._resolved(described) for header, described in answer["headers"].items()
        }
        contents = [
            self._content(reader, name, media_type, content)
            for media_type, content in answer["content"].items()
        ]
        return DocumentedAnswer(
            status,
            translated(answer["description"]),
            tuple(row(header, described) for header, described in headers.items()),
            tuple(contents),
        )

    def _content(
        self, reader: FormReader, name: str, media_type: str, content: JSONObject
    ) -> Content:
        schema = content["schema"]
        text = schema.get("description", "")
        if media_type == "text/event-stream":
            schema = self._event(text)
        example = example_in(self._language, _first_example(content))
        written = json.dumps(example, ensure_ascii=False, indent=2)
        return Content(
            media_type,
            translated(text),
            reader.forms(schema, name, is_request=False),
            json_sample(written) if example is not None else None,
            f"{name}-{media_type.partition('/')[2]}",
        )

    def _event(self, text: str) -> JSONObject:
        """Return a reference to the schema of an event: the first one that the text names."""
        schemas = self._components["schemas"]
        name = next(word for word in re.findall(r"\w+", text) if word in schemas)
        return {"$ref": f"#/components/schemas/{name}"}

    def _all_failures(self, operation: JSONObject) -> Iterator[DocumentedError]:
        for status, answer in operation["responses"].items():
            if status >= "400":
                for code in _LISTED_CODE.findall(answer["description"]):
                    yield self._failure(status, code)

    def _failures(self, table: str) -> Iterator[DocumentedError]:
        """Yield the failures of the table in the document's description."""
        for status, code in re.findall(r"^\| (\d+) \| `(\w+)` \|", table, re.MULTILINE):
            yield self._failure(status, code)

    def _failure(self, status: str, code: str) -> DocumentedError:
        [when] = paragraphs(self._components["examples"][code]["summary"])
        return DocumentedError(status, code, inline(gettext(when)))

    def _resolved(self, described: JSONObject) -> JSONObject:
        """Return a parameter or a header, also where the document points at one of its components."""
        if "$ref" not in described:
            return described
        kind, name = described["$ref"].removeprefix("#/components/").split("/")
        found: JSONObject = self._components[kind][name]
        return found


def _good_answer(operation: JSONObject) -> tuple[str, JSONObject]:
    return next(
        (status, answer) for status, answer in operation["responses"].items() if status < "300"
    )


def _schema_of_errors(operation: JSONObject) -> JSONObject | None:
    """Return the form of an operation's errors; None where they have no codes."""
    answer = operation["responses"].get("500")
    return None if answer is None else answer["content"]["application/json"]["schema"]


def _first_example(content: JSONObject) -> Any:
    return next((one["value"] for one in content.get("examples", {}).values()), None)


def _filled(path: str, parameters: list[JSONObject], answer: Any) -> str:
    """Return a path with an example in each place, and what must stand in its query."""
    for parameter in parameters:
        name = parameter["name"]
        if parameter["in"] == "path":
            path = path.replace(f"{{{name}}}", quote(parameter["example"]))
        elif parameter["in"] == "query" and parameter["required"]:
            path += f"?{name}={quote(answer['data'][name])}"
    return path
