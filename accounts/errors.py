"""Named refusals of this app; what they become in HTTP is the gateway's."""


class InvalidCredential(Exception):
    """The credential opens nothing; one message for every reason, so that none can be told."""

    def __init__(self) -> None:
        super().__init__(
            "No valid API key was given. Send it in the header: Authorization: Bearer YOUR_KEY."
        )


class CredentialStoreUnavailable(Exception):
    """Whether the credential is good cannot be found out at present."""

    def __init__(self) -> None:
        super().__init__("Credentials cannot be checked at present. Try again shortly.")


class AccountSuspended(Exception):
    """The credential is good, but its account or its user is shut out."""

    def __init__(self) -> None:
        super().__init__("This account is suspended. Write to support.")


class IPNotAllowed(Exception):
    """The key may not be used from the caller's address."""

    def __init__(self) -> None:
        super().__init__("This API key may not be used from this IP address.")


class InsufficientScope(Exception):
    """The credential may not do this; `scope` is what it lacks."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"This credential lacks the scope {scope}.")
        self.scope = scope


class InvalidKeySetting(ValueError):
    """A setting of a key makes no sense; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class KeyRevoked(Exception):
    """A revoked key stays as it was."""

    def __init__(self) -> None:
        super().__init__("This API key is revoked and cannot be changed.")


class InvalidEmail(ValueError):
    """This is no e-mail address that people can be reached at."""

    def __init__(self) -> None:
        super().__init__("Write an e-mail address such as name@example.ru.")


class EmailTaken(Exception):
    """Another user has this e-mail, in this or another spelling."""

    def __init__(self) -> None:
        super().__init__("There is a user with this e-mail already.")
