"""Emulators of the upstream services, strict about their wires, for demos and for tests."""
