"""The routing table of delivery channels (`ARREARS_NOTIFY`, a TOML file): which addresses, in which order, for whom."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, get_args
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError

from domain.customer import CustomerCard, PreferredChannel
from domain.ids import same_id
from domain.record.deliveries import WRITTEN_TO
from domain.vocabulary import Role

_PLACE = re.compile(r"\{([^{}]*)\}")
_OF_CUSTOMERS, _OF_STAFF = frozenset({"account", "phone", "email"}), frozenset({"role", "unit", "person"})
_SERVED_BY_KIND: Mapping[str, PreferredChannel] = {preferred: preferred for preferred in get_args(PreferredChannel)}
_SERVED_BY_PLACE: Mapping[str, PreferredChannel] = {"phone": "sms", "email": "email", "account": "app"}
# Checked before they are put into an address, which a comma or a slash would change: a book holds anything.
_PHONE = re.compile(r"\+?[0-9]{5,15}", re.ASCII)
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}", re.ASCII)
_ID = re.compile(r"\w[\w.@+~:-]*")
_SEPARATORS = re.compile(r"[\s().-]")


class RoutesError(Exception):
    """The routing table cannot be used; the message says where and why, and quotes no address."""


def _address(value: SecretStr) -> SecretStr:
    if "://" not in value.get_secret_value():
        raise ValueError("must be an Apprise address such as mailtos://user:password@smtp.example?from=…&to={email}")
    return value


class Channel(BaseModel):
    """One channel: its kind (what records and logs call it) and its address, with places such as {phone}."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
    url: Annotated[SecretStr, AfterValidator(_address)]

    @property
    def places(self) -> frozenset[str]:
        """What its address needs to be filled in with."""
        return frozenset(_PLACE.findall(self.url.get_secret_value()))

    @property
    def serves(self) -> PreferredChannel | None:
        """The preference of a customer that it serves: its kind, or if that is none of them, what its address needs."""
        by_place = (preferred for place, preferred in _SERVED_BY_PLACE.items() if place in self.places)
        return _SERVED_BY_KIND.get(self.kind) or next(by_place, None)

    def address(self, known: Mapping[str, str]) -> str | None:
        """The address with every place filled in, each encoded; None where one of them is not known."""
        if not all(known.get(place) for place in self.places):
            return None
        return _PLACE.sub(lambda place: quote(known[place[1]], safe=""), self.url.get_secret_value())


class Route(BaseModel):
    """The channels of one role; with `unit` or `person`, of those alone."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    role: Role
    unit: str | None = None
    person: str | None = None
    channels: Annotated[tuple[Channel, ...], Field(min_length=1)]

    def suits(self, role: str, unit: str | None, person: str | None) -> bool:
        """Whether a message to this person of this unit goes this way."""
        return self.role == role and _names(self.unit, unit) and _names(self.person, person)


def _names(entry: str | None, ident: str | None) -> bool:
    """Whether an entry means this unit or person; one that names none means all."""
    return entry is None or (ident is not None and same_id(entry, ident))


class Routes(BaseModel):
    """The whole table; `seconds`: how long one channel may take over one message."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    seconds: Annotated[float, Field(ge=0.1, le=10)] = 5
    customer: tuple[Channel, ...] = ()
    staff: tuple[Route, ...] = ()

    def of_staff(self, role: str, unit: str | None, person: str | None) -> tuple[Channel, ...]:
        """The channels of the entry that names this person, else this unit, else only the role; none without one."""
        suiting = [route for route in self.staff if route.suits(role, unit, person)]
        suiting.sort(key=lambda route: (route.person is None, route.unit is None))
        return suiting[0].channels if suiting else ()

    @property
    def unreached(self) -> tuple[Role, ...]:
        """The roles that a case writes to, and that no entry names."""
        return tuple(role for role in WRITTEN_TO if role not in {route.role for route in self.staff})

    @property
    def partly_reached(self) -> tuple[Role, ...]:
        """The roles of which entries name some units or persons, and none names the others."""
        whole = {route.role for route in self.staff if route.unit is None and route.person is None}
        return tuple(role for role in WRITTEN_TO if role not in whole and role not in self.unreached)

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Every channel of the table."""
        return (*self.customer, *(channel for route in self.staff for channel in route.channels))


def read_routes(path: Path) -> Routes:
    """The routing table in that file. RoutesError: it is not there, is no TOML, or an entry cannot be used."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as problem:
        raise RoutesError(f"{path}: cannot be read ({problem.strerror}); it is a file with a routing table") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        # A TOML error names line and column, and quotes at most one character.
        raise RoutesError(f"{path}: is no TOML: {problem}") from None
    try:
        routes = Routes.model_validate(table)
    except ValidationError as problem:
        raise RoutesError("\n".join(_sentence(path, e["loc"], e["msg"]) for e in problem.errors())) from None
    for where, channels, allowed in (
        ("customer", routes.customer, _OF_CUSTOMERS),
        *((f"staff[{n}]", route.channels, _OF_STAFF) for n, route in enumerate(routes.staff)),
    ):
        for channel in channels:
            if strange := sorted(channel.places - allowed):
                known = ", ".join(f"{{{place}}}" for place in sorted(allowed))
                raise RoutesError(f"{path}: {where}, {channel.kind}: {{{strange[0]}}} is not known here, only {known}")
    return routes


def _sentence(path: Path, where: tuple[int | str, ...], problem: str) -> str:
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).removeprefix(".")
    return f"{path}: {field}: {problem.removeprefix('Value error, ')}"


def preferred_first(channels: Sequence[Channel], preferred: PreferredChannel | None) -> tuple[Channel, ...]:
    """A customer's channels with those that serve his preference in front; else in the order of the table.

    All of them: if one fails, another notifies him (R-16).
    """
    return tuple(sorted(channels, key=lambda channel: preferred is None or channel.serves != preferred))


def known_of_customer(card: CustomerCard) -> dict[str, str]:
    """What an address may say of a customer; a phone or e-mail that could not be one is left out."""
    phone = _SEPARATORS.sub("", card.phone)
    return _clean({"account": card.account_id}) | {
        name: value
        for name, value, form in (("phone", phone, _PHONE), ("email", card.email.strip(), _EMAIL))
        if form.fullmatch(value)
    }


def known_of_staff(role: str, unit: str | None, person: str | None) -> dict[str, str]:
    """What an address may say of a member of staff."""
    return _clean({"role": role, "unit": unit, "person": person})


def _clean(ids: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in ids.items() if isinstance(value, str) and _ID.fullmatch(value)}
