"""Alert rules and dashboard name metrics that there are, with their labels; each rule has its runbook."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from tests.documents import read
from tests.live.test_metrics import PROMISED

DEPLOY = Path(__file__).parent.parent / "deploy"
RULES: list[dict[str, Any]] = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())[
    "groups"
][0]["rules"]
PANELS: list[dict[str, Any]] = json.loads((DEPLOY / "grafana/xrouter.json").read_text())["panels"]
LABELS = {
    name: set(filter(None, labels.split(",")))
    for name, labels in re.findall(r"(xrouter_\w+)(?:\{([\w,]*)\})?", PROMISED)
}
EXPRESSIONS = {
    **{rule["alert"]: rule["expr"] for rule in RULES},
    **{
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in PANELS
        for target in panel["targets"]
    },
}


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_an_expression_names_metrics_and_labels_that_there_are(expression: str):
    names = {re.sub(r"_bucket$", "", name) for name in re.findall(r"xrouter_\w+", expression)}
    assert names
    assert names <= LABELS.keys()
    matched = re.findall(r"[{,]\s*(\w+)\s*[=!]", expression)
    grouped = re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", expression)))
    known = {"le"}.union(*(LABELS[name] for name in names))
    assert {*matched, *grouped} <= known


def test_a_job_is_late_when_it_has_missed_a_turn():
    [expression] = [rule["expr"] for rule in RULES if rule["alert"] == "JobLate"]
    rules = re.findall(r'job(=~|!~)"([\w|]+)"}\) > (\d+)', expression)
    jobs: dict[str, Any] = settings.CELERY_BEAT_SCHEDULE
    for path, job in jobs.items():
        name = path.rpartition(".")[2]
        [bound_s] = [
            int(bound) for how, names, bound in rules if (how == "=~") == (name in names.split("|"))
        ]
        assert bound_s > 2 * job["schedule"], name


def test_each_rule_has_its_runbook_and_each_runbook_its_rule():
    named = {rule["annotations"]["runbook_url"] for rule in RULES}
    assert named == {
        f"docs/runbooks/{path.name}" for path in (DEPLOY.parent / "docs/runbooks").glob("*.md")
    }


@pytest.mark.parametrize("page", ["docs/monitoring.md", "docs/en/monitoring.md"])
def test_the_table_of_faults_names_alerts_that_there_are(page: str):
    rows = re.findall(r"^\| [^|]+ \| [^|]*`\w+`[^|]* \| ([^|]+) \|", read(page).text, re.MULTILINE)
    named = set(re.findall(r"\b[A-Z]\w+[A-Z]\w+", " ".join(rows)))
    assert len(rows) >= 8
    assert named
    assert named <= {rule["alert"] for rule in RULES}


def test_the_dashboard_shows_every_metric():
    shown = set(re.findall(r"xrouter_\w+", json.dumps(PANELS)))
    assert {name for name in LABELS if name not in shown and f"{name}_bucket" not in shown} == set()
