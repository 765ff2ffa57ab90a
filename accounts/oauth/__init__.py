"""OAuth 2.0 with PKCE and OpenRouter's one-click form: applications, tokens, connections."""
