"""Pictures at addresses that a caller names: judged, then fetched, so that nothing of ours can be reached."""
