"""The authorization server metadata: exactly what is enabled. Source: RFC 8414."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse

from accounts.oauth import pkce
from accounts.oauth.cross_origin import allow_any_origin, preflight
from accounts.oauth.endpoints import failure
from accounts.oauth.server import GRANT_TYPE, RESPONSE_TYPE
from accounts.scopes import SCOPES

SECRET_METHODS = ["client_secret_basic", "client_secret_post"]


def metadata(request: HttpRequest) -> HttpResponse:
    """GET /.well-known/oauth-authorization-server."""
    if request.method == "OPTIONS":
        return preflight("GET")
    if request.method not in {"GET", "HEAD"}:
        response = failure(405, "invalid_request", "Send a GET.")
        response.headers["Allow"] = "GET, HEAD"
        return allow_any_origin(response)
    address = settings.PUBLIC_URL
    document = {
        "issuer": address,
        "authorization_endpoint": address + reverse("oauth_authorize"),
        "token_endpoint": address + reverse("oauth_token"),
        "revocation_endpoint": address + reverse("oauth_revoke"),
        "introspection_endpoint": address + reverse("oauth_introspect"),
        "scopes_supported": list(SCOPES),
        "response_types_supported": [RESPONSE_TYPE],
        "response_modes_supported": ["query"],
        "grant_types_supported": [GRANT_TYPE],
        "code_challenge_methods_supported": [pkce.METHOD],
        "token_endpoint_auth_methods_supported": [*SECRET_METHODS, "none"],
        "revocation_endpoint_auth_methods_supported": [*SECRET_METHODS, "none"],
        "introspection_endpoint_auth_methods_supported": SECRET_METHODS,
        "authorization_response_iss_parameter_supported": True,
        "service_documentation": f"{address}/docs/oauth/",
    }
    return allow_any_origin(JsonResponse(document))
