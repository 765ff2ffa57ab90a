"""Requests that nobody means well with, sent to a running service: how each is answered, and what is left.

`.venv/bin/python -m bench.hostile --requests 2000 --seed 1`
"""

import argparse
import copy
import json
import random
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.robustness import CANARY, DOCUMENT, MODELS, Robustness, Sent, http_request, running

CHAT = "/v1/chat/completions"
CALLERS = 8
VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "X" * 40)
PAGES = (
    "/",
    "/accounts/login/",
    "/accounts/signup/",
    "/cabinet/",
    "/admin/",
    "/auth",
    "/oauth/authorize",
    "/oauth/token",
    "/oauth/revoke",
    "/oauth/introspect",
    "/webhooks/yookassa",
    "/metrics",
    "/health",
    "/models/",
    "/docs/api/",
    "/status/",
    "/api/v1/models",
    "/api/v1/key",
    "/static/../manage.py",
)
JUNK: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**63,
    2**64,
    -(2**80),
    1e308,
    "",
    " ",
    "\x00",
    "\ud800",
    "\u202e",
    CANARY,
    "a" * 70_000,
    "' OR 1=1 --",
    "{{7*7}}",
    "${jndi:ldap://a.invalid}",
    "<script>",
    "%00",
    "../../etc/passwd",
    [],
    {},
    [[]],
    [None],
    {"": None},
    {"__proto__": {}},
    {"a" * 300: 1},
    [1] * 3000,
    {str(i): i for i in range(600)},
)
ADDRESSES = (
    "http://127.0.0.1/",
    "http://169.254.169.254/latest/meta-data",
    "http://[::1]/",
    "http://0x7f000001/",
    "http://2130706433/",
    "http://localhost:5432/",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
    "https://a@127.0.0.1/",
    "http://127.1/",
    "ftp://a.invalid/",
    "data:image/png;base64,%%%",
    "data:image/png;base64," + "A" * 200_001,
    "data:image/png",
    "data:,",
    "javascript:alert(1)",
    "http://\u2488.\u2488.\u2488.\u2488/",
)
HEADERS = (
    "Authorization: ",
    "Authorization: Bearer",
    "Authorization: Bearer  ",
    "Authorization: Basic eA==",
    f"Authorization: Bearer {CANARY}",
    "Authorization: Bearer xr-live-" + "a" * 49,
    "Authorization: Bearer \udcff",
    "Authorization: Bearer " + "b" * 7000,
    "Content-Type: text/html",
    "Content-Type: application/json; charset=x",
    "Content-Type: \udcfe",
    "Accept-Language: " + "ru," * 500,
    "Accept-Encoding: br;q=x",
    "Idempotency-Key: ",
    "Idempotency-Key: " + "k" * 300,
    "Idempotency-Key: \udcaa",
    "X-XRouter-Strict: maybe",
    "X-Forwarded-For: 1.2.3.4,,x",
    "X-Forwarded-Proto: gopher",
    "X-Request-ID: " + "r" * 500,
    "x-stainless-retry-count: 99999999999999999999",
    "x-api-key: " + CANARY,
    "anthropic-version: \udcbb",
    "Cookie: sessionid=" + "c" * 500,
    "Range: bytes=-1",
    "Expect: 100-continue",
    "If-None-Match: *",
    "Origin: null",
    "Traceparent: 00-zz-zz-zz",
)

Maker = Callable[["Hostility"], Sent]


class Hostility:
    """Makes requests of a seed; `key` is a good one, for most get far by it."""

    def __init__(self, seed: int, key: str) -> None:
        self.chance = random.Random(seed)
        self.key = key
        self.examples = list(_examples())

    def requests(self, count: int) -> Iterator[Sent]:
        """Yield so many; those that open a provider's circuit are the last."""
        made = [self.chance.choices(MAKERS, WEIGHTS)[0](self) for _ in range(count)]
        yield from sorted(made, key=lambda sent: sent.provokes)

    def chat(self, text: str = CANARY, **fields: Any) -> dict[str, Any]:
        model = self.chance.choice(MODELS)
        return {"model": model, "messages": [{"role": "user", "content": text}]} | fields

    def post(self, kind: str, body: Any, path: str = CHAT, *headers: str, **notes: bool) -> Sent:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Sent(kind, http_request("POST", path, self.key, raw, *headers), **notes)


def _examples() -> Iterator[tuple[str, str, Any]]:
    """Yield method, path and body of each example that the document gives."""
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            content = (
                operation.get("requestBody", {}).get("content", {})
                if isinstance(operation, dict)
                else {}
            )
            media = content.get("application/json", {})
            for example in media.get("examples", {}).values():
                if "$ref" in example:
                    example = DOCUMENT["components"]["examples"][example["$ref"].rpartition("/")[2]]
                yield method.upper(), path, example["value"]
            if "example" in media:
                yield method.upper(), path, media["example"]


def mutated(made: Hostility) -> Sent:
    method, path, example = made.chance.choice(made.examples)
    body = copy.deepcopy(example)
    for _ in range(made.chance.randint(1, 3)):
        body = _mutated(body, made.chance)
    path = path.replace("{hash}", "a" * 64)
    raw = json.dumps(body).encode()
    return Sent(f"mutated {path}", http_request(method, path, made.key, raw))


def _mutated(value: Any, chance: random.Random) -> Any:
    """Change one place of a value: replace, drop, repeat or wrap it."""
    if isinstance(value, dict | list) and value and chance.random() < 0.85:
        place: Any = chance.choice(list(value) if isinstance(value, dict) else range(len(value)))
        match chance.randint(0, 5):
            case 0:
                del value[place]
            case 1 if isinstance(value, list):
                value.extend([value[place]] * chance.choice((1, 200, 3000)))
            case 1 if isinstance(value, dict):
                value[chance.choice(("", "x" * 100, "\ud83d", "model ", "constructor"))] = value[
                    place
                ]
            case _:
                value[place] = _mutated(value[place], chance)
        return value
    match chance.randint(0, 3):
        case 0:
            return [value]
        case 1:
            return {"a": value}
    return copy.deepcopy(chance.choice(JUNK))


def broken_json(made: Hostility) -> Sent:
    whole = json.dumps(made.chat(), ensure_ascii=False).encode()
    chance = made.chance
    place = chance.randrange(len(whole))
    return made.post(
        "broken JSON",
        chance.choice(
            (
                whole[:place],
                whole[:place] + bytes([chance.randrange(256)]) + whole[place:],
                whole * 2,
                b"",
                b"null",
                b"[]",
                b'"a"',
                b"\xef\xbb\xbf" + whole,
                whole.decode().encode("utf-16"),
                whole.replace(b'"user"', b'"\\ud800"'),
                whole.replace(b'"user"', b"NaN"),
                b"[" * chance.randint(65, 50_000),
                b'{"a":' * chance.randint(65, 20_000),
                b'{"model":"gigachat-pro","n":' + b"9" * chance.randint(20, 5000) + b"}",
                b'{"a":1e' + b"9" * 400 + b"}",
                b'{"messages":[' + b"1," * 100_001 + b"1]}",
                whole[:-1] + b',"model":"yandexgpt","model":[]}',
            )
        ),
    )


def wrong_fields(made: Hostility) -> Sent:
    properties = DOCUMENT["components"]["schemas"]["ChatCompletionRequest"]["properties"]
    names = made.chance.sample(sorted(properties), made.chance.randint(1, 4))
    return made.post(
        "wrong fields", made.chat(**{name: made.chance.choice(JUNK) for name in names})
    )


def headers(made: Hostility) -> Sent:
    chosen = made.chance.sample(HEADERS, made.chance.randint(1, 3))
    return made.post("headers", made.chat(), CHAT, *chosen)


def addresses(made: Hostility) -> Sent:
    chance = made.chance
    paths = [*DOCUMENT["paths"], *PAGES]
    path = chance.choice(paths).replace("{", "").replace("}", "")
    path += chance.choice(
        (
            "",
            "/",
            "//",
            "/..",
            "/%2e%2e/",
            "/%00",
            "/%ff",
            "/" + "a" * 3000,
            "?id=%00",
            "?limit=-1&offset=x",
            "?date=9999-99-99",
            "?format=csv&date=0000-01-01",
            "?" + "a=1&" * 1500,
            "?id=" + "%F0%9F%99%82" * 50,
            ";x=1",
            "?q='\"<>",
            "?code[]=1",
        )
    )
    body = chance.choice((None, None, b"", b"a=b&c=%00", json.dumps(made.chat()).encode()))
    kinds = (
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Type: multipart/form-data; boundary=x",
    )
    extra = [chance.choice(kinds)] if body and chance.random() < 0.5 else []
    return Sent("addresses", http_request(chance.choice(VERBS), path, made.key, body, *extra))


def framing(made: Hostility) -> Sent:
    body = json.dumps(made.chat()).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n".encode()
    head += f"Authorization: Bearer {made.key}\r\n".encode()
    chunked = head + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
    return Sent(
        kind="framing",
        ends=True,
        raw=made.chance.choice(
            (
                chunked + b"\r\nxyz\r\n{}\r\n0\r\n\r\n",
                chunked + b"\r\n-1\r\n",
                chunked + b"\r\n" + b"f" * 100 + b"\r\n",
                chunked + b"Content-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
                chunked + b"\r\n5\r\nhel",
                head + b"Content-Length: -1\r\n\r\n" + body,
                head + b"Content-Length: 99999999999\r\n\r\n" + body,
                head + b"Content-Length: 1x\r\n\r\n" + body,
                head + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\n" + body,
                head + b"Content-Length: %d\r\n\r\n" % (len(body) + 50) + body,
                head + b"no colon\r\n\r\n",
                head + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
                head + b"X: a\r\n" * 300 + b"\r\n",
                b"GET\r\n\r\n",
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                b"GET / HTTP/9.9\r\n\r\n",
                b"\r\n" * 50,
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                head.replace(b"Host: a", b"Host: \xff\xfe"),
                head.replace(b"Host: a", b"Host: a\r\nHost: b") + b"\r\n",
                head + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body,
            )
        ),
    )


def schemas(made: Hostility) -> Sent:
    chance = made.chance
    deep: Any = {"type": "string"}
    for _ in range(chance.randint(5, 60)):
        deep = {"type": "object", "properties": {"a": deep}}
    steps = {f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(40)} | {
        "d40": {}
    }
    schema: dict[str, Any] = chance.choice(
        (
            deep,
            {"$defs": steps, "$ref": "#/$defs/d0"},
            {"$ref": "#"},
            {"$ref": "https://127.0.0.1/a.json"},
            {"not": {}},
            {"type": "object", "properties": {"a": {"pattern": "^(a+)+$", "type": "string"}}},
            {"enum": [CANARY] * 2000},
            {"type": "object", "patternProperties": {"(x+x+)+y": {}}},
            {"$anchor": "a", "anyOf": [{"$ref": "#a"}]},
            {"type": "array", "items": {"$ref": "#"}, "minItems": 10**9},
            {"format": ["a"], "pattern": {}, "title": []},
            {"type": "object", "required": [str(i) for i in range(3000)]},
            {"allOf": [[]], "items": [], "$id": "#"},
            {"$dynamicRef": "#a", "$dynamicAnchor": "a"},
            {"properties": {"a": None}, "$defs": [], "type": ["object", "null"]},
        )
    )
    if chance.random() < 0.4:
        wanted = {
            "type": "json_schema",
            "json_schema": {"name": "a", "schema": schema, "strict": chance.random() < 0.5},
        }
        return made.post("schemas", made.chat(response_format=wanted, stream=chance.random() < 0.5))
    tool = {
        "type": "function",
        "function": {"name": chance.choice(("f", "a.b/c", "ы", "-")), "parameters": schema},
    }
    choice = chance.choice(("auto", "none", "required"))
    return made.post(
        "schemas", made.chat(tools=[tool], tool_choice=choice, stream=chance.random() < 0.5)
    )


def histories(made: Hostility) -> Sent:
    chance = made.chance
    turn: list[dict[str, Any]] = [
        {
            "role": chance.choice(
                ("assistant", "tool", "user", "system", "function", "", "x" * 200, "\x1b")
            ),
            "content": copy.deepcopy(chance.choice(JUNK)),
            "tool_call_id": chance.choice(("a", "", None, 1)),
            "tool_calls": chance.choice(
                (
                    None,
                    [],
                    {},
                    [None],
                    [{}],
                    [{"id": "a", "function": {"name": "f", "arguments": "{"}}] * 2,
                )
            ),
            "name": chance.choice((None, "f", "a b", "\x00")),
        }
        for _ in range(chance.randint(1, 6))
    ]
    messages = turn * chance.choice((1, 1, 1, 300)) + [{"role": "user", "content": CANARY}]
    return made.post("histories", made.chat(messages=messages, stream=chance.random() < 0.3))


def pictures(made: Hostility) -> Sent:
    part = {"type": "image_url", "image_url": {"url": made.chance.choice(ADDRESSES)}}
    return made.post("pictures", made.chat(messages=[{"role": "user", "content": [part]}]))


def leaving(made: Hostility) -> Sent:
    return made.post("leaving", made.chat("сочини рассказ", stream=True), leaves=True)


def failing_providers(made: Hostility) -> Sent:
    word = made.chance.choice(
        ("error=500", "error=429", "error=400", "error=401", "malformed", "cut", "filter")
    )
    body = made.chat(f"sandbox:{word} {CANARY}", stream=made.chance.random() < 0.5)
    return made.post("failing providers", body, provokes=True)


MAKERS: tuple[Maker, ...] = (
    mutated,
    broken_json,
    wrong_fields,
    headers,
    addresses,
    framing,
    schemas,
    histories,
    pictures,
    leaving,
    failing_providers,
)
WEIGHTS = (30, 10, 12, 8, 14, 6, 8, 8, 4, 2, 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with running() as robustness:
        key = robustness.service.fresh_key(balance="1000000")
        workers = robustness.service.workers()
        send_all(robustness, Hostility(options.seed, key).requests(options.requests))
        robustness.judge_service(key, workers)
        return robustness.tell(f"seed {options.seed}")


def send_all(robustness: Robustness, requests: Iterator[Sent]) -> None:
    """Send all, some at once."""
    with ThreadPoolExecutor(CALLERS) as pool:
        for _ in pool.map(robustness.send, requests):
            pass


if __name__ == "__main__":
    sys.exit(main())
