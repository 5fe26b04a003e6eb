"""docker-compose.yml against the compose schema, and against what the product promises of it."""

import json
import os
import re
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from adapters.anchor.file import spelled
from composition.settings.model import Settings
from tests.adapters.anchor.test_register_anchor import KEY, SPELLED

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {name for name, service in SERVICES.items() if service["restart"].startswith("on-failure")}
STANDING = SERVICES.keys() - ONE_SHOT
REQUIRED = re.compile(r"\$\{(\w+):\?[^}]+\}")
LEFT_OUT = re.compile(r"\$\{(\w+):-\}")
INNERMOST = re.compile(r"(?<!\$)\$\{(\w+)(?::([-+?])([^${}]*))?\}")
NEEDED = {name: f"{name.lower().replace('_', '-')}-0123456789" for name in REQUIRED.findall(COMPOSE_TEXT)} | {
    "ARREARS_PAYLOAD_KEYS": "off",
    "ARREARS_CODEC_LOGIN": "ann:a-password-of-hers",
}
"""What `.env` must say, and nothing else of it."""


def interpolated(text: str, said: dict[str, str]) -> str:
    """As compose fills it in: ${A}, ${A:-default}, ${A:+instead of A}, ${A:?needed}, also one within another."""

    def fill(place: re.Match[str]) -> str:
        name, how, other = place.groups()
        value = said.get(name, "")
        if how == "?":
            assert value, f"{name}: {other}"
        return {"-": value or other, "+": other if value else ""}.get(how, value)

    while INNERMOST.search(text):
        text = INNERMOST.sub(fill, text)
    return text


def settings_of(name: str, said: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings that the program of this service starts with, if `.env` says so."""
    with monkeypatch.context() as environment:
        for key in [key for key in os.environ if key.startswith("ARREARS_")]:
            environment.delenv(key)
        for key, value in SERVICES[name]["environment"].items():
            environment.setenv(key, interpolated(value, NEEDED | said))
        return Settings(_env_file=None)  # type: ignore[call-arg]


def mounts(name: str, said: dict[str, str]) -> dict[str, tuple[str, bool]]:
    """What is mounted into a service, by the place in it: from where, and whether it can be written."""
    found = {}
    for volume in SERVICES[name].get("volumes", ()):
        if isinstance(volume, dict):
            source, target = interpolated(volume["source"], said), volume["target"]
            found[target] = (source, not volume.get("read_only", False))
        else:
            source, target, *how = interpolated(volume, said).split(":")
            found[target] = (source, "ro" not in how)
    return found


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
        if re.search(r"PASSWORD|PWD|SECRET|KEY|LOGIN|TOKEN", key):
            assert REQUIRED.fullmatch(value) or LEFT_OUT.fullmatch(value), f"{name}: {key}"
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
    for name in SERVICES:
        for source, writable in mounts(name, {}).values():
            if source.startswith("./"):
                assert (ROOT / source).is_file(), source
                assert not writable
            else:
                assert source in COMPOSE["volumes"] or (source, writable) == ("/dev/null", False)
    assert any(v.startswith("postgresql-data:") for v in SERVICES["postgresql"]["volumes"])


@pytest.mark.parametrize("name", ["worker", "console"])
def test_our_own_programs_are_given_only_settings_that_exist(name: str) -> None:
    given = {k.removeprefix("ARREARS_").lower() for k in SERVICES[name]["environment"] if k.startswith("ARREARS_")}
    assert given <= Settings.model_fields.keys()


@pytest.mark.parametrize("name", ["worker", "console"])
def test_with_nothing_but_the_secrets_billing_is_our_own_and_nothing_is_sent_or_anchored(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = settings_of(name, {}, monkeypatch)
    address = f"postgresql://billing:{NEEDED['BILLING_DB_PASSWORD']}@postgresql:5432/billing"
    assert found.billing_url.get_secret_value() == address
    assert (found.billing_token, found.routes_file, found.anchor_file) == (None, None, None)


@pytest.mark.parametrize("name", ["worker", "console"])
def test_the_utilitys_own_billing_system_takes_the_place_of_the_book(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"ARREARS_BILLING_URL": "https://mis.example/arrears/v1", "ARREARS_BILLING_TOKEN": "t-0123456789abcdefgh"}
    found = settings_of(name, said, monkeypatch)
    assert found.billing_over_http
    assert found.billing_url.get_secret_value() == said["ARREARS_BILLING_URL"]
    assert found.billing_token
    assert found.billing_token.get_secret_value() == said["ARREARS_BILLING_TOKEN"]


@pytest.mark.parametrize("place", ["channels.toml", "/etc/arrears/channels.toml"])
def test_the_routing_table_is_mounted_where_the_worker_reads_it_and_nowhere_else(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"ARREARS_NOTIFY": place}
    table = settings_of("worker", said, monkeypatch).routes_file
    assert mounts("worker", said)[str(table)] == (place, False)
    assert settings_of("console", said, monkeypatch).routes_file is None
    assert place not in {source for source, _ in mounts("console", said).values()}


def test_the_worker_signs_the_anchor_on_another_disk_and_the_console_only_checks_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = {
        "ARREARS_ANCHOR": "var/anchor/arrears.anchor",
        "ARREARS_ANCHOR_KEY": SPELLED,
        "ARREARS_ANCHOR_PUBLIC_KEY": spelled(KEY.public_key()),
        "ANCHOR_FOLDER": "/mnt/elsewhere",
    }
    signing, checking = (settings_of(name, said, monkeypatch).anchor_file for name in ("worker", "console"))
    assert signing
    assert checking
    assert (signing.signer is None, checking.signer is None) == (False, True)
    assert checking.trusted[0] == KEY.public_key()
    folder = str(Path("/app") / Path(said["ARREARS_ANCHOR"]).parent)
    assert mounts("worker", said)[folder] == ("/mnt/elsewhere", True)
    assert mounts("console", said)[folder] == ("/mnt/elsewhere", False)
    made = (ROOT / "Dockerfile").read_text("utf-8").partition("mkdir -p ")[2].partition(" && chown")[0]
    assert folder.removeprefix("/app/") in made.split(), "a new volume belongs to whom the folder belongs to"
    assert "ARREARS_ANCHOR_KEY" not in SERVICES["console"]["environment"]


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
