"""The operators' pages of the catalogue, moderation, providers' credentials and servers, and incidents."""

from gateway.admin.catalogue import LanguageModelAdmin, RouteAdmin
from gateway.admin.credentials import CredentialAdmin, ServerAdmin
from gateway.admin.incidents import ServiceIncidentAdmin
from gateway.admin.moderation import ModerationEventAdmin, ModerationRuleAdmin

__all__ = [
    "CredentialAdmin",
    "LanguageModelAdmin",
    "ModerationEventAdmin",
    "ModerationRuleAdmin",
    "RouteAdmin",
    "ServerAdmin",
    "ServiceIncidentAdmin",
]
