"""The operators' own pages under /admin/, behind the admin's log-in and second factor."""

from django.contrib import admin
from django.urls import path

from web.operators import customer

urlpatterns = [
    path("customers/", admin.site.admin_view(customer.find), name="customers"),
    path("customers/<int:account_id>/", admin.site.admin_view(customer.customer), name="customer"),
    path(
        "customers/<int:account_id>/<slug:name>/",
        admin.site.admin_view(customer.act),
        name="customer_act",
    ),
]
