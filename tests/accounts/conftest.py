"""What every test of pages stands on."""

import pytest


@pytest.fixture(autouse=True)
def _static_root(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path  # the pages' middleware warns where there is none
