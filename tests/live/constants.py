"""Set constants of the product to what a test can wait for, before the service serves."""

import importlib
import json
import os

from django.apps import AppConfig

VARIABLE = "TEST_CONSTANTS"
"""JSON of dotted names, as "gateway.providers.tick.TICK_S", and their values."""
WITHOUT_DJANGO = "gateway.providers."
"""Set before anything imports them: others take these constants over by `from … import`."""


def set_constants(*, need_django: bool) -> None:
    for path, value in json.loads(os.environ.get(VARIABLE, "{}")).items():
        if path.startswith(WITHOUT_DJANGO) is need_django:
            continue
        module_name, _, constant = path.rpartition(".")
        module = importlib.import_module(module_name)
        if type(getattr(module, constant)) is not type(value):
            raise TypeError(f"{path} is not of the type of {value!r}.")
        setattr(module, constant, value)


class Constants(AppConfig):
    name = "tests.live"

    def ready(self) -> None:
        set_constants(need_django=True)
