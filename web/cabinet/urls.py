"""The paths of the cabinet."""

from django.urls import URLPattern, URLResolver, path

from web.cabinet.applications import app, apps, delete_app, new_app, rotate_secret
from web.cabinet.auto_top_up import forget_method, turn_off, turn_on
from web.cabinet.billing import balance
from web.cabinet.connections import connections_page, disconnect
from web.cabinet.example_key import example_key
from web.cabinet.generations import generation_list, generation_page
from web.cabinet.keys import key_page, keys, revoke_key, rotate_key, switch_key
from web.cabinet.ledger import ledger
from web.cabinet.low_balance_alert import alert
from web.cabinet.model_map import model_map
from web.cabinet.overview import overview
from web.cabinet.palette import palette
from web.cabinet.playground import completions, markdown, plan, playground
from web.cabinet.redemption import redeem
from web.cabinet.security import (
    confirm_event,
    confirm_key,
    end_other_sessions,
    end_session,
    security_page,
    thaw_key,
)
from web.cabinet.top_up import payment, test_payment, top_up
from web.cabinet.usage import usage

urlpatterns: list[URLPattern | URLResolver] = [
    path("", overview, name="overview"),
    path("keys/", keys, name="keys"),
    path("keys/for-examples/", example_key, name="example_key"),
    path("keys/<str:digest>/", key_page, name="key"),
    path("keys/<str:digest>/switch/", switch_key, name="switch_key"),
    path("keys/<str:digest>/rotate/", rotate_key, name="rotate_key"),
    path("keys/<str:digest>/revoke/", revoke_key, name="revoke_key"),
    path("generations/", generation_list, name="generations"),
    path("generations/<str:public_id>/", generation_page, name="generation"),
    path("model-map/", model_map, name="model_map"),
    path("palette/", palette, name="palette"),
    path("playground/", playground, name="playground"),
    path("playground/completions", completions, name="playground_completions"),
    path("playground/markdown", markdown, name="playground_markdown"),
    path("playground/plan", plan, name="playground_plan"),
    path("usage/", usage, name="usage"),
    path("billing/", balance, name="billing"),
    path("billing/top-up/", top_up, name="top_up"),
    path("billing/test-payment/", test_payment, name="test_payment"),
    path("billing/payments/<uuid:key>/", payment, name="payment"),
    path("billing/auto-top-up/", turn_on, name="auto_top_up"),
    path("billing/auto-top-up/off/", turn_off, name="auto_top_up_off"),
    path("billing/auto-top-up/forget/", forget_method, name="forget_method"),
    path("billing/redeem/", redeem, name="redeem"),
    path("billing/alert/", alert, name="low_balance_alert"),
    path("billing/ledger/", ledger, name="ledger"),
    path("apps/", apps, name="cabinet-apps"),
    path("apps/new/", new_app, name="cabinet-app-new"),
    path("apps/<str:client_id>/", app, name="cabinet-app"),
    path("apps/<str:client_id>/secret/", rotate_secret, name="cabinet-app-secret"),
    path("apps/<str:client_id>/delete/", delete_app, name="cabinet-app-delete"),
    path("security/", security_page, name="security"),
    path("security/events/<int:event_id>/confirm/", confirm_event, name="confirm_event"),
    path("security/keys/<str:digest>/confirm/", confirm_key, name="confirm_key"),
    path("security/keys/<str:digest>/thaw/", thaw_key, name="thaw_key"),
    path("security/sessions/<int:session_id>/end/", end_session, name="end_session"),
    path("security/sessions/end-others/", end_other_sessions, name="end_other_sessions"),
    path("connections/", connections_page, name="cabinet-connections"),
    path("connections/disconnect/", disconnect, name="cabinet-disconnect"),
]
