"""No variable and no key of a policy, whatever stands in it, ends in a traceback: it is refused by its name (L9)."""

import copy
import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from composition.settings.fields import ConfigurationError
from composition.settings.loading import load_settings
from composition.settings.model import Settings
from domain.law.policy import Policy
from domain.law.policy_file import PolicyError, load_policy
from tests.fuzz.hostile import DIGITS, GOOD_POLICY, LONG_RUN, MISSING, WRONG, Slot, slots

HOSTILE_TEXT = (
    *(" ", "nope", "null", "NaN", "Infinity", "-1", "1.5", "1e400", DIGITS, "0x10", "[]", "{}", '["x"]', "true"),
    *("\x1b[2J", "a\nb", "a\tb", "\udcff", "\u202ea", "😀", "x" * 100_000, "../../etc/passwd", "/dev/null", "~"),
    *(
        "sqlite:///",
        "sqlite:////",
        "postgresql://",
        "postgresql://[",
        "postgresql://u:p@h:port/d",
        "http://[",
        "://",
        "%",
    ),
)
WHOLE_NUMBERS = sorted(name for name, field in Settings.model_fields.items() if field.annotation is int)
CHOICES = ("mode", "log_format")


@pytest.fixture(autouse=True)
def _a_bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [n for n in os.environ if n.startswith(("ARREARS_", "TEMPORAL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "none.toml"))
    monkeypatch.setitem(Settings.model_config, "env_file", None)


# ---- ARREARS_* --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_variable_is_taken_or_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    variable = f"ARREARS_{name.upper()}"
    for value in HOSTILE_TEXT:
        monkeypatch.setenv(variable, value)
        said = refused()
        if said is None:
            assert name not in (*WHOLE_NUMBERS, *CHOICES), f"{variable}={value[:50]!r} was taken"
            continue
        assert variable in said, (value[:50], said[:200])
        assert len(said) < 2_000, "a sentence, not the value again"


def refused() -> str | None:
    """What loading the settings says, or None if they are good; any other error goes through."""
    try:
        load_settings()
    except ConfigurationError as refusal:
        return str(refusal)
    return None


def test_there_are_whole_numbers_among_the_settings() -> None:
    assert "retry_max_seconds" in WHOLE_NUMBERS


@pytest.mark.parametrize(
    "content", [b"ARREARS_MODE=\xff\xfe", b"\xff\xfeA\x00", b"\x00" * 10, b"=\n==\n'", b"A" * 100_000]
)
def test_a_broken_env_file_is_ignored_or_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / ".env").write_bytes(content)
    monkeypatch.setitem(Settings.model_config, "env_file", tmp_path / ".env")
    monkeypatch.setattr("composition.settings.model.ENV_FILE", tmp_path / ".env")
    assert ".env" in (refused() or ".env")


@pytest.mark.parametrize("value", [v for v in HOSTILE_TEXT if v.strip()], ids=lambda v: ascii(v[:20]))
def test_any_name_of_a_policy_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PolicyError) as refusal:
        load_policy(value)
    assert len(str(refusal.value)) < 2_000


# ---- the policy file --------------------------------------------------------------------------


def toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return "nan" if math.isnan(value) else str(value)
    if isinstance(value, str):
        return json.dumps(value).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{json.dumps(key)} = {toml(item)}' for key, item in value.items())}}}"
    return str(value)


def policy_with(slot: Slot, value: Any) -> str:
    """A policy file, whole but for this one key."""
    whole = copy.deepcopy(GOOD_POLICY)
    parent: Any = whole
    for step in slot.path[:-1]:
        parent = parent[step]
    parent[slot.path[-1]] = value
    return "\n".join(f"{key} = {toml(item)}" for key, item in whole.items())


@pytest.mark.parametrize("slot", slots(Policy), ids=lambda slot: slot.name)
def test_every_key_of_a_policy_is_refused_by_its_name(tmp_path: Path, slot: Slot) -> None:
    path = tmp_path / "east.toml"
    unquoted = float if slot.path[-1] in ("name", "version", "name_zh", "name_en") else ()  # 1.5 is meant as "1.5"
    for value in (wrong for wrong in WRONG[slot.kind] if not isinstance(wrong, unquoted)):
        path.write_text(policy_with(slot, value), encoding="utf-8")
        with pytest.raises(PolicyError) as refusal:
            load_policy(str(path))
        named = [line for line in str(refusal.value).splitlines() if line.startswith(f"{path}: {slot.name}")]
        assert named, (slot.name, repr(value)[:60], str(refusal.value)[:300])
        assert len(str(refusal.value)) < 20_000, "sentences, not the value again"


def test_the_policy_that_is_spoiled_here_is_a_good_one(tmp_path: Path) -> None:
    """Else it would be refused for another reason."""
    path = tmp_path / "east.toml"
    name = next(slot for slot in slots(Policy) if slot.name == "name")
    path.write_text(policy_with(name, "west"), encoding="utf-8")
    assert load_policy(str(path)).label == "west@2026-11"
    assert MISSING not in WRONG["text"]


@settings(
    max_examples=5_000 if LONG_RUN else 150,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(content=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_file_is_a_policy_or_refused_by_its_name(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "anything.toml"
    path.write_bytes(b'name = "east"\nversion = "1"\n' + content)
    try:
        said = load_policy(str(path)).label
    except PolicyError as refusal:
        said = str(refusal)
    assert said.startswith(str(path)) or said == "east@1"
