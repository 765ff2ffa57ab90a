"""The cabinet's pages that need all three apps: overview, keys, generations, playground."""

from django.urls import URLPattern, URLResolver, path

from gateway.cabinet.generations import generation_list, generation_page
from gateway.cabinet.keys import key_page, keys, revoke_key, switch_key
from gateway.cabinet.overview import overview
from gateway.cabinet.playground import completions, playground

urlpatterns: list[URLPattern | URLResolver] = [
    path("", overview, name="overview"),
    path("keys/", keys, name="keys"),
    path("keys/<str:digest>/", key_page, name="key"),
    path("keys/<str:digest>/switch/", switch_key, name="switch_key"),
    path("keys/<str:digest>/revoke/", revoke_key, name="revoke_key"),
    path("generations/", generation_list, name="generations"),
    path("generations/<str:public_id>/", generation_page, name="generation"),
    path("playground/", playground, name="playground"),
    path("playground/completions", completions, name="playground_completions"),
]
