"""POST /v1/moderations: what the service's own moderation finds in texts, in OpenAI's shape; free of charge."""

import uuid
from collections.abc import Sequence

from django.http import HttpResponse
from rest_framework.request import Request

from billing.limits import request_limits
from gateway.api.body import JSONObject, read_object
from gateway.api.json_response import JSONResponse
from gateway.api.schema.moderations import ModerationRequest
from gateway.api.schema.parsing import parse
from gateway.api.schema.unknown_fields import ignored_header, ignored_of
from gateway.api.view import View, describe_limits
from gateway.moderation import live
from gateway.moderation.categories import BELONGS_TO, CATEGORIES, TEST
from gateway.moderation.search import Broken

MODEL = "xrouter-moderation"
SCORES = {"block": 1.0, "flag": 0.5}
"""Of a category by the action of its rule: a rule holds or does not, so there is nothing between."""


class ModerationsView(View):
    """Judges texts by every rule that is on, whatever tier it holds for; records no event."""

    scope = "chat"

    def post(self, request: Request) -> HttpResponse:
        wanted = parse(ModerationRequest, read_object(request._request))
        ignored = ignored_of(request, wanted)
        admission = request_limits.admit_apart(self.caller.account_id, "moderation")
        search = live.current()
        response = JSONResponse(
            {
                "id": f"modr-{uuid.uuid4().hex}",
                "model": wanted.model or MODEL,
                "results": [_result(search.find(texts)) for texts in wanted.input],
            }
        )
        describe_limits(response, admission)
        return ignored_header(response, ignored)


def _result(broken: Sequence[Broken]) -> JSONObject:
    scores = dict.fromkeys((*CATEGORIES, TEST), 0.0)
    for each in broken:
        category = each.rule.category
        for name in (category, *BELONGS_TO.get(category, ())):
            scores[name] = max(scores[name], SCORES[each.rule.action])
    return {
        "flagged": bool(broken),
        "categories": {name: score > 0 for name, score in scores.items()},
        "category_scores": scores,
        "category_applied_input_types": {name: ["text"] for name in scores},
    }
