"""An answer in events, as a response of Django's."""

from django.http import StreamingHttpResponse

from gateway.api.sse import HEADERS, EventStream


class EventStreamResponse(StreamingHttpResponse):
    """The WSGI application hands `events` to the server as they are, past Django's wrapping of each chunk."""

    def __init__(self, events: EventStream) -> None:
        super().__init__(events, headers=HEADERS)
        self.events = events
