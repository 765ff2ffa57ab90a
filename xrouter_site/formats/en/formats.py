"""Moments by a clock of 24 hours, and short dates with the month in letters: 02/12 means two days."""

DATETIME_FORMAT = "j M Y H:i"
SHORT_DATE_FORMAT = "j M Y"
SHORT_DATETIME_FORMAT = "j M Y H:i"
MONTH_DAY_FORMAT = "j F"
