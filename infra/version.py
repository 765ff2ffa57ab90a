"""The version of the service; that of the project's packaging and change log."""

VERSION = "0.1.0"
