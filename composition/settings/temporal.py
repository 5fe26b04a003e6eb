"""Where Temporal is, by its own configuration: TEMPORAL_* of the environment and `.env`, or a profile file."""

import os

from dotenv import dotenv_values
from temporalio.envconfig import ClientConfigProfile

from composition.settings import model as configuration
from composition.settings.fields import ConfigurationError

DEFAULT_TEMPORAL_ADDRESS = "localhost:7233"


def temporal_profile() -> ClientConfigProfile:
    """Where Temporal is, by its own environment configuration (TEMPORAL_*, profile file)."""
    try:
        return ClientConfigProfile.load(override_env_vars=_environment())
    except (RuntimeError, ValueError) as problem:
        raise ConfigurationError(f"Temporal's configuration (TEMPORAL_*) cannot be read: {problem}") from problem


def _environment() -> dict[str, str]:
    """The process's environment over what `.env` says, for variables that are not ours."""
    from_file = {k: v for k, v in dotenv_values(configuration.ENV_FILE).items() if v and k.startswith("TEMPORAL_")}
    return from_file | {k: v for k, v in os.environ.items() if v}
