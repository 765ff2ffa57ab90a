"""Moments by a clock of 24 hours."""

DATETIME_FORMAT = "j M Y H:i"
MONTH_DAY_FORMAT = "j F"
