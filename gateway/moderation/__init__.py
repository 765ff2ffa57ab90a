"""Moderation: rules, what they are compiled to, and the events of what they found. Knows no request."""
