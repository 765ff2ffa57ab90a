"""Moments in digits; the month of a day in the genitive."""

DATETIME_FORMAT = "d.m.Y H:i"
MONTH_DAY_FORMAT = "j E"
