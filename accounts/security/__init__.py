"""Suspicious activity: what is observed, when it is an event, and what is done about it."""
