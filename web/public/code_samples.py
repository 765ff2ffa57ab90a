"""The same request in Python, JavaScript and curl, coloured; and JSON as pages show it."""

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils.safestring import SafeString
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers.data import JsonLexer
from pygments.lexers.javascript import JavascriptLexer
from pygments.lexers.python import PythonLexer
from pygments.lexers.shell import BashLexer

from gateway.catalog.snapshot import CatalogModel

KEY_PLACEHOLDER = "YOUR_KEY"

_PYTHON = """\
from openai import OpenAI

client = OpenAI(
    base_url="{base_url}",
    api_key="{key}",
)
{call}
"""
_PYTHON_CHAT = """\
answer = client.chat.completions.create(
    model="{model}",
    messages=[{{"role": "user", "content": {text}}}],
)
print(answer.choices[0].message.content)"""
_PYTHON_EMBEDDING = """\
answer = client.embeddings.create(
    model="{model}",
    input={text},
)
print(answer.data[0].embedding)"""
_NODE = """\
import OpenAI from "openai";

const client = new OpenAI({{
  baseURL: "{base_url}",
  apiKey: "{key}",
}});
{call}
"""
_NODE_CHAT = """\
const answer = await client.chat.completions.create({{
  model: "{model}",
  messages: [{{ role: "user", content: {text} }}],
}});
console.log(answer.choices[0].message.content);"""
_NODE_EMBEDDING = """\
const answer = await client.embeddings.create({{
  model: "{model}",
  input: {text},
}});
console.log(answer.data[0].embedding);"""
_CURL = """\
curl {base_url}/{path} \\
  -H "Authorization: Bearer {key}" \\
  -H "Content-Type: application/json" \\
  -d '{{{call}}}'
"""
_CURL_CHAT = """
    "model": "{model}",
    "messages": [{{"role": "user", "content": {text}}}]
  """
_CURL_EMBEDDING = """
    "model": "{model}",
    "input": {text}
  """


@dataclass(frozen=True, slots=True)
class CodeSample:
    """A request in one language; `slug` can be an HTML id."""

    slug: str
    label: str
    html: SafeString


def code_samples(model: CatalogModel, text: str) -> list[CodeSample]:
    """Return the request that asks `model` about `text`, or for its embedding."""
    is_chat = model.kind == "chat"
    values = {"model": model.id, "text": json.dumps(text, ensure_ascii=False)}
    frame = {
        "base_url": f"{settings.PUBLIC_URL}/v1",
        "key": KEY_PLACEHOLDER,
        "path": "chat/completions" if is_chat else "embeddings",
    }
    return [
        CodeSample(slug, label, coloured(outer.format(call=call.format(**values), **frame), lexer))
        for slug, label, outer, call, lexer in (
            (
                "python",
                "Python",
                _PYTHON,
                _PYTHON_CHAT if is_chat else _PYTHON_EMBEDDING,
                PythonLexer,
            ),
            ("node", "Node.js", _NODE, _NODE_CHAT if is_chat else _NODE_EMBEDDING, JavascriptLexer),
            ("curl", "curl", _CURL, _CURL_CHAT if is_chat else _CURL_EMBEDDING, BashLexer),
        )
    ]


def json_sample(document: str) -> SafeString:
    """Return a JSON text, coloured."""
    return coloured(document, JsonLexer)


@functools.lru_cache(maxsize=512)
def coloured(code: str, lexer: Callable[[], Lexer]) -> SafeString:
    """Return code as HTML, escaped, with a class on each token."""
    return SafeString(highlight(code, lexer(), HtmlFormatter(nowrap=True)))
