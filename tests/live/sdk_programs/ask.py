"""What a user of the Python SDK does, on one client after the other; the outcomes are printed as JSON.

The address and the key stand in the environment. Standard input holds a JSON object: `relay`, an address that
loses the first answer, and `client_id` of an application to log in by. `AUTHORIZE` and an address ask for a
browser.
"""

import asyncio
import json
import sys
from typing import Any

import openai
import pydantic
import xrouter
from xrouter import AsyncXRouter, XRouter, details

TASK = json.load(sys.stdin)
HELLO: Any = [{"role": "user", "content": "Какая столица России?"}]
MODEL = "gigachat-2-pro"


class Capital(pydantic.BaseModel):
    capital: str


def told(answer: Any, cost: Any) -> dict[str, Any]:
    known = details(answer)
    return {
        "adapted": known.adapted,
        "attempts": known.attempts,
        "id": known.generation_id,
        "has_request_id": bool(known.request_id),
        "cost": str(cost),
    }


def ask(client: XRouter, **more: Any) -> openai.types.chat.ChatCompletion:
    chat: Any = {"model": MODEL, "messages": HELLO, "max_tokens": 50} | more
    answer: openai.types.chat.ChatCompletion = client.chat.completions.create(**chat)
    return answer


def failure(call: Any) -> str:
    try:
        call()
    except Exception as error:
        return type(error).__name__
    return "none"


async def asynchronous() -> dict[str, Any]:
    async with AsyncXRouter() as client:
        stream = await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
        text = "".join(
            [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
        )
        plan = await client.plan(model=MODEL, messages=HELLO)
        return {
            "text": text,
            "admitted": plan.admitted,
            "positive": (await client.credits()).balance > 0,
            "days": len(await client.activity()),
            **told(stream, await client.cost(stream)),
        }


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def show(address: str) -> None:
    say(f"AUTHORIZE {address}")


def main() -> None:
    client, outcomes = XRouter(), dict[str, Any]()
    before = client.credits()
    answer = ask(client, logit_bias={"7": 1})
    outcomes["plain"] = {
        "text": answer.choices[0].message.content,
        "usage_cost": str((answer.usage.model_extra or {})["cost"]) if answer.usage else "",
        **told(answer, client.cost(answer)),
    }
    stream = client.chat.completions.create(model=MODEL, messages=HELLO, stream=True, max_tokens=50)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    outcomes["streamed"] = {"text": text, **told(stream, client.cost(stream))}
    outcomes["spent"] = str(before.balance - client.credits().balance)
    parsed = client.chat.completions.parse(
        model=MODEL, messages=HELLO, response_format=Capital, max_tokens=200
    )
    outcomes["parsed"] = told(parsed, client.cost(parsed))
    plan = client.plan(model=MODEL, messages=HELLO, max_tokens=50)
    outcomes["plan"] = {
        "admitted": plan.admitted,
        "model": plan.candidates[0].model,
        "in_order": plan.candidates[0].cost.least <= plan.candidates[0].cost.most,
        "refused": getattr(client.plan(model="no", messages=HELLO).refusal, "code", None),
    }
    found = client.generation(answer.id)
    outcomes["generation"] = {
        "model": found.model,
        "attempts": [attempt.outcome for attempt in found.attempts],
        "cost": str(found.total_cost),
    }
    outcomes["days"] = sum(row.requests for row in client.activity())
    with XRouter(base_url=TASK["relay"]) as relayed:
        again = ask(relayed, messages=[{"role": "user", "content": "Какая столица Франции?"}])
        outcomes["repeated"] = told(again, client.cost(again))
    outcomes["refused"] = [failure(lambda: ask(client, model="no")), failure(lambda: details(7))]
    token = xrouter.login(
        TASK["client_id"],
        base_url=str(client.base_url),
        scopes=["chat", "usage", "keys"],
        show=show,
    )
    outcomes["login"] = sorted(token.scopes)
    owner = client.with_options(api_key=token.access_token)
    created = owner.keys.create("SDK", limit=5)
    mine = XRouter(api_key=created.key)
    outcomes["keys"] = {
        "limit": str(created.data.limit),
        "renamed": owner.keys.change(created.data.hash, name="Renamed").name,
        "read": owner.keys.get(created.data.hash).name,
        "listed": created.data.hash in {key.hash for key in owner.keys.list()},
        "works": bool(ask(mine).id),
        "bare_key": failure(mine.keys.list),
    }
    outcomes["model_map"] = owner.model_map.replace({"gpt-*": "gigachat-2"}) | owner.model_map.get()
    mapped = ask(mine, model="gpt-5")
    outcomes["mapped"] = {"model": mapped.model, "adapted": details(mapped).adapted}
    owner.model_map.replace({})
    successor = owner.keys.rotate(created.data.hash)
    heir = XRouter(api_key=successor.key)
    outcomes["rotated"] = [failure(lambda: ask(mine)), bool(ask(heir).id)]
    owner.keys.revoke(successor.data.hash)
    outcomes["revoked"] = failure(lambda: ask(heir))
    outcomes["asynchronous"] = asyncio.run(asynchronous())
    say(json.dumps(outcomes))


main()
