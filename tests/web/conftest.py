"""What every test of pages stands on."""

from tests.accounts.conftest import _static_root

__all__ = ["_static_root"]
