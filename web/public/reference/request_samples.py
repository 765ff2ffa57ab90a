"""An example request of each operation in Python, JavaScript and curl.

Python and JavaScript ask through the official clients where these have such a call, else over plain HTTP.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pygments.lexer import Lexer
from pygments.lexers.javascript import JavascriptLexer
from pygments.lexers.python import PythonLexer
from pygments.lexers.shell import BashLexer

from web.public.code_samples import KEY_PLACEHOLDER, CodeSample, coloured
from web.public.reference.literals import JAVASCRIPT, PYTHON, arguments, literal

TOKEN_PLACEHOLDER = "ACCESS_TOKEN"  # noqa: S105  # what stands for one
"""An OAuth access token; an API key may not manage keys."""


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """What an example sends; `scope` None needs no credential. `answers_json`: else it is text."""

    id: str
    method: str
    origin: str
    path: str
    scope: str | None
    body: dict[str, Any] | None
    answers_json: bool = True

    @property
    def url(self) -> str:
        return self.origin + self.path

    @property
    def credential(self) -> str:
        return TOKEN_PLACEHOLDER if self.scope == "keys" else KEY_PLACEHOLDER


@dataclass(frozen=True, slots=True)
class _ClientCall:
    """A call of an official client, and what of its answer is worth printing."""

    method: str
    result: str


_OPENAI = {
    "create_chat_completion": _ClientCall("chat.completions.create", "choices[0].message.content"),
    "create_completion": _ClientCall("completions.create", "choices[0].text"),
    "create_response": _ClientCall("responses.create", "output_text"),
    "create_embeddings": _ClientCall("embeddings.create", "data[0].embedding"),
    "create_moderation": _ClientCall("moderations.create", "results[0].flagged"),
}
_ANTHROPIC = {
    "create_message": _ClientCall("messages.create", "content[0].text"),
    "count_message_tokens": _ClientCall("messages.count_tokens", "input_tokens"),
}
_NODE_NAMES = {"messages.count_tokens": "messages.countTokens"}


def request_samples(request: SampleRequest) -> list[CodeSample]:
    """Return the request in each language, coloured."""
    written: tuple[tuple[str, str, str, Callable[[], Lexer]], ...] = (
        ("python", "Python", _python(request), PythonLexer),
        ("node", "Node.js", _node(request), JavascriptLexer),
        ("curl", "curl", _curl(request), BashLexer),
    )
    return [CodeSample(slug, label, coloured(code, lexer)) for slug, label, code, lexer in written]


def _python(request: SampleRequest) -> str:
    if call := _OPENAI.get(request.id):
        return _python_client("openai", "OpenAI", f"{request.origin}/v1", call, request)
    if call := _ANTHROPIC.get(request.id):
        return _python_client("anthropic", "Anthropic", request.origin, call, request)
    given = [json.dumps(request.url)]
    if request.scope:
        headers = {"Authorization": f"Bearer {request.credential}"}
        given.append(f"headers={literal(headers, PYTHON, 1)}")
    if request.body is not None:
        given.append(f"json={literal(request.body, PYTHON, 1)}")
    given.append("timeout=60")
    lines = "".join(f"    {argument},\n" for argument in given)
    call_of = f"requests.{request.method.lower()}"
    told = "json()" if request.answers_json else "text"
    return f"import requests\n\nanswer = {call_of}(\n{lines})\nprint(answer.{told})\n"


def _python_client(
    module: str, name: str, base_url: str, call: _ClientCall, request: SampleRequest
) -> str:
    return (
        f"from {module} import {name}\n\n"
        f'client = {name}(\n    base_url="{base_url}",\n    api_key="{request.credential}",\n)\n'
        f"answer = client.{call.method}(\n{arguments(request.body or {}, PYTHON)})\n"
        f"print(answer.{call.result})\n"
    )


def _node(request: SampleRequest) -> str:
    if call := _OPENAI.get(request.id):
        return _node_client("openai", "OpenAI", f"{request.origin}/v1", call, request)
    if call := _ANTHROPIC.get(request.id):
        return _node_client("@anthropic-ai/sdk", "Anthropic", request.origin, call, request)
    lines = "".join(f"  {option},\n" for option in _fetch_options(request))
    options = f", {{\n{lines}}}" if lines else ""
    return (
        f"const answer = await fetch({json.dumps(request.url)}{options});\n"
        f"console.log(await answer.{'json' if request.answers_json else 'text'}());\n"
    )


def _fetch_options(request: SampleRequest) -> list[str]:
    options = [] if request.method == "GET" else [f'method: "{request.method}"']
    headers = {"Authorization": f"Bearer {request.credential}"} if request.scope else {}
    if request.body is not None:
        headers["Content-Type"] = "application/json"
    if headers:
        options.append(f"headers: {literal(headers, JAVASCRIPT, 1)}")
    if request.body is not None:
        options.append(f"body: JSON.stringify({literal(request.body, JAVASCRIPT, 1)})")
    return options


def _node_client(
    module: str, name: str, base_url: str, call: _ClientCall, request: SampleRequest
) -> str:
    method = _NODE_NAMES.get(call.method, call.method)
    return (
        f'import {name} from "{module}";\n\n'
        f'const client = new {name}({{\n  baseURL: "{base_url}",\n'
        f'  apiKey: "{request.credential}",\n}});\n'
        f"const answer = await client.{method}({_lines(request.body or {})});\n"
        f"console.log(answer.{call.result});\n"
    )


def _lines(body: dict[str, Any]) -> str:
    """Write an object of JavaScript with a line for each name."""
    parts = (f"  {name}: {literal(value, JAVASCRIPT, 1)},\n" for name, value in body.items())
    return "{\n" + "".join(parts) + "}"


def _curl(request: SampleRequest) -> str:
    method = "" if request.method in {"GET", "POST"} else f"-X {request.method} "
    lines = [f"curl {method}{_quoted(request.url)}"]
    if request.scope:
        lines.append(f'-H "Authorization: Bearer {request.credential}"')
    if request.body is not None:
        body = json.dumps(request.body, ensure_ascii=False, indent=2)
        lines += ['-H "Content-Type: application/json"', f"-d '{_in_quotes(body)}'"]
    return " \\\n  ".join(lines) + "\n"


def _quoted(url: str) -> str:
    """Quote an address that a shell would not take as it is."""
    return f'"{url}"' if "?" in url else url


def _in_quotes(text: str) -> str:
    return text.replace("'", "'\\''")
