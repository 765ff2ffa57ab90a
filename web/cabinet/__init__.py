"""The pages of a person who is logged in."""
