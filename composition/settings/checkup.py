"""The doctor's check of the settings: which are wrong, unknown or weak, and the rest in a usable form."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import ValidationError
from sqlalchemy import make_url

from composition.settings import model as configuration
from composition.settings.fields import ConfigurationError, sentence
from composition.settings.model import Settings
from composition.settings.strength import console_weaknesses, is_loopback, weaknesses
from composition.settings.temporal import DEFAULT_TEMPORAL_ADDRESS, temporal_profile

_OURS = re.compile(r"ARREARS_(\w+)")


@dataclass(frozen=True)
class ReadSettings:
    """The settings, with the default in the place of what cannot be used, and a sentence for each fault."""

    settings: Settings
    wrong: tuple[str, ...]
    unknown: tuple[str, ...]
    weak: tuple[str, ...]
    """What production refuses, whatever the mode is."""
    local: bool
    """Files of this machine and a Temporal on it: there nothing has to be strong."""
    env_file: Path


def read_settings() -> ReadSettings:
    """Read the environment and `.env`; a wrong value is noted, and does not raise."""
    env_file = configuration.ENV_FILE
    wrong: list[str] = []
    try:
        named = {*os.environ, *dotenv_values(env_file)}
    except UnicodeDecodeError:
        wrong.append(f"{env_file}: is not UTF-8; save it as UTF-8")
        named = set(os.environ)
    ours = {name for name in named if name.upper().startswith("ARREARS_")}
    found = _usable(wrong, without_file=bool(wrong))
    weak, local = _weak(found, wrong)
    known = {f"ARREARS_{name.upper()}" for name in Settings.model_fields}
    return ReadSettings(
        settings=found,
        wrong=tuple(wrong),
        unknown=tuple(sorted(name for name in ours if name.upper() not in known)),
        weak=weak,
        local=local,
        env_file=env_file,
    )


def _usable(wrong: list[str], without_file: bool) -> Settings:
    """The settings; each that is wrong is noted, and replaced by its default until the rest can be used."""
    given: dict[str, Any] = {"_env_file": None} if without_file else {}
    for _ in Settings.model_fields:
        try:
            return Settings(**given)
        except ValidationError as problem:
            for error in problem.errors():
                said = sentence(error["loc"], error["msg"])
                wrong.append(said)
                # A rule about several of them names them all.
                for name in _OURS.findall(said):
                    if (field := Settings.model_fields.get(name.lower())) is not None:
                        given[name.lower()] = field.get_default()
    raise ConfigurationError("\n".join(wrong))


def _weak(found: Settings, wrong: list[str]) -> tuple[tuple[str, ...], bool]:
    try:
        profile = temporal_profile()
        weak = weaknesses(found)
    except ConfigurationError as problem:
        wrong.append(str(problem))
        return (), False
    if found.event_secrets or found.codec_logins:  # `serve` is meant to run here
        weak += console_weaknesses(found)
    urls = (found.register_url, found.billing_url)
    files = all(make_url(url.get_secret_value()).get_backend_name() == "sqlite" for url in urls)
    return weak, files and is_loopback(profile.address or DEFAULT_TEMPORAL_ADDRESS)
