"""The settings that a program starts with: read, refused where they are wrong, and in production where weak."""

from pydantic import ValidationError

from composition.settings import model as configuration
from composition.settings.fields import ConfigurationError, sentence
from composition.settings.model import Settings
from composition.settings.strength import console_weaknesses, weaknesses


def load_settings() -> Settings:
    """Settings from the environment and `.env`. ConfigurationError: one sentence for each wrong variable."""
    try:
        settings = Settings()
    except UnicodeDecodeError:
        raise ConfigurationError(f"{configuration.ENV_FILE}: is not UTF-8; save it as UTF-8") from None
    except ValidationError as problem:
        raise ConfigurationError("\n".join(sentence(e["loc"], e["msg"]) for e in problem.errors())) from None
    if settings.mode == "production" and (weak := weaknesses(settings)):
        raise _too_weak(weak)
    return settings


def check_console(settings: Settings) -> None:
    """ConfigurationError: what the HTTP side does not start with in production, one sentence each."""
    if settings.mode == "production" and (weak := console_weaknesses(settings)):
        raise _too_weak(weak)


def _too_weak(weak: tuple[str, ...]) -> ConfigurationError:
    return ConfigurationError("\n".join(("ARREARS_MODE=production refuses weak settings:", *weak)))
