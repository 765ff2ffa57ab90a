"""Dates as people read them, where Django's own are too long for a table or in the wrong case."""
