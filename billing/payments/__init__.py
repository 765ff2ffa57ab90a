"""Top-ups by card through YooKassa."""
