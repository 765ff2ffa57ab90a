"""Sign-up, log-in, passwords, the second factor."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
