"""The form of each setting: which values it takes, and the sentence about a wrong one."""

import ipaddress
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, SecretStr
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from adapters.anchor.file import private_key, public_key
from adapters.billing.address import check_address, check_token, is_http
from adapters.register.cut_slots import read_capacity
from client.payload_codec import read_key_ring
from client.problems import Misused

ROOT = Path(__file__).resolve().parents[2]
"""The project's folder: relative paths belong to it, from whichever folder a program is started."""
_DATABASES = ("sqlite", "postgresql")


class ConfigurationError(Misused):
    """A setting is wrong; the message names the variable and what it should be."""

    def __init__(self, message: str) -> None:
        super().__init__("Configuration", message)


def sentence(where: tuple[int | str, ...], problem: str) -> str:
    """What is wrong with a setting, by the variable's name."""
    text = problem.removeprefix("Value error, ")
    text = text[:1].lower() + text[1:] if text.startswith("Input") else text
    return f"ARREARS_{str(where[0]).upper()}: {text}" if where else text


def _folder(value: Path | None) -> Path | None:
    if value is None:
        return None
    try:
        found = (ROOT / value).is_dir()
    except (OSError, ValueError):  # too long, or with characters that no path has
        found = False
    if not found:
        raise ValueError("must be a folder that is there")
    return ROOT / value


def _billing_url(value: SecretStr) -> SecretStr:
    if not is_http(value.get_secret_value()):
        return _database_url(value)
    check_address(value.get_secret_value())
    return value


def _billing_token(value: SecretStr | None) -> SecretStr | None:
    if value is not None:
        check_token(value.get_secret_value())
    return value


def _database_url(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if is_http(text):
        raise ValueError("must be a database address; only ARREARS_BILLING_URL may be one of an API")
    try:
        url = make_url(text)
    except ArgumentError:
        raise ValueError("must be a database address such as sqlite:///var/register.db or postgresql://…") from None
    if url.get_backend_name() not in _DATABASES:
        raise ValueError(f"must start with sqlite:/// or postgresql://, not {url.drivername}")
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise ValueError("must name a file, such as sqlite:///var/register.db")
        # Relative to the project, so that it is the same book from whichever folder the command is started.
        return SecretStr(f"sqlite:///{ROOT / url.database}")
    return value


def _ip_and_port(value: str | None) -> str | None:
    if value is None:
        return None
    host, _, port = value.rpartition(":")
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        host = ""
    if not host or not (port.isdecimal() and 0 < int(port) < 65_536):
        raise ValueError("must be an IP address and a port, such as 127.0.0.1:9464")
    return value


def _listed(value: SecretStr | None) -> SecretStr | None:
    if value is not None and not all(each_of(value)):
        raise ValueError("must be secrets separated by single commas")
    return value


def each_of(value: SecretStr | None) -> tuple[str, ...]:
    """The secrets of a list with commas; none where nothing is set."""
    return () if value is None else tuple(part.strip() for part in value.get_secret_value().split(","))


def _payload_keys(value: SecretStr | None) -> SecretStr | None:
    if value is None or value.get_secret_value() == "off":
        return None
    read_key_ring(value.get_secret_value(), ROOT)
    return value


def _anchor_key(value: SecretStr | None) -> SecretStr | None:
    if value is not None:
        private_key(value.get_secret_value())
    return value


def _public_keys(value: str) -> str:
    for one in filter(None, value.split(",")):
        public_key(one)
    return value


def _capacity(value: str) -> str:
    read_capacity(value)
    return value


# An address may carry a password, so it never shows in a repr or a log.
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
Folder = Annotated[Path | None, AfterValidator(_folder)]
BillingUrl = Annotated[SecretStr, AfterValidator(_billing_url)]
BillingToken = Annotated[SecretStr | None, AfterValidator(_billing_token)]
PayloadKeys = Annotated[SecretStr | None, AfterValidator(_payload_keys)]
AnchorKey = Annotated[SecretStr | None, AfterValidator(_anchor_key)]
PublicKeys = Annotated[str, AfterValidator(_public_keys)]
Secrets = Annotated[SecretStr | None, AfterValidator(_listed)]
Capacity = Annotated[str, AfterValidator(_capacity)]
IpAndPort = Annotated[str | None, AfterValidator(_ip_and_port)]
