"""What each turn of an agent's session costs as its history grows, in all three protocols.

`.venv/bin/python -m bench.turns`: 30 turns as Claude Code and Codex send them, with a long system prompt that
begins with a line of its own in each turn, 30 tools, and a call with its result a turn. CPU time of the worker
is divided by the size of the body: where it stays as it is, no work of a turn is quadratic. With
`--session FILE` the turns are those that `bench.record` kept of a real agent.
"""

import http.client
import json
import pathlib
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from bench.__main__ import Stand, headline, parser, put_into, stand, table_of
from bench.processes import cpu_us

JSON = dict[str, Any]
Turn = tuple[int, str, bytes]
"""Its number, the path and the body."""

TOOLS, REPEATS, WARM_UP = 30, 40, 60
SHOWN = (1, 10, 20, 30)
RULES = "Read a file before you change it, and run its tests afterwards. " * 240
DESCRIPTION = "Reads, writes or searches files of the project; paths are absolute. " * 20
RESULT = "def total(items: list[int]) -> int:\n    return sum(items)\n" * 40
SCHEMA = {
    "type": "object",
    "properties": {
        "path": {"type": "string", "description": "An absolute path."},
        "limit": {"type": "integer", "minimum": 1},
        "edits": {"type": "array", "items": {"type": "object", "additionalProperties": False}},
    },
    "required": ["path"],
    "additionalProperties": False,
}
NAMES = [f"tool_{number}" for number in range(TOOLS)]


def system(turn: int) -> str:
    return f"billing: version=2.1; turn={turn}\n{RULES}"


def arguments(turn: int) -> JSON:
    return {"path": f"/project/module_{turn}.py", "limit": 200}


def chat(model: str, turns: int) -> JSON:
    """Return the body of a turn for /v1/chat/completions."""
    messages: list[JSON] = [{"role": "system", "content": system(turns)}]
    for turn in range(turns):
        call = {"name": NAMES[turn % TOOLS], "arguments": json.dumps(arguments(turn))}
        messages += [
            {"role": "user", "content": f"Look at module {turn}."},
            {"role": "assistant", "content": None,
             "tool_calls": [{"id": f"call_{turn}", "type": "function", "function": call}]},
            {"role": "tool", "tool_call_id": f"call_{turn}", "content": RESULT},
        ]  # fmt: skip
    tools = [
        {"type": "function",
         "function": {"name": name, "description": DESCRIPTION, "parameters": SCHEMA}}
        for name in NAMES
    ]  # fmt: skip
    return {"model": model, "messages": messages, "tools": tools, "max_tokens": 500}


def responses(model: str, turns: int) -> JSON:
    """Return the body of a turn for /v1/responses."""
    items: list[JSON] = []
    for turn in range(turns):
        items += [
            {"role": "user", "content": f"Look at module {turn}."},
            {"type": "function_call", "call_id": f"call_{turn}", "name": NAMES[turn % TOOLS],
             "arguments": json.dumps(arguments(turn))},
            {"type": "function_call_output", "call_id": f"call_{turn}", "output": RESULT},
        ]  # fmt: skip
    tools = [
        {"type": "function", "name": name, "description": DESCRIPTION, "parameters": SCHEMA}
        for name in NAMES
    ]
    limit = {"max_output_tokens": 500}
    return {"model": model, "instructions": system(turns), "input": items, "tools": tools} | limit


def messages(model: str, turns: int) -> JSON:
    """Return the body of a turn for /v1/messages."""
    written: list[JSON] = []
    for turn in range(turns):
        call = {"name": NAMES[turn % TOOLS], "input": arguments(turn)}
        result = {"type": "tool_result", "tool_use_id": f"toolu_{turn}", "content": RESULT}
        written += [
            {"role": "user", "content": f"Look at module {turn}."},
            {"role": "assistant", "content": [{"type": "tool_use", "id": f"toolu_{turn}", **call}]},
            {"role": "user", "content": [result]},
        ]
    tools = [{"name": name, "description": DESCRIPTION, "input_schema": SCHEMA} for name in NAMES]
    return {"model": model, "system": system(turns), "messages": written, "tools": tools} | {
        "max_tokens": 500
    }


PROTOCOLS: dict[str, Callable[[str, int], JSON]] = {
    "/v1/chat/completions": chat,
    "/v1/responses": responses,
    "/v1/messages": messages,
}


def written(model: str) -> list[Turn]:
    """Return the turns that are shown, as this page writes them, in each protocol."""
    return [
        (turn, path, json.dumps(write(model, turn)).encode())
        for path, write in PROTOCOLS.items()
        for turn in SHOWN
    ]


def recorded(model: str, file: pathlib.Path) -> list[Turn]:
    """Return the first turn of a recording, each tenth and the last; turns without tools are asides."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    turns = [
        (urlsplit(line["path"]).path, line["body"] | {"model": model, "stream": False})
        for line in lines
        if urlsplit(line["path"]).path in PROTOCOLS and line["body"].get("tools")
    ]
    shown = [
        number
        for number in range(1, len(turns) + 1)
        if number % 10 == 0 or number in (1, len(turns))
    ]
    return [
        (number, turns[number - 1][0], json.dumps(turns[number - 1][1]).encode())
        for number in shown
    ]


def rows(running: Stand, turns: list[Turn]) -> list[JSON]:
    """Return a row for each turn."""
    [target] = running.targets.values()
    connection = http.client.HTTPConnection("127.0.0.1", target.port)

    def ask(path: str, body: bytes, number: int) -> None:
        key = target.keys[number % len(target.keys)]
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status} {said[:300]!r}")

    found = []
    for number in range(WARM_UP):
        _, path, body = turns[number % len(turns)]
        ask(path, body, number)
    for turn, path, body in turns:
        before = cpu_us(target.process_id)
        for number in range(REPEATS):
            ask(path, body, number)
        cost_us, size_kib = (cpu_us(target.process_id) - before) / REPEATS, len(body) / 1024
        row = {"": path, "turn": turn, "KiB": f"{size_kib:.0f}", "CPU µs": f"{cost_us:.0f}"}
        found.append(row | {"µs a KiB": f"{cost_us / size_kib:.0f}"})
    return found


def main() -> None:
    options = parser()
    options.add_argument("--session", type=pathlib.Path, help="a recording of bench.record")
    arguments = options.parse_args(["plain", "--accounts", "20", *sys.argv[1:], "--peers"])
    with stand(arguments) as running:
        running.set_upstream(latency_ms=0)
        [target] = running.targets.values()
        session = arguments.session
        turns = recorded(target.model, session) if session else written(target.model)
        text = f"{headline()}\n\n{table_of(rows(running, turns))}"
    print(text)
    if arguments.document:
        put_into(arguments.document, "recorded turns" if session else "turns", text)


if __name__ == "__main__":
    main()
