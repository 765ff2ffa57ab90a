"""The mail of the people in these tests: what came for an address, and the link in it."""

import re
from email.message import EmailMessage

from tests.live.callers import wait_until


class Mailbox:
    """The mails that `tests.accounts.smtp_server` has taken; `port` is where it listens."""

    def __init__(self, port: int, mails: list[EmailMessage]) -> None:
        self.port = port
        self._mails = mails

    def mails(self, address: str) -> list[EmailMessage]:
        """Return what came for an address, the oldest first."""
        return [mail for mail in self._mails if address in str(mail["To"])]

    def link(self, address: str, path: str) -> str:
        """Wait for a mail with a link to such a path, and return the link as it stands there."""
        wait_until(lambda: bool(self._links(address, path)), f"a mail to {address} with {path}")
        return self._links(address, path)[-1]

    def _links(self, address: str, path: str) -> list[str]:
        pattern = re.compile(rf"^https?://[^/\s]+{re.escape(path)}\S*$", re.MULTILINE)
        return [link for mail in self.mails(address) for link in pattern.findall(_text(mail))]


def _text(mail: EmailMessage) -> str:
    return str(mail.get_content()).replace("\r\n", "\n")
