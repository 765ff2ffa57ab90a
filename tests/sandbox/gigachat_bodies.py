"""Bodies of GigaChat chats, good ones and the makings of bad ones."""

from typing import Any

from tests.sandbox.callers import GigaChatCaller

USER = {"role": "user", "content": "Сколько планет?"}
SYSTEM = {"role": "system", "content": "Отвечай кратко."}
OBJECT: dict[str, Any] = {"type": "object", "properties": {}}


def function(**changes: Any) -> dict[str, Any]:
    described = {"name": "price", "description": "Цена", "parameters": OBJECT, **changes}
    return {"functions": [{k: v for k, v in described.items() if v is not None}]}


def with_parameters(**properties: Any) -> dict[str, Any]:
    return function(parameters={"type": "object", "properties": properties})


def messages(*turns: dict[str, Any]) -> dict[str, Any]:
    return {"messages": list(turns)}


def called(**changes: Any) -> dict[str, Any]:
    call = {"name": "price", "arguments": {"city": "Томск"}, **changes}
    return {"role": "assistant", "content": "", "function_call": call}


def result(content: Any, **changes: Any) -> dict[str, Any]:
    return {"role": "function", "name": "price", "content": content, **changes}


def response_format(**fields: Any) -> dict[str, Any]:
    return {"response_format": fields}


SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def chat_body(**changes: Any) -> dict[str, Any]:
    """Return a good body with changes; None drops a field and an ellipsis makes it null."""
    body = {"model": "GigaChat-2-Max", "messages": [USER], **changes}
    return {k: None if v is ... else v for k, v in body.items() if v is not None}


def assert_invalid(gigachat: GigaChatCaller, body: dict[str, Any], text: str = "") -> None:
    response = gigachat.chat(body)
    assert response.status_code == 422, response.text
    refusal = response.json()
    assert set(refusal) == {"status", "message"}
    assert refusal["status"] == 422
    assert text in refusal["message"]
