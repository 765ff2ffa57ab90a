"""Seed the models of November 2026, and bring unedited rows of earlier seeds up to them."""

from typing import Any

from django.db import migrations

from gateway.catalog.seed import read_seed, read_seed_profile, seed_catalogue

_GIGACHAT: dict[str, Any] = {
    "parameters": {
        "max_tokens": {"minimum": 1},
        "temperature": {"minimum": 0, "exclusive_minimum": True, "maximum": 2},
        "top_p": {"minimum": 0, "maximum": 1},
        "repetition_penalty": {
            "minimum": 0,
            "exclusive_minimum": True,
            "maximum": 2,
            "default": 1.0,
        },
    },
    "tools": "native",
    "tool_choice_required": "emulated",
    "json_object": "emulated",
    "json_schema": "emulated",
}
_REASONING = {"reasoning_effort": {"choices": ["low", "medium", "high"]}}
SEEDED = (
    _GIGACHAT,
    _GIGACHAT | {"images": True},
    _GIGACHAT | {"parameters": _GIGACHAT["parameters"] | _REASONING},
)
"""The profiles of GigaChat as earlier versions seeded them."""
FLASH = "aliceai-llm-flash"
LIFE = ("status", "successor", "deprecated_on", "ends_on")


def bring_up(apps, schema_editor):
    seed = read_seed()
    _give_flash_a_route(apps)
    for entry in seed["models"]:
        _describe(apps, entry)
        _renew_routes(apps, entry, seed["profiles"])
    seed_catalogue(apps)
    for entry in seed["models"]:
        _name_sources(apps, entry)


def _describe(apps, entry):
    """Fill the columns that are new; a reason to wait belongs to models that are not offered."""
    rows = apps.get_model("gateway", "LanguageModel").objects.filter(public_id=entry["id"])
    life = {name: entry[name] for name in LIFE if name in entry}
    if life:
        rows.update(**life)
    if "waits_for" in entry:
        rows.filter(enabled=False).update(waits_for=entry["waits_for"])


def _renew_routes(apps, entry, profiles):
    """Put the profile of today where the one of an earlier seed stands unedited."""
    routes = apps.get_model("gateway", "Route").objects.filter(model__public_id=entry["id"])
    for seeded in entry.get("routes", ()):
        for route in routes.filter(provider=seeded["provider"], upstream_id=seeded["upstream_id"]):
            if route.profile in SEEDED:
                route.profile = read_seed_profile(profiles, seeded["profile"])
                route.save()


def _give_flash_a_route(apps):
    """Offer Alice AI LLM Flash, which waited for its context and its wire, unless somebody touched it."""
    models = apps.get_model("gateway", "LanguageModel").objects
    model = models.filter(public_id=FLASH, enabled=False, context_tokens=32768).first()
    if model is None or [route.upstream_id for route in model.routes.all()] != [FLASH]:
        return
    model.routes.all().delete()
    model.context_tokens = 65536
    model.enabled = True
    model.save()


def _name_sources(apps, entry):
    """Say where a price of the seed was read, where nobody has said so and it is that price."""
    prices = apps.get_model("billing", "UpstreamPrice").objects
    for place, route in enumerate(entry.get("routes", ())):
        quote = route.get("price", None if place else entry.get("price"))
        if quote is None or "source" not in quote:
            continue
        kinds = ("prompt", "completion", "cached")
        prices.filter(
            provider=route["provider"],
            upstream_id=route["upstream_id"],
            source="",
            **{f"{kind}_nano": round(quote[kind] * 1000) for kind in kinds},
        ).update(source=quote["source"])


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0007_life_of_models"),
        ("billing", "0014_price_source"),
    ]

    operations = [migrations.RunPython(bring_up, migrations.RunPython.noop)]
