"""script/sbom: the bill of materials names what is installed, to the file."""

import json
import re
import subprocess
import tomllib
from typing import Any

import pytest

from tests.servers import PROJECT

PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+) \\\n((?:    --hash=.*\n)+)", re.MULTILINE)


@pytest.fixture(scope="module")
def bill() -> Any:
    done = subprocess.run([PROJECT / "script" / "sbom"], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def test_it_names_every_pinned_package_with_the_hash_of_every_file(bill: Any) -> None:
    pinned = {
        (name, version): set(re.findall(r"sha256:([0-9a-f]{64})", hashes))
        for name, version, hashes in PIN.findall((PROJECT / "requirements.txt").read_text())
    }
    named = {
        (part["name"], part["version"]): {
            digest["content"]
            for reference in part["externalReferences"]
            for digest in reference.get("hashes", [])
        }
        for part in bill["components"]
    }
    assert len(pinned) == (PROJECT / "requirements.txt").read_text().count("==")
    assert named == pinned
    assert all(part["purl"].startswith("pkg:pypi/") for part in bill["components"])


def test_it_is_of_this_version_and_the_same_for_the_same_pins(bill: Any) -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert bill["bomFormat"] == "CycloneDX"
    component = bill["metadata"]["component"]
    assert (component["name"], component["version"]) == (project["name"], project["version"])
    assert "timestamp" not in bill["metadata"]
    assert "serialNumber" not in bill
