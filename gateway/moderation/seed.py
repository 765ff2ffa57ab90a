"""Fill the moderation rules from seed.toml: create what is missing, change nothing that exists."""

import tomllib
from pathlib import Path
from typing import Any

from django.apps import apps as present_apps
from django.apps.registry import Apps
from django.db import transaction

from gateway.moderation.rules import EXACT, words_of
from gateway.moderation.word_forms import word_forms

SEED_FILE = Path(__file__).with_name("seed.toml")
TEXTS = ("words", "near", "unless")


def seed_rules(apps: Apps = present_apps) -> None:
    """Create the rules of the seed that are missing. A migration passes its historical models as `apps`."""
    rules = apps.get_model("gateway", "ModerationRule")._default_manager
    known = set(rules.values_list("name", flat=True))
    with transaction.atomic():
        rules.bulk_create(rule for rule in unsaved_rules(apps) if rule.name not in known)


def unsaved_rules(apps: Apps = present_apps) -> list[Any]:
    """Return the rules of the seed, not saved, as rows of the app's model."""
    model = apps.get_model("gateway", "ModerationRule")
    document = tomllib.loads(SEED_FILE.read_text(encoding="utf-8"))
    vocabularies = {name: " ".join(words.split()) for name, words in document["words"].items()}
    for name, words in document["exact"].items():
        phrases = (phrase.replace("_", f" {EXACT}") for phrase in words.split())
        vocabularies[name] = ", ".join(EXACT + phrase for phrase in phrases)
    for rule in document["rules"]:
        for field in TEXTS:
            for name, vocabulary in vocabularies.items():
                rule[field] = rule.get(field, "").replace(f"<{name}>", vocabulary)
    needed = {
        rule["name"]: words_of(*(rule[field] for field in TEXTS)) for rule in document["rules"]
    }
    forms = word_forms(set().union(*needed.values()))
    return [
        model(**rule, forms={word: forms[word] for word in sorted(needed[rule["name"]])})
        for rule in document["rules"]
    ]
