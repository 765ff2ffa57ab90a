"""What stands below /v1/responses at OpenAI: answers that are kept. None is."""

from rest_framework.request import Request

from gateway.api.endpoints.not_found import NotFoundView
from gateway.api.errors import BadRequest


class StoredResponseView(NotFoundView):
    """Any response by its id, and what may be asked of one."""

    def refusal(self, request: Request) -> BadRequest:
        """Return what is said of any response."""
        return BadRequest(
            "No response is kept here. Send the whole dialogue in input; GET /v1/generation has the"
            " tokens and the cost of one.",
            status=404,
            code="not_found",
        )
