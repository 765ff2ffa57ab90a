"""The cabinet's pages about applications and connections."""

from django.urls import URLPattern, URLResolver, path

from accounts.cabinet.applications import app, apps, delete_app, new_app, rotate_secret
from accounts.cabinet.connections import connections_page, disconnect

urlpatterns: list[URLPattern | URLResolver] = [
    path("apps/", apps, name="cabinet-apps"),
    path("apps/new/", new_app, name="cabinet-app-new"),
    path("apps/<str:client_id>/", app, name="cabinet-app"),
    path("apps/<str:client_id>/secret/", rotate_secret, name="cabinet-app-secret"),
    path("apps/<str:client_id>/delete/", delete_app, name="cabinet-app-delete"),
    path("connections/", connections_page, name="cabinet-connections"),
    path("connections/disconnect/", disconnect, name="cabinet-disconnect"),
]
