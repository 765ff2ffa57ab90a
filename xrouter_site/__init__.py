from xrouter_site.celery import app as celery_app
from xrouter_site.start import read_settings

__all__ = ["celery_app"]

read_settings()
