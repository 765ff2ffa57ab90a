#!/usr/bin/env python
"""Django's command line."""

import os
import sys

from infra.command_line import execute

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xrouter_site.settings")
    execute(sys.argv)
