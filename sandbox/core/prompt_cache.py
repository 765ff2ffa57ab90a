"""Which prompts a session has sent before: the part that repeats is served from the cache."""

import threading
from collections import OrderedDict
from itertools import takewhile

from sandbox.core.tokens import count_prompt_tokens

_KEPT_SESSIONS = 1000


class PromptCache:
    """The last prompt of each session."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._prompts: OrderedDict[str, list[str]] = OrderedDict()

    def cached_tokens(self, session: str | None, prompt: list[str]) -> int:
        """Return the tokens of the messages that repeat the session's last prompt; keep this one.

        At least the last message counts as new, also when the whole prompt is sent again.
        """
        if session is None:
            return 0
        with self._lock:
            before = self._prompts.pop(session, [])
            self._prompts[session] = prompt
            if len(self._prompts) > _KEPT_SESSIONS:
                self._prompts.popitem(last=False)
        same = takewhile(lambda pair: pair[0] == pair[1], zip(before, prompt[:-1], strict=False))
        return count_prompt_tokens(message for message, _ in same)
