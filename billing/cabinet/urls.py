"""The cabinet's pages about money and usage."""

from django.urls import URLPattern, URLResolver, path

from billing.cabinet.alert import alert
from billing.cabinet.balance import balance
from billing.cabinet.ledger import ledger
from billing.cabinet.top_up import payment, test_payment, top_up
from billing.cabinet.usage import usage

urlpatterns: list[URLPattern | URLResolver] = [
    path("usage/", usage, name="usage"),
    path("billing/", balance, name="billing"),
    path("billing/top-up/", top_up, name="top_up"),
    path("billing/test-payment/", test_payment, name="test_payment"),
    path("billing/payments/<uuid:key>/", payment, name="payment"),
    path("billing/alert/", alert, name="low_balance_alert"),
    path("billing/ledger/", ledger, name="ledger"),
]
