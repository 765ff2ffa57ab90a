"""Django's admin application with OperatorSite as its default site."""

from django.contrib.admin.apps import AdminConfig


class OperatorDesk(AdminConfig):
    default_site = "accounts.admin_site.OperatorSite"
