"""The OAuth paths, without a trailing slash; one is tolerated."""

from django.urls import URLPattern, URLResolver, re_path

from accounts.oauth.authorization import authorize
from accounts.oauth.endpoints import introspect, revoke, token
from accounts.oauth.metadata import metadata
from accounts.oauth.one_click_page import one_click_page

urlpatterns: list[URLPattern | URLResolver] = [
    re_path(r"^oauth/authorize/?$", authorize, name="oauth_authorize"),
    re_path(r"^oauth/token/?$", token, name="oauth_token"),
    re_path(r"^oauth/revoke/?$", revoke, name="oauth_revoke"),
    re_path(r"^oauth/introspect/?$", introspect, name="oauth_introspect"),
    re_path(r"^\.well-known/oauth-authorization-server/?$", metadata, name="oauth_metadata"),
    re_path(r"^auth/?$", one_click_page, name="oauth_one_click"),
]
