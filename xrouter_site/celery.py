"""The Celery application; schedules stand in settings.py."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xrouter_site.settings")

app = Celery("xrouter")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
