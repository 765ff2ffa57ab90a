"""/v1/keys, /v1/keys/{hash} and /v1/auth/keys: API keys, made and managed by applications."""

from accounts.key_format import KEY_PATTERN
from accounts.key_settings import LIST_MAX_ITEMS, MODEL_MAX_CHARS, NAME_MAX_CHARS, RATE_MAX
from accounts.oauth import pkce
from gateway.api.keys import INTERVALS, NETWORK_MAX_CHARS, OFFSET_MAX, RESETS
from gateway.api.one_click import CODE_MAX_CHARS
from gateway.api.openapi import shapes
from gateway.api.openapi.headers import parameter
from gateway.api.openapi.operations import (
    json_answer,
    json_body,
    operation,
    path_parameter,
    query,
)
from gateway.api.openapi.shapes import JSONObject, ref

_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_RAW = "xr-live-00000000000000000000000000000000000000000002ZjR7G"
_CARD = {
    "hash": _HASH,
    "name": "Sales",
    "label": "xr-live-0000…jR7G",
    "disabled": False,
    "limit": 500,
    "limit_remaining": 487.5,
    "limit_reset": "monthly",
    "usage": 12.5,
    "created_at": "2026-11-22T10:00:00.123456+00:00",
    "last_used_at": None,
    "allowed_models": ["gigachat-2"],
    "allowed_ips": None,
    "rate_limit": {"requests": 10, "interval": "1m"},
    "test": False,
}
_BY_HASH = path_parameter("hash", "The key's `hash`.", _HASH)
_STRICT = parameter("X-XRouter-Strict")
_ADAPTED = ("X-XRouter-Adapted",)
_ONE = {"key": ("A key", {"data": _CARD})}

PATHS: dict[str, JSONObject] = {
    "/v1/keys": {
        "get": operation(
            "list_keys",
            "List the account's keys",
            "The newest first, without those that are revoked, a hundred at a time.",
            tag="Keys",
            scope="keys",
            parameters=[
                query(
                    "offset",
                    "How many keys to pass over.",
                    shapes.whole(minimum=0, maximum=OFFSET_MAX, default=0),
                ),
                query(
                    "include_disabled",
                    "`false` leaves out those that are switched off.",
                    shapes.flag(default=True),
                ),
            ],
            answer=json_answer("The keys.", "KeyList", {"keys": ("One key", {"data": [_CARD]})}),
            codes=("invalid_parameter",),
        ),
        "post": operation(
            "create_key",
            "Create a key",
            "It is its user's: it outlives the token that made it, and stands in the cabinet under"
            " connections.",
            tag="Keys",
            scope="keys",
            parameters=[_STRICT],
            body=json_body(
                "NewKey",
                {
                    "named": ("A name is enough", {"name": "Sales"}),
                    "bounded": (
                        "With bounds of its own",
                        {
                            "name": "Sales",
                            "limit": 500,
                            "limit_reset": "monthly",
                            "allowed_models": ["gigachat-2"],
                            "rate_limit": {"requests": 10, "interval": "1m"},
                        },
                    ),
                },
            ),
            answer=json_answer(
                "The key. `key` is its text, shown this once.",
                "CreatedKey",
                {"key": ("A new key", {"data": _CARD, "key": _RAW})},
                header_names=_ADAPTED,
            ),
            codes=("invalid_parameter",),
            status=201,
        ),
    },
    "/v1/keys/{hash}": {
        "get": operation(
            "get_managed_key",
            "Read one key",
            tag="Keys",
            scope="keys",
            parameters=[_BY_HASH],
            answer=json_answer("The key.", "ManagedKey", _ONE),
            codes=("not_found",),
        ),
        "patch": operation(
            "change_key",
            "Change a key",
            "What is not named stays. Null takes a bound away.",
            tag="Keys",
            scope="keys",
            parameters=[_BY_HASH, _STRICT],
            body=json_body(
                "KeyChange", {"limit": ("Another limit", {"limit": 1000, "disabled": False})}
            ),
            answer=json_answer("The key.", "ManagedKey", _ONE, header_names=_ADAPTED),
            codes=("invalid_parameter", "not_found"),
        ),
        "delete": operation(
            "revoke_key",
            "Revoke a key for good",
            "Every process refuses it within two seconds.",
            tag="Keys",
            scope="keys",
            parameters=[_BY_HASH],
            answer=json_answer(
                "It is revoked.",
                "RevokedKey",
                {"revoked": ("A key that was", {"data": {"hash": _HASH, "deleted": True}})},
            ),
            codes=("not_found",),
        ),
    },
    "/v1/auth/keys": {
        "post": operation(
            "redeem_one_click_code",
            "Get a key for the code of the one-click form",
            "The person agreed at `/auth?callback_url=…&code_challenge=…&code_challenge_method=S256`"
            " and came back with the code, which lives a minute and is good once; used again, it"
            " revokes its key. The key is an ordinary one of the person's.",
            tag="Keys",
            parameters=[_STRICT],
            body=json_body(
                "OneClickCode",
                {
                    "code": (
                        "A code and its verifier",
                        {
                            "code": "xr-code-00000000000000000000000000000000000000000003Q2nKc",
                            "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
                        },
                    )
                },
            ),
            answer=json_answer(
                "The key's text, shown this once.",
                "OneClickKey",
                {"key": ("A key", {"key": _RAW, "user_id": "17"})},
                header_names=_ADAPTED,
            ),
            codes=("invalid_parameter",),
        )
    },
}

_AMOUNT = r"^[0-9]{1,10}(\.[0-9]{1,9})?$"
_RATE = {
    "requests": shapes.whole(minimum=1, maximum=RATE_MAX),
    "interval": shapes.text(enum=list(INTERVALS)),
}
_SETTINGS: dict[str, JSONObject] = {
    "name": shapes.line(NAME_MAX_CHARS, "What its owner calls it.", minLength=1),
    "limit": {
        "description": "Its own budget in credits, exactly; a text where a JSON number would lose"
        " digits. Null for none.",
        "anyOf": [shapes.number(minimum=0, maximum=10**9), shapes.text(pattern=_AMOUNT)],
    },
    "limit_reset": shapes.text(
        "When the budget begins anew, by Moscow's days and weeks from Monday; null for never.",
        enum=list(RESETS),
    ),
    "disabled": shapes.flag("Whether it is switched off; it can be switched on again."),
    "allowed_models": shapes.texts(
        most=LIST_MAX_ITEMS,
        longest=MODEL_MAX_CHARS,
        description="The models it may use; null or none for all.",
    ),
    "allowed_ips": shapes.texts(
        most=LIST_MAX_ITEMS,
        longest=NETWORK_MAX_CHARS,
        description="The addresses and networks it works from; null or none for everywhere.",
    ),
    "rate_limit": shapes.form(
        _RATE,
        "How many requests may begin in any such time; null for no limit of its own.",
        required=_RATE,
    ),
}
_TEST = {"test": shapes.flag("Whether the sandbox answers it; for good.", default=False)}

SCHEMAS: dict[str, JSONObject] = {
    "NewKey": shapes.form(_SETTINGS | _TEST, required=("name",)),
    "KeyChange": shapes.form(_SETTINGS),
    "ManagedKey": shapes.record({"data": ref("KeyCard")}),
    "CreatedKey": shapes.record(
        {"data": ref("KeyCard"), "key": shapes.text(pattern=f"^{KEY_PATTERN}$")}
    ),
    "KeyList": shapes.record({"data": shapes.array(ref("KeyCard"))}),
    "RevokedKey": shapes.record(
        {"data": shapes.record({"hash": shapes.text(), "deleted": shapes.flag()})}
    ),
    "KeyCard": shapes.record(
        {
            "hash": shapes.text("Its public name.", pattern="^[0-9a-f]{64}$"),
            "name": shapes.text("What its owner calls it."),
            "label": shapes.text("Its first and last characters."),
            "disabled": shapes.flag(),
            "limit": shapes.nullable(shapes.number("Its own budget in credits; null for none.")),
            "limit_remaining": shapes.nullable(
                shapes.number("What the budget leaves; null for no budget.")
            ),
            "limit_reset": shapes.nullable(shapes.text(enum=list(RESETS))),
            "usage": shapes.number("What it has spent, in credits, exactly."),
            "created_at": shapes.text(format="date-time"),
            "last_used_at": shapes.nullable(shapes.text(format="date-time")),
            "allowed_models": shapes.nullable(shapes.array(shapes.text())),
            "allowed_ips": shapes.nullable(shapes.array(shapes.text())),
            "rate_limit": shapes.nullable(
                shapes.record(
                    {
                        "requests": shapes.whole(minimum=1),
                        "interval": shapes.text(pattern=r"^\d+[smd]$"),
                    }
                )
            ),
            "test": shapes.flag("Whether the sandbox answers it."),
        }
    ),
    "OneClickCode": shapes.form(
        {
            "code": shapes.text(minLength=1, maxLength=CODE_MAX_CHARS),
            "code_verifier": shapes.text(
                "What the challenge was made of.", minLength=43, maxLength=128
            ),
            "code_challenge_method": shapes.text(enum=[pkce.METHOD]),
        },
        required=("code", "code_verifier"),
    ),
    "OneClickKey": shapes.record(
        {
            "key": shapes.text(pattern=f"^{KEY_PATTERN}$"),
            "user_id": shapes.text("The person's public number."),
        }
    ),
}
