"""API keys: format, settings, issuing, lookup, and authentication by the Authorization header."""
