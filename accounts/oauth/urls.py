"""Where OAuth's paths go; they stand without a slash at the end."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
