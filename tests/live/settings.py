"""The settings of a service under test: the real ones, and the constants that a test shortens."""

from tests.live.constants import set_constants
from xrouter_site.settings import *  # noqa: F403
from xrouter_site.settings import INSTALLED_APPS as REAL_APPS

INSTALLED_APPS = [*REAL_APPS, "tests.live.constants.Constants"]
set_constants(need_django=False)
