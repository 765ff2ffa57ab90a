"""Where each path goes. A slash at the end of an API path is tolerated."""

from django.contrib import admin
from django.urls import URLPattern, include, path, re_path
from django.views.i18n import set_language

from gateway.api.account import CreditsView, GenerationView, KeyView
from gateway.api.activity import ActivityView
from gateway.api.chat import ChatCompletionsView, CompletionsView
from gateway.api.embeddings import EmbeddingsView
from gateway.api.health import health
from gateway.api.keys import KeyByHashView, KeysView
from gateway.api.models import ModelsView, ModelView, ParametersView
from gateway.api.one_click import AuthKeysView
from gateway.api.openapi.views import OpenAPIView, api_reference
from gateway.api.providers_status import ProvidersStatusView
from gateway.api.tokens import TokenCountView
from gateway.api.view import NotFoundView, View
from gateway.api.yookassa_webhook import yookassa_webhook

handler400 = "gateway.api.errors.bad_request"
handler404 = "gateway.api.errors.not_found"
handler500 = "gateway.api.errors.server_error"


def api(pattern: str, view: type[View]) -> URLPattern:
    """Route a path under /v1, which is also /api/v1."""
    return re_path(rf"^(?:api/)?v1/{pattern}/?$", view.as_view())


urlpatterns = [
    api("chat/completions", ChatCompletionsView),
    api("completions", CompletionsView),
    api("embeddings", EmbeddingsView),
    api("tokens/count", TokenCountView),
    api("models", ModelsView),
    api("models/(?P<model_id>.+?)", ModelView),
    api("parameters/(?P<model_id>.+?)", ParametersView),
    api("generation", GenerationView),
    api("(?:auth/)?key", KeyView),
    api("auth/keys", AuthKeysView),
    api("keys", KeysView),
    api("keys/(?P<key_hash>[^/]+)", KeyByHashView),
    api("credits", CreditsView),
    api("activity", ActivityView),
    api("providers/status", ProvidersStatusView),
    api(r"openapi\.json", OpenAPIView),
    api(".*", NotFoundView),
    path("docs/api/", api_reference),
    re_path(r"^webhooks/yookassa/?$", yookassa_webhook),
    path("health", health),
    path("", include("accounts.oauth.urls")),
    path("accounts/", include("accounts.urls")),
    path("cabinet/", include("accounts.cabinet.urls")),
    path("cabinet/", include("billing.cabinet.urls")),
    path("cabinet/", include("gateway.cabinet.urls")),
    path("", include("gateway.public.urls")),
    path("language/", set_language, name="set_language"),
    path("admin/", admin.site.urls),
]
