"""The gateway's tables: the catalogue, providers' credentials, servers and hours, moderation, incidents."""

from gateway.health.history import ProviderHour
from gateway.health.model_days import ModelDay
from gateway.health.route_history import RouteBin
from gateway.health.service_incidents import ServiceIncident
from gateway.models.end_notices import EndNotice
from gateway.models.language_models import Alias, LanguageModel, Route
from gateway.models.moderation import ModerationEvent, ModerationRule
from gateway.models.openai_servers import OpenAIServer
from gateway.models.provider_credentials import ProviderCredential

__all__ = [
    "Alias",
    "EndNotice",
    "LanguageModel",
    "ModelDay",
    "ModerationEvent",
    "ModerationRule",
    "OpenAIServer",
    "ProviderCredential",
    "ProviderHour",
    "Route",
    "RouteBin",
    "ServiceIncident",
]
