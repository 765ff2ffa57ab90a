"""OpenRouter's own client for Python: every method it has for a path of ours."""

import json
from typing import Any

from openrouter import OpenRouter, errors

from clients import trial

client = OpenRouter(api_key=trial.API_KEY, server_url=trial.BASE_URL)
MESSAGES: Any = [{"role": "user", "content": trial.QUESTION}]
WEATHER: Any = [{"role": "user", "content": trial.WEATHER_QUESTION}]
TOOLS: Any = [trial.WEATHER_TOOL]
SCHEMA: Any = {
    "type": "json_schema",
    "json_schema": {"name": "person", "schema": trial.Person.model_json_schema(), "strict": True},
}


def chat(model: str) -> str:
    answer = client.chat.send(model=model, messages=MESSAGES)
    return str(answer.choices[0].message.content)


def stream(model: str) -> list[str]:
    with client.chat.send(model=model, messages=MESSAGES, stream=True) as chunks:
        *told, last = list(chunks)
    if last.usage is None:
        raise ValueError("The last chunk has no usage.")
    return [chunk.choices[0].delta.content or "" for chunk in told]


def tools(model: str) -> str:
    first = client.chat.send(model=model, messages=WEATHER, tools=TOOLS)
    message = first.choices[0].message
    messages = [*WEATHER, message, *trial.tool_results(message)]
    second = client.chat.send(model=model, messages=messages, tools=TOOLS)
    return str(second.choices[0].message.content)


def streamed_tools(model: str) -> list[str]:
    calls: dict[int, dict[str, Any]] = {}
    with client.chat.send(model=model, messages=WEATHER, tools=TOOLS, stream=True) as chunks:
        for chunk in chunks:
            for piece in (chunk.choices[0].delta.tool_calls or []) if chunk.choices else []:
                call = calls.setdefault(piece.index, {"name": "", "arguments": ""})
                call["id"] = piece.id or call["id"]
                call["name"] += piece.function.name or ""
                call["arguments"] += piece.function.arguments or ""
    asked = [
        {"id": call.pop("id"), "type": "function", "function": call} for call in calls.values()
    ]
    results = [
        {
            "role": "tool",
            "tool_call_id": call["id"],
            "content": trial.get_weather(**json.loads(call["function"]["arguments"])),
        }
        for call in asked
    ]
    messages: Any = [*WEATHER, {"role": "assistant", "tool_calls": asked}, *results]
    with client.chat.send(model=model, messages=messages, tools=TOOLS, stream=True) as chunks:
        return [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]


def structured(model: str) -> list[Any]:
    request: Any = [{"role": "user", "content": trial.PERSON_REQUEST}]
    answer = client.chat.send(model=model, messages=request, response_format=SCHEMA)
    return [trial.Person.model_validate_json(str(answer.choices[0].message.content))]


def embeddings(model: str) -> list[list[float]]:
    answer = client.embeddings.generate(model=model, input=trial.TEXTS)
    return [item.embedding for item in answer.data]


def account(model: str) -> dict[str, bool]:
    made = client.chat.send(model=model, messages=MESSAGES)
    listed = client.models.list().result.data
    author, slug = next(
        card.links.details.split("/")[-3:-1] for card in listed if card.id == made.model
    )
    return {
        "models.list": len(listed) > 1,
        "models.count": client.models.count().data.count == len(listed),
        "models.list_for_user": len(_pages({"bearer": trial.API_KEY})) == len(listed),
        "models.get": client.models.get(author=author, slug=slug).data.id == made.model,
        "endpoints.list": bool(client.endpoints.list(author=author, slug=slug).data.endpoints),
        "providers.list": len(client.providers.list().data) == 2,
        "embeddings.list_models": bool(client.embeddings.list_models().result.data),
        "api_keys.get_current_key_metadata": bool(
            client.api_keys.get_current_key_metadata().data.label
        ),
        "generations.get_generation": client.generations.get_generation(id=made.id).data.id
        == made.id,
        "credits.get_credits": client.credits.get_credits().data.total_credits == 1000,
        "analytics.get_user_activity": bool(client.analytics.get_user_activity().data),
        "beta.responses.send": _respond(model),
        "refusal": _refusal() == 404,
    }


def _pages(security: Any) -> list[str]:
    """Return the ids of the models, read five at once."""
    found = []
    page = client.models.list_for_user(security=security, limit=5)
    while page is not None:
        found += [card.id for card in page.result.data]
        page = page.next()
    return found


def _respond(model: str) -> bool:
    """Say whether the Responses API answers, whole and in events."""
    whole = client.beta.responses.send(model=model, input=trial.QUESTION)
    with client.beta.responses.send(model=model, input=trial.QUESTION, stream=True) as events:
        *_, last = list(events)
    return trial.ANSWER in str(whole.output) and last.response.output[0].content == (
        whole.output[0].content
    )


def _refusal() -> int:
    """Return the code of the error that a model nobody has is answered with."""
    try:
        client.chat.send(model="gpt-0", messages=MESSAGES)
    except errors.NotFoundResponseError as refusal:
        return int(refusal.data.error.code)
    return 200


trial.run(
    "openrouter",
    chat=chat,
    stream=stream,
    tools=tools,
    streamed_tools=streamed_tools,
    structured=structured,
    embeddings=embeddings,
    account=account,
)
