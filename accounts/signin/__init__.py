"""Sign-up, login, passwords and the second factor, on top of allauth."""
