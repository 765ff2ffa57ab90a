"""`manage.py check_audit_log`: the former name of check_audit_log."""

from accounts.management.commands.check_audit_log import Command

__all__ = ["Command"]
