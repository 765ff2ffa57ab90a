"""compose.yaml, the image and the dashboards' files: whole, without a secret, by their own schemas."""

import pathlib
import re
import tomllib
from typing import Any

import compose_spec
import pytest
import yaml

from infra.version import VERSION
from tests.servers import PROJECT, variables

TEXT = (PROJECT / "compose.yaml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
IGNORED = (PROJECT / ".dockerignore").read_text(encoding="utf-8").split()
OURS = [name for name, service in SERVICES.items() if service.get("image") == "xrouter"]


def test_compose_is_what_its_specification_allows():
    merged = yaml.safe_dump(COMPOSE)
    filled = re.sub(r"\$\{\w+:(?:-([^}]*)|\?[^}]*)\}", lambda found: found[1] or "given", merged)
    assert "$" not in filled
    compose = compose_spec.PyCompose.from_yaml(filled)
    compose.validate()
    compose.to_spec()


def test_the_version_is_that_of_the_packaging():
    text = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["project"]["version"] == VERSION


def test_no_secret_has_a_default():
    secrets = [
        (name, str(value))
        for service in SERVICES.values()
        for name, value in service.get("environment", {}).items()
        if re.search("SECRET|PASSWORD|TOKEN|DATABASE_URL", name)
    ]
    assert len(secrets) > 2
    for name, value in secrets:
        assert re.search(r"\$\{\w+:\?[^}]+\}", value), name
    assert not re.search(r"(?i)(secret|password|token)\w*:[-=]", TEXT)


def test_a_store_is_reached_from_inside_alone():
    assert COMPOSE["networks"]["stores"] == {"internal": True}
    for name in ("postgres", "redis"):
        assert SERVICES[name]["networks"] == ["stores"]
        assert "ports" not in SERVICES[name]
    assert {name for name, service in SERVICES.items() if "ports" in service} == {
        "nginx",
        "grafana",
    }


@pytest.mark.parametrize("name", OURS)
def test_our_processes_may_do_nothing_that_they_need_not(name):
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_variables_are_those_of_the_service():
    assert OURS == ["web", "worker", "beat", "migrate"]
    for name in OURS:
        assert set(SERVICES[name]["environment"]) <= set(variables())


def test_what_is_mounted_exists():
    mounted = [
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if volume.startswith("./")
    ]
    assert len(mounted) > 4
    assert [file for file in mounted if not (PROJECT / file).exists()] == []


def test_streams_are_given_time_to_end():
    for name in ("web", "nginx"):
        assert SERVICES[name]["stop_grace_period"] == "11m"  # over the 630 s of gunicorn.conf.py


def test_the_schedule_outlives_its_container():
    [volume] = SERVICES["beat"]["volumes"]
    assert SERVICES["beat"]["command"].endswith(
        f"--schedule {volume.split(':')[1]}/celerybeat-schedule"
    )
    assert volume.split(":")[0] in COMPOSE["volumes"]


def test_the_image_runs_as_nobody_and_takes_no_file_that_it_cannot_check():
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001$", last, re.MULTILINE)
    assert "--require-hashes --only-binary :all: --no-binary yookassa" in DOCKERFILE
    pinned = re.findall(r"^[a-z0-9-]+(?:\[\S+\])?==", requirements(), re.MULTILINE)
    assert len(pinned) > 30
    for block in re.split(r"\n(?=[a-z0-9])", requirements())[1:]:
        assert "--hash=sha256:" in block, block.splitlines()[0]


def requirements() -> str:
    return (PROJECT / "requirements.txt").read_text(encoding="utf-8")


def test_the_image_takes_the_packages_that_serve_and_no_secret():
    compiled = re.search(r"compileall -q (.*) \\", DOCKERFILE)
    assert compiled
    for package in compiled[1].split():
        assert (PROJECT / package / "__init__.py").exists()
        assert package not in IGNORED
    assert {".*", "var", "tests", "**/node_modules"} <= set(IGNORED)  # `.*` is .env and .git too


@pytest.mark.parametrize(
    "file", sorted((PROJECT / "deploy").rglob("*.yml")), ids=lambda path: path.name
)
def test_a_file_of_monitoring_is_yaml_and_scrapes_what_there_is(file: pathlib.Path):
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    for job in content.get("scrape_configs", []):
        for group in job["static_configs"]:
            assert group["targets"] == ["web:8000"]
