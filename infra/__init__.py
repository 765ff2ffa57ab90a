"""What several apps need and none owns. Imports no app."""
