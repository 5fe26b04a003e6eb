"""docker-compose.yml against the compose schema, and against what the product promises of it."""

import json
import re
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from adapters.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {name for name, service in SERVICES.items() if service["restart"].startswith("on-failure")}
STANDING = SERVICES.keys() - ONE_SHOT
REQUIRED = re.compile(r"\$\{(\w+):\?[^}]+\}")


def test_the_file_is_valid_by_the_compose_specification() -> None:
    schema = json.loads((files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text("utf-8"))
    assert [error.message for error in jsonschema.validators.validator_for(schema)(schema).iter_errors(COMPOSE)] == []


def test_temporal_its_ui_its_schema_a_database_a_worker_and_the_http_side_are_there() -> None:
    parts = {"postgresql", "temporal-schema", "temporal", "temporal-namespace", "temporal-ui", "worker", "console"}
    watching = {"prometheus", "grafana"}
    assert parts | watching == set(SERVICES)
    assert {name for name, service in SERVICES.items() if service.get("profiles") == ["monitoring"]} == watching


@pytest.mark.parametrize("name", sorted(STANDING))
def test_a_standing_service_says_whether_it_is_healthy(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert {"test", "interval", "timeout", "retries"} <= check.keys()


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_waits_for_what_it_needs_to_be_ready(name: str) -> None:
    for needed, how in SERVICES[name].get("depends_on", {}).items():
        expected = "service_completed_successfully" if needed in ONE_SHOT else "service_healthy"
        assert how["condition"] == expected, f"{name} on {needed}"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_images_are_pinned_to_a_version(name: str) -> None:
    assert re.search(r":v?\d+\.\d+(\.\d+)?", SERVICES[name]["image"])


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_secret_has_a_default(name: str) -> None:
    for key, value in SERVICES[name].get("environment", {}).items():
        if re.search(r"PASSWORD|PWD|SECRET|KEY|LOGIN", key):
            assert REQUIRED.fullmatch(value), f"{name}: {key}"
        if "://" in str(value) and not value.startswith("http://localhost:"):
            assert re.search(r"://\w+:\$\{\w+:\?[^}]+\}@", value), f"{name}: {key}"


def test_every_secret_asked_for_is_named_empty_in_the_example() -> None:
    asked = set(REQUIRED.findall((ROOT / "docker-compose.yml").read_text("utf-8")))
    example = (ROOT / ".env.example").read_text("utf-8").splitlines()
    assert {line.removesuffix("=") for line in example if line.endswith("=")} == asked


def test_nothing_is_published_beyond_this_host() -> None:
    for name, service in SERVICES.items():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), f"{name}: {port}"


def test_data_lies_in_declared_volumes_and_mounted_files_exist() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).is_file(), source
                assert volume.endswith(":ro")
            else:
                assert source in COMPOSE["volumes"]
    assert any(v.startswith("postgresql-data:") for v in SERVICES["postgresql"]["volumes"])


@pytest.mark.parametrize("name", ["worker", "console"])
def test_our_own_programs_are_given_only_settings_that_exist(name: str) -> None:
    given = {k.removeprefix("ARREARS_").lower() for k in SERVICES[name]["environment"] if k.startswith("ARREARS_")}
    assert given <= Settings.model_fields.keys()


def test_a_stopping_worker_has_time_to_finish() -> None:
    grace = int(SERVICES["worker"]["stop_grace_period"].removesuffix("s"))
    assert grace > Settings.model_fields["shutdown_seconds"].default


def test_the_image_holds_the_code_and_nothing_else() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    assert {"worker.py", "starter.py", "pyproject.toml", "constraints.txt"} <= kept
    code = {p.parent.name for p in ROOT.glob("*/__init__.py")} - {"tests"}
    assert code <= kept
    assert not kept & {".env", "var", "tests"}
    assert all((ROOT / name).exists() for name in kept)


@pytest.mark.parametrize("script", sorted(ROOT.glob("deploy/**/*.sh")), ids=lambda p: p.name)
def test_set_up_scripts_are_sound_shell(script: Path) -> None:
    subprocess.run(["sh", "-n", str(script)], check=True)
    assert "set -eu" in script.read_text("utf-8")
