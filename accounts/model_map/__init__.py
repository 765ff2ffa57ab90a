"""An account's own names for models: the words of other services, answered by models of the catalogue."""
