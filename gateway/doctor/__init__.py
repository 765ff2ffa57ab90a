"""Is the service set up right? Each check looks at one thing and says what to do about it."""
