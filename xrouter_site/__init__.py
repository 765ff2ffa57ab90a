import os

from xrouter_site.start import read_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xrouter_site.settings")
read_settings()
