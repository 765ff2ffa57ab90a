"""Every route of the service, and what each of five people is answered there.

The five: a stranger, the owner, another person, whoever holds what the owner has ended, an operator.
"""

from dataclasses import dataclass

ROLES = ("anonymous", "owner", "other", "revoked", "staff")
OPEN = "200 200 200 200 200"
LEADS_ON = "302 302 302 302 302"
NOTHING = "404 404 404 404 404"
OF_A_PERSON = "302 200 200 302 200"  # each sees their own; a stranger is led to log-in
DONE_BY_A_PERSON = "302 302 302 302 302"
OF_THE_OWNER = "302 200 404 302 404"  # and to all others it does not exist
DONE_BY_THE_OWNER = "302 302 404 302 404"
LOG_IN_FIRST = "200 302 302 200 302"
AGAIN_THE_PASSWORD = "302 302 302 302 200"  # the operator has just proved who they are
BY_KEY = "401 200 200 401 200"
BY_KEY_OF_THE_OWNER = "401 200 404 401 404"
EMPTY_BY_KEY = "401 400 400 401 400"  # the request is empty: who gets so far is let in
BY_KEY_OR_NONE = "200 200 200 401 200"

AUTHORIZE = (
    "/oauth/authorize?response_type=code&client_id={site_app}"
    "&redirect_uri=https://app.example.ru/back&scope=chat"
    "&code_challenge={challenge}&code_challenge_method=S256"
)
ONE_CLICK = (
    "/auth?callback_url=https://app.example.ru/back"
    "&code_challenge={challenge}&code_challenge_method=S256"
)


@dataclass(frozen=True, slots=True)
class TenantQuestion:
    """One request; `path` and a form's `body` name the owner's things in braces."""

    method: str
    path: str
    statuses: str
    body: str = ""

    @property
    def is_api(self) -> bool:
        return self.path.startswith(("/v1/", "/api/v1/"))

    @property
    def is_about_a_thing(self) -> bool:
        """Whether it names something that is the owner's alone."""
        return any(
            name in self.path
            for name in ("{key}", "{generation}", "{payment}", "{app}", "{event}", "{session}")
        )

    def expected(self, role: str) -> int:
        return int(self.statuses.split()[ROLES.index(role)])


def get(path: str, statuses: str) -> TenantQuestion:
    return TenantQuestion("GET", path, statuses)


def post(path: str, statuses: str, body: str = "") -> TenantQuestion:
    return TenantQuestion("POST", path, statuses, body)


API: dict[str, tuple[TenantQuestion, ...]] = {
    "chat/completions": (post("/v1/chat/completions", EMPTY_BY_KEY, "{}"),),
    "completions": (post("/v1/completions", EMPTY_BY_KEY, "{}"),),
    "responses": (post("/v1/responses", EMPTY_BY_KEY, "{}"),),
    "responses/compact": (post("/v1/responses/compact", NOTHING),),
    "responses/input_tokens": (post("/v1/responses/input_tokens", NOTHING),),
    "responses/.*": (get("/v1/responses/resp_1", NOTHING),),
    "messages": (post("/v1/messages", EMPTY_BY_KEY, "{}"),),
    "messages/count_tokens": (post("/v1/messages/count_tokens", EMPTY_BY_KEY, "{}"),),
    "messages/.*": (get("/v1/messages/batches", NOTHING),),
    "embeddings": (post("/v1/embeddings", EMPTY_BY_KEY, "{}"),),
    "tokens/count": (post("/v1/tokens/count", EMPTY_BY_KEY, "{}"),),
    "moderations": (post("/v1/moderations", EMPTY_BY_KEY, "{}"),),
    "plan": (post("/v1/plan", BY_KEY, "{}"),),
    "models": (get("/v1/models", BY_KEY_OR_NONE),),
    "models/(?P<model_id>.+?)/endpoints": (
        get("/v1/models/gigachat-pro/endpoints", BY_KEY_OR_NONE),
    ),
    "models/(?P<model_id>.+?)": (get("/v1/models/gigachat-pro", BY_KEY_OR_NONE),),
    "parameters/(?P<model_id>.+?)": (get("/v1/parameters/gigachat-pro", BY_KEY),),
    "generation": (get("/v1/generation?id={generation}", BY_KEY_OF_THE_OWNER),),
    "(?:auth/)?key": (get("/v1/key", BY_KEY),),
    "auth/keys": (post("/v1/auth/keys", "400 400 400 401 400", "{}"),),
    "keys": (get("/v1/keys", BY_KEY), post("/v1/keys", EMPTY_BY_KEY, "{}")),
    "keys/leaked": (
        post("/v1/keys/leaked", "202 202 202 202 202", '{"keys": ["no key"]}'),
        get("/v1/keys/leaked", "405 405 405 405 405"),
    ),
    "keys/(?P<key_hash>[^/]+)": (
        get("/v1/keys/{key}", BY_KEY_OF_THE_OWNER),
        TenantQuestion("PATCH", "/v1/keys/{key}", BY_KEY_OF_THE_OWNER, '{"name": "changed"}'),
        TenantQuestion("DELETE", "/v1/keys/{key}", BY_KEY_OF_THE_OWNER),
    ),
    "keys/(?P<key_hash>[^/]+)/rotate": (
        post("/v1/keys/{key}/rotate", "401 201 404 401 404", "{}"),
    ),
    "model_map": (
        get("/v1/model_map", BY_KEY),
        TenantQuestion("PUT", "/v1/model_map", BY_KEY, '{"data": {"gpt-*": "gigachat-2"}}'),
    ),
    "credits": (get("/v1/credits", BY_KEY),),
    "activity": (get("/v1/activity", BY_KEY), get("/v1/activity?format=csv", BY_KEY)),
    "providers/status": (get("/v1/providers/status", BY_KEY_OR_NONE),),
    r"openapi\.json": (get("/v1/openapi.json", BY_KEY_OR_NONE),),
    ".*": (get("/v1/no/such/call", NOTHING),),
}
OPENROUTER: dict[str, tuple[TenantQuestion, ...]] = {
    "models/count": (get("/api/v1/models/count", BY_KEY_OR_NONE),),
    "models/user": (get("/api/v1/models/user", BY_KEY),),
    "models/(?P<author>[^/]+)/(?P<slug>[^/]+)/endpoints": (
        get("/api/v1/models/gigachat/gigachat-pro/endpoints", BY_KEY_OR_NONE),
    ),
    "model/(?P<author>[^/]+)/(?P<slug>[^/]+)": (
        get("/api/v1/model/gigachat/gigachat-pro", BY_KEY_OR_NONE),
    ),
    "embeddings/models": (get("/api/v1/embeddings/models", BY_KEY_OR_NONE),),
    "providers": (get("/api/v1/providers", BY_KEY_OR_NONE),),
}
"""What is under /api/v1 alone."""
ACCOUNTS: dict[str, tuple[TenantQuestion, ...]] = {
    "": (get("/accounts/", OF_A_PERSON),),
    "login/": (get("/accounts/login/", LOG_IN_FIRST),),
    "logout/": (get("/accounts/logout/", OF_A_PERSON),),
    "signup/": (get("/accounts/signup/", LOG_IN_FIRST),),
    "inactive/": (get("/accounts/inactive/", OPEN),),
    "reauthenticate/": (get("/accounts/reauthenticate/", OF_A_PERSON),),
    "email/": (get("/accounts/email/", OF_A_PERSON),),
    "confirm-email/": (get("/accounts/confirm-email/", OPEN),),
    r"confirm-email/(?P<key>[-:\w]+)/": (get("/accounts/confirm-email/x:y:z/", NOTHING),),
    "password/change/": (get("/accounts/password/change/", OF_A_PERSON),),
    "password/set/": (get("/accounts/password/set/", LEADS_ON),),
    "password/reset/": (get("/accounts/password/reset/", OPEN),),
    "password/reset/done/": (get("/accounts/password/reset/done/", OPEN),),
    "password/reset/key/done/": (get("/accounts/password/reset/key/done/", OPEN),),
    "password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/": (
        get("/accounts/password/reset/key/1-x-y/", OPEN),  # a page that says: it does not work
    ),
    "close/": (get("/accounts/close/", AGAIN_THE_PASSWORD),),
    "2fa/": (get("/accounts/2fa/", OF_A_PERSON),),
    "2fa/authenticate/": (get("/accounts/2fa/authenticate/", LEADS_ON),),
    "2fa/reauthenticate/": (get("/accounts/2fa/reauthenticate/", AGAIN_THE_PASSWORD),),
    "2fa/totp/activate/": (get("/accounts/2fa/totp/activate/", LEADS_ON),),
    "2fa/totp/deactivate/": (get("/accounts/2fa/totp/deactivate/", AGAIN_THE_PASSWORD),),
    "2fa/recovery-codes/": (get("/accounts/2fa/recovery-codes/", "302 404 404 302 404"),),
    "2fa/recovery-codes/generate/": (
        get("/accounts/2fa/recovery-codes/generate/", AGAIN_THE_PASSWORD),
    ),
    "2fa/recovery-codes/download/": (
        get("/accounts/2fa/recovery-codes/download/", "302 404 404 302 404"),
    ),
}
CABINET: dict[str, tuple[TenantQuestion, ...]] = {
    "": (get("/cabinet/", OF_A_PERSON),),
    "apps/": (get("/cabinet/apps/", OF_A_PERSON),),
    "apps/new/": (get("/cabinet/apps/new/", OF_A_PERSON),),
    "apps/<str:client_id>/": (
        get("/cabinet/apps/{app}/", OF_THE_OWNER),
        post(
            "/cabinet/apps/{app}/",
            DONE_BY_THE_OWNER,
            "name=changed&addresses=https://app.example.ru/other",
        ),
    ),
    "apps/<str:client_id>/secret/": (post("/cabinet/apps/{app}/secret/", OF_THE_OWNER),),
    "apps/<str:client_id>/delete/": (post("/cabinet/apps/{app}/delete/", DONE_BY_THE_OWNER),),
    "security/": (
        get("/cabinet/security/", OF_A_PERSON),
        get("/cabinet/security/?format=csv", OF_A_PERSON),
        get("/cabinet/security/?list=sessions&format=csv", OF_A_PERSON),
    ),
    "security/events/<int:event_id>/confirm/": (
        post("/cabinet/security/events/{event}/confirm/", DONE_BY_THE_OWNER),
    ),
    "security/keys/<str:digest>/confirm/": (
        post("/cabinet/security/keys/{key}/confirm/", DONE_BY_THE_OWNER),
    ),
    "security/keys/<str:digest>/thaw/": (
        post("/cabinet/security/keys/{key}/thaw/", DONE_BY_THE_OWNER),
    ),
    "security/sessions/<int:session_id>/end/": (
        post("/cabinet/security/sessions/{session}/end/", DONE_BY_THE_OWNER),
    ),
    "security/sessions/end-others/": (
        post("/cabinet/security/sessions/end-others/", DONE_BY_A_PERSON),
    ),
    "connections/": (
        get("/cabinet/connections/", OF_A_PERSON),
        get("/cabinet/connections/?format=csv", OF_A_PERSON),
    ),
    "connections/disconnect/": (
        post(
            "/cabinet/connections/disconnect/",
            DONE_BY_A_PERSON,
            "application={site_app}&keys=yes",
        ),
    ),
    "usage/": (
        get("/cabinet/usage/", OF_A_PERSON),
        get("/cabinet/usage/?key={key}", OF_A_PERSON),
        get("/cabinet/usage/?format=csv", OF_A_PERSON),
    ),
    "billing/": (
        get("/cabinet/billing/", OF_A_PERSON),
        get("/cabinet/billing/?format=csv", OF_A_PERSON),
    ),
    "billing/top-up/": (post("/cabinet/billing/top-up/", "302 422 422 302 422", "amount=0"),),
    "billing/test-payment/": (
        post("/cabinet/billing/test-payment/", "302 404 404 302 404", "amount=10"),
    ),
    "billing/payments/<uuid:key>/": (get("/cabinet/billing/payments/{payment}/", OF_THE_OWNER),),
    "billing/auto-top-up/": (
        post("/cabinet/billing/auto-top-up/", "302 422 422 302 422", "auto-amount=1"),
    ),
    "billing/auto-top-up/off/": (post("/cabinet/billing/auto-top-up/off/", DONE_BY_A_PERSON),),
    "billing/auto-top-up/forget/": (
        post("/cabinet/billing/auto-top-up/forget/", DONE_BY_A_PERSON),
    ),
    "billing/redeem/": (post("/cabinet/billing/redeem/", "302 422 422 302 422", "code=x"),),
    "billing/alert/": (post("/cabinet/billing/alert/", DONE_BY_A_PERSON, "threshold=10"),),
    "billing/ledger/": (
        get("/cabinet/billing/ledger/", OF_A_PERSON),
        get("/cabinet/billing/ledger/?format=csv", OF_A_PERSON),
    ),
    "keys/": (
        get("/cabinet/keys/", OF_A_PERSON),
        get("/cabinet/keys/?list=revoked", OF_A_PERSON),
        get("/cabinet/keys/?format=csv", OF_A_PERSON),
        post("/cabinet/keys/", "302 422 422 302 422", "name=new"),  # without the form's token
    ),
    "keys/for-examples/": (post("/cabinet/keys/for-examples/", "302 409 409 302 409"),),
    "keys/<str:digest>/": (
        get("/cabinet/keys/{key}/", OF_THE_OWNER),
        post("/cabinet/keys/{key}/", DONE_BY_THE_OWNER, "name=changed"),
    ),
    "keys/<str:digest>/switch/": (
        post("/cabinet/keys/{key}/switch/", DONE_BY_THE_OWNER, "disabled=yes"),
    ),
    "keys/<str:digest>/rotate/": (
        post("/cabinet/keys/{key}/rotate/", "302 200 404 302 404", "overlap_s=3600"),
    ),
    "keys/<str:digest>/revoke/": (post("/cabinet/keys/{key}/revoke/", DONE_BY_THE_OWNER),),
    "generations/": (
        get("/cabinet/generations/", OF_A_PERSON),
        get("/cabinet/generations/?key={key}", OF_A_PERSON),
    ),
    "generations/<str:public_id>/": (get("/cabinet/generations/{generation}/", OF_THE_OWNER),),
    "model-map/": (
        get("/cabinet/model-map/", OF_A_PERSON),
        post(
            "/cabinet/model-map/",
            DONE_BY_A_PERSON,
            "names-TOTAL_FORMS=1&names-INITIAL_FORMS=0&names-0-name=gpt-*&names-0-model=gigachat-2",
        ),
    ),
    "palette/": (get("/cabinet/palette/", OF_A_PERSON),),
    "playground/": (get("/cabinet/playground/", OF_A_PERSON),),
    "playground/completions": (
        post("/cabinet/playground/completions", "401 415 415 401 415", "{}"),
    ),
    "playground/markdown": (post("/cabinet/playground/markdown", OF_A_PERSON, "text=*Hi*"),),
    "playground/plan": (post("/cabinet/playground/plan", "401 415 415 401 415", "{}"),),
}
ELSEWHERE: dict[str, tuple[TenantQuestion, ...]] = {
    "": (get("/", OPEN),),
    "models/": (get("/models/", OPEN),),
    "models/compare/": (get("/models/compare/?model=gigachat-2&model=gigachat-2-pro", OPEN),),
    "models/compare": (get("/models/compare", LEADS_ON),),
    "models/<path:model_id>/": (get("/models/gigachat-pro/", OPEN),),
    "models/<path:model_id>": (get("/models/gigachat-pro", LEADS_ON),),
    "status/": (get("/status/", OPEN),),
    "docs/": (get("/docs/?q=key", OPEN),),
    "docs/(?:en/)?[a-z-]+/": (get("/docs/quickstart/", OPEN),),
    "docs/api/": (get("/docs/api/", OPEN),),
    "docs/api/(?P<slug>[a-z]+)/": (get("/docs/api/keys/", OPEN),),
    "terms/": (get("/terms/", OPEN),),
    "privacy/": (get("/privacy/", OPEN),),
    "robots.txt": (get("/robots.txt", OPEN),),
    "language/": (post("/language/", LEADS_ON, "language=en"),),
    "health": (get("/health", OPEN),),
    "health/": (get("/health/", OPEN),),
    "health/ready": (get("/health/ready", OPEN),),
    "health/ready/": (get("/health/ready/", OPEN),),
    "health/live": (get("/health/live", OPEN),),
    "health/live/": (get("/health/live/", OPEN),),
    "metrics": (get("/metrics", OPEN),),
    "metrics/": (get("/metrics/", OPEN),),
    "webhooks/yookassa": (
        post("/webhooks/yookassa", "503 503 503 503 503", "{}"),  # no shop is configured
    ),
    "oauth/authorize": (
        get(AUTHORIZE, OF_A_PERSON),
        post(AUTHORIZE, DONE_BY_A_PERSON, "allow=yes"),
    ),
    "oauth/token": (
        post(
            "/oauth/token",
            "400 400 400 400 400",
            "grant_type=authorization_code&client_id={site_app}&code=x",
        ),
    ),
    "oauth/revoke": (post("/oauth/revoke", OPEN, "token=x&client_id={site_app}"),),
    "oauth/introspect": (
        post("/oauth/introspect", "401 401 401 401 401", "token=x&client_id={site_app}"),
    ),
    r"\.well-known/oauth-authorization-server": (
        get("/.well-known/oauth-authorization-server", OPEN),
    ),
    "auth": (get(ONE_CLICK, OF_A_PERSON),),
    ".well-known/security.txt": (get("/.well-known/security.txt", NOTHING),),
    "favicon.ico": (get("/favicon.ico", LEADS_ON),),
}
ROUTES: dict[str, tuple[TenantQuestion, ...]] = {
    **{f"v1/{route}": asked for route, asked in API.items()},
    **{f"api/v1/{route}": asked for route, asked in OPENROUTER.items()},
    **{f"accounts/{route}": asked for route, asked in ACCOUNTS.items()},
    **{f"cabinet/{route}": asked for route, asked in CABINET.items()},
    **ELSEWHERE,
}

ADMIN_MODELS = {
    "accounts": {
        "account",
        "apikey",
        "auditentry",
        "oauthapplication",
        "oauthtoken",
        "securityevent",
        "user",
    },
    "auth": {"group"},
    "billing": {
        *("autotopup", "codebatch", "creditaccount", "generation", "ledgerentry", "payment"),
        *("paymentrefund", "price", "redemptioncode", "upstreamprice"),
    },
    "gateway": {
        *("languagemodel", "moderationevent", "moderationrule", "openaiserver"),
        *("providercredential", "route", "serviceincident"),
    },
}
"""What operators see; each has the pages of ADMIN_PAGES."""
ADMIN_PAGES = ("", "add/", "<path:object_id>/", *(
    f"<path:object_id>/{page}/" for page in ("history", "delete", "change")
))  # fmt: skip
ADMIN_ROUTES = {
    "",
    "login/",
    "logout/",
    "password_change/",
    "password_change/done/",
    "autocomplete/",
    "jsi18n/",
    "r/<path:content_type_id>/<path:object_id>/",
    "billing/codebatch/make/",
    "billing/creditaccount/<int:account_id>/adjust/",
    "billing/payment/<int:payment_id>/refund/",
    "customers/",
    "customers/<int:account_id>/",
    "customers/<int:account_id>/<slug:name>/",
    "gateway/openaiserver/preset/",
    "(?P<app_label>accounts|auth|billing|gateway)/",
    "(?P<url>.*)",
}
"""Its other pages."""
