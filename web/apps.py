"""The web pages as a Django application: template tags, no tables."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "web"
