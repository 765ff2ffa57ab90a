"""The first thing that every process of the service does: read the settings, or end in one line."""

import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from xrouter_site import refusals


def read_settings() -> None:
    """Read the environment; where a value is refused, say so and exit with status 1."""
    try:
        _ = settings.INSTALLED_APPS
    except ImproperlyConfigured as error:
        if refusals.is_doctor():
            refusals.report(str(error))
        sys.exit(str(error))
