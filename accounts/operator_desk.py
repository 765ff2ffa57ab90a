"""Django's admin as an application, with the operators' site for its default one."""

from django.contrib.admin.apps import AdminConfig


class OperatorDesk(AdminConfig):
    default_site = "accounts.operator_site.OperatorSite"
