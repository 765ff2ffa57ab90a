"""The errors of accounts; gateway/api/errors.py maps them to HTTP statuses."""


class InvalidCredential(Exception):
    """The credential is not valid; one message for every reason, so that none is revealed."""

    def __init__(self) -> None:
        super().__init__(
            "No valid API key was given. Send it in the header: Authorization: Bearer YOUR_KEY."
        )


class CredentialEnded(InvalidCredential):
    """The credential was valid when the answer began, and has ended since."""

    def __init__(self) -> None:
        Exception.__init__(
            self, "The API key or token of this request has ended, and the answer with it."
        )


class CredentialStoreUnavailable(Exception):
    """The credential cannot be checked at present: the database is away."""

    def __init__(self) -> None:
        super().__init__("Credentials cannot be checked at present. Try again shortly.")


class AccountSuspended(Exception):
    """The credential is valid, but its account or its user is suspended."""

    def __init__(self) -> None:
        super().__init__("This account is suspended. Write to support.")


class SuspensionReasonMissing(ValueError):
    """An account is suspended for a reason, which its owner is told."""

    def __init__(self) -> None:
        super().__init__("Write the reason: the owner of the account is told it.")


class KeyFrozen(Exception):
    """The key is frozen until its owner thaws it."""

    def __init__(self) -> None:
        super().__init__(
            "This API key is frozen, to protect its owner. The reason, and a button that thaws it, stand at"
            " /cabinet/security/."
        )


class IPNotAllowed(Exception):
    """The key may not be used from the caller's address."""

    def __init__(self) -> None:
        super().__init__("This API key may not be used from this IP address.")


class InsufficientScope(Exception):
    """The credential lacks `scope`."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"This credential lacks the scope {scope}.")
        self.scope = scope


class InvalidKeySetting(ValueError):
    """A setting of a key is not valid; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class InvalidModelMap(ValueError):
    """An entry of a model map is not valid; `name` is its name, empty for the map as a whole."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class TooManyKeys(Exception):
    """The account has the maximum number of keys."""

    def __init__(self, most: int) -> None:
        super().__init__(f"An account has {most} keys at most. Revoke some.")
        self.most = most


class KeyRevoked(Exception):
    """A revoked key cannot be changed."""

    def __init__(self) -> None:
        super().__init__("This API key is revoked and cannot be changed.")


class KeyEnded(Exception):
    """A key that does not live any more, or has a successor already, cannot be rotated."""

    def __init__(self) -> None:
        super().__init__(
            "Only a key that lives and has no successor can be rotated. Create a new key instead."
        )


class InvalidEmail(ValueError):
    """The e-mail address is not valid."""

    def __init__(self) -> None:
        super().__init__("Write an e-mail address such as name@example.ru.")


class TooManyRefusedCredentials(Exception):
    """The credential is not valid, and so many of its network were not that no more is said of any."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(
            "Too many invalid credentials have come from your network. Valid ones go on working; check"
            f" yours, and repeat the request in {retry_after_s} s."
        )
        self.retry_after_s = retry_after_s


class EmailTaken(Exception):
    """Another user has this e-mail, in this or another spelling."""

    def __init__(self) -> None:
        super().__init__("There is a user with this e-mail already.")


class OperatorStays(Exception):
    """An operator is not erased: first an operator takes their rights away."""

    def __init__(self) -> None:
        super().__init__("This person is an operator. Take their rights away in the admin first.")
