"""The operators' pages that join what several apps know; the lists are Django's admin."""
