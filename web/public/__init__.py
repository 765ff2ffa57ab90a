"""The pages for anyone: landing, models, documentation, status."""
