"""The gateway as a Django application."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GatewayConfig(AppConfig):
    name = "gateway"
    verbose_name = _("Gateway")

    def ready(self) -> None:
        """Tell billing's pages which models there are to price."""
        from billing.priced_models import priced_models
        from gateway.catalog.names import model_ids, routes_of

        priced_models.ids, priced_models.routes = model_ids, routes_of
