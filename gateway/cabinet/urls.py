"""The cabinet's pages that need all three apps: overview, keys, generations, playground."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
