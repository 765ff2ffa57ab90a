"""deploy/kubernetes by the schemas of Kubernetes, deploy/systemd by what it must say."""

import configparser
import re
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.servers import PROJECT, variables

FOLDER = PROJECT / "deploy/kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
OBJECTS: list[dict[str, Any]] = [
    item
    for name in KUSTOMIZATION["resources"]
    for item in yaml.safe_load_all((FOLDER / name).read_text())
]
PODS = {
    item["metadata"]["name"]: item["spec"]["template"]
    for item in OBJECTS
    if "template" in item.get("spec", {})
}
UNITS = sorted((PROJECT / "deploy/systemd").glob("*.service"))


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    return {item["metadata"]["name"]: item for item in OBJECTS if item["kind"] == kind}


@pytest.mark.parametrize(
    "item", OBJECTS, ids=lambda item: f"{item['kind']} {item['metadata']['name']}"
)
@pytest.mark.parametrize("version", ["1.29", "1.37"])
def test_an_object_is_what_its_schema_allows(item, version):
    kubernetes_validate.validate(item, version, strict=True)


def test_a_schema_refuses_a_field_that_it_does_not_know():
    wrong = {"apiVersion": "v1", "kind": "Service", "metadata": {}, "spec": {"portz": []}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.37", strict=True)


def test_every_file_is_part_of_the_whole():
    assert {path.name for path in FOLDER.glob("*.yaml")} == {
        "kustomization.yaml",
        *KUSTOMIZATION["resources"],
    }


@pytest.mark.parametrize("name", ["web", "worker", "beat", "migrate"])
def test_a_pod_meets_the_restricted_standard_and_bears_no_secret(name):
    pod = PODS[name]["spec"]
    [container] = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]
    assert {"secretRef": {"name": "xrouter"}} in container["envFrom"]
    assert of_kind("Secret") == {}
    settings = of_kind("ConfigMap")["xrouter"]["data"].keys()
    given = {item["name"] for item in container.get("env", [])} | settings
    assert given <= set(variables())
    assert not {"SECRET_KEY", "DATABASE_URL", "REDIS_URL"} & given


def test_web_is_asked_for_life_and_readiness_apart_and_scales_by_what_runs():
    [container] = PODS["web"]["spec"]["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert PODS["web"]["spec"]["terminationGracePeriodSeconds"] > 600 + 30
    [metric] = of_kind("HorizontalPodAutoscaler")["web"]["spec"]["metrics"]
    assert metric["pods"]["metric"]["name"] == "xrouter_running"
    labels = PODS["web"]["metadata"]["labels"]
    for item in (of_kind("Service")["web"]["spec"]["selector"],
                 of_kind("PodDisruptionBudget")["web"]["spec"]["selector"]["matchLabels"],
                 of_kind("NetworkPolicy")["web"]["spec"]["podSelector"]["matchLabels"]):  # fmt: skip
        assert item.items() <= labels.items()


def test_there_is_one_schedule():
    beat = of_kind("Deployment")["beat"]["spec"]
    assert beat["replicas"] == 1
    assert beat["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_runs_what_there_is_as_nobody_of_importance(path):
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(path)
    service = unit["Service"]
    assert service["User"] == "xrouter"
    assert service["NoNewPrivileges"] == "true"
    assert service["CapabilityBoundingSet"] == ""
    assert re.search(r"xrouter_site(\.wsgi)? ", service["ExecStart"] + " ")
    for name in re.findall(r"[\w./]+\.py", service["ExecStart"] + service.get("ExecStartPre", "")):
        assert (PROJECT / name).exists()
    if path.stem == "xrouter-web":
        assert int(service["TimeoutStopSec"]) > 600 + 30
        assert service["KillMode"] == "mixed"


def test_the_three_units_are_the_three_processes():
    assert [path.stem for path in UNITS] == ["xrouter-beat", "xrouter-web", "xrouter-worker"]
