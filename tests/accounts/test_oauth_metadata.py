"""The metadata: exactly what is enabled, at the public address, for everybody."""

import pytest
from django.core.management import call_command
from django.test import Client

PATH = "/.well-known/oauth-authorization-server"


@pytest.mark.parametrize("path", [PATH, PATH + "/"])
def test_the_metadata_lists_exactly_what_is_enabled(settings, path):
    settings.PUBLIC_URL = address = "https://router.example.ru"
    response = Client().get(path)
    assert response.json() == {
        "issuer": address,
        "authorization_endpoint": f"{address}/oauth/authorize",
        "token_endpoint": f"{address}/oauth/token",
        "revocation_endpoint": f"{address}/oauth/revoke",
        "introspection_endpoint": f"{address}/oauth/introspect",
        "scopes_supported": ["chat", "usage", "keys"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "none",
        ],
        "revocation_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "none",
        ],
        "introspection_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
        ],
        "authorization_response_iss_parameter_supported": True,
        "service_documentation": f"{address}/docs/oauth/",
    }
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_the_metadata_can_be_read_and_nothing_else():
    assert Client().head(PATH).status_code == 200
    assert Client().options(PATH).headers["Access-Control-Allow-Methods"] == "GET, OPTIONS"
    refused = Client().post(PATH)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")


def test_the_settings_follow_the_best_current_practice(capsys):
    call_command("check", tags=["security"], deploy=True)
    assert "oauth2_provider" not in capsys.readouterr().err
