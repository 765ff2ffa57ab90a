"""The audit log of operators' and people's acts, and the base classes of admin pages that write it."""
