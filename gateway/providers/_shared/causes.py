"""Why a provider cannot be reached, and what an operator does about it. Callers never see this."""

import errno
import socket
import ssl


def cause_of(error: BaseException, *, host: str) -> str:
    """Name the cause and the remedy of a failed connection in one line."""
    for link in _chain(error):
        if text := _cause(link, host):
            return text
    return f"{host}: {error}"


def _cause(error: BaseException, host: str) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            reason = getattr(error, "verify_message", "") or str(error)
            remedy = (
                "renew it, or check this machine's clock"
                if "expired" in reason or "not yet valid" in reason
                else "name a bundle that has its root in GIGACHAT_CA_BUNDLE_FILE or SSL_CERT_FILE"
            )
            return f"{host}: its certificate is not trusted ({reason}): {remedy}."
        case ssl.SSLError():
            return f"{host}: TLS fails ({error.reason or error}): is the port right, does a proxy answer?"
        case socket.gaierror():
            return f"{host}: the name is not known: check the address and this machine's DNS."
        case ConnectionRefusedError():
            return f"{host}: nobody listens there: check the address and the port."
        case TimeoutError():
            return f"{host}: no connection in time: check the firewall, the route and the port of the address."
        case ConnectionResetError() | EOFError():
            return f"{host}: it hung up: a firewall or a proxy may be in between."
        case OSError() if error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
            return f"{host}: there is no route to it: check this machine's network."
    return ""


def _chain(error: BaseException) -> list[BaseException]:
    """Return the error and what it wraps, the innermost first."""
    links: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        link = waiting.pop()
        if isinstance(link, BaseException) and link not in links:
            links.append(link)
            waiting += [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]
    return links[::-1]
