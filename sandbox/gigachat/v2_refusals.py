"""How GigaChat's second chat form refuses what is neither a wrong type (400) nor a wrong value (422)."""


class V2Refused(Exception):
    """Refuse with that status and text, in the service's own words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
