"""What is under all applications, as a Django application: no tables."""

import threading

from django.apps import AppConfig
from django.db import connections
from django.db.backends.signals import connection_created
from django.utils.translation import trans_real

from infra import sqlite_like


class InfraConfig(AppConfig):
    name = "infra"

    def ready(self) -> None:
        """Keep connections and languages by the thread.

        asgiref's way serves tasks of an event loop too, which there are none of, and costs ten times as much.
        """
        vars(connections)["_connections"] = threading.local()
        vars(trans_real)["_active"] = threading.local()
        connection_created.connect(sqlite_like.install, dispatch_uid="sqlite_like")
