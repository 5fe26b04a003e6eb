"""The routing table looked at rather than used: can it be read, and who would be left without a channel."""

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from adapters.apprise_channels import check_addresses, plain_channels
from adapters.channel_routes import Routes, RoutesError, read_routes
from domain.model import Role

_TOLD_OTHERWISE = ("hotline", "liaison", "operator")
"""Roles to whom nothing is sent: they ask by themselves, and the liaison's report is shown by `report show`."""


@dataclass(frozen=True)
class ChannelsSeen:
    """What was found. `wrong` is why no worker starts with the table; then nothing else is known."""

    path: Path
    wrong: str | None = None
    plain: tuple[str, ...] = ()
    """Kinds of channels that would carry texts to another machine in clear."""
    customers: tuple[str, ...] = ()
    """Kinds of channels that customers are told by, in their order."""
    without: tuple[str, ...] = ()
    """Roles that no entry names."""
    in_part: tuple[str, ...] = ()
    """Roles of which entries name some units or persons, and no entry the others."""


def look_at_channels(path: Path) -> ChannelsSeen:
    """What the table at that path is like; nothing is sent, and nobody is connected to."""
    try:
        routes = read_routes(path)
        check_addresses(routes)
    except RoutesError as problem:
        return ChannelsSeen(path, wrong=str(problem))
    without = tuple(role for role in _told() if not any(route.role == role for route in routes.staff))
    return ChannelsSeen(
        path,
        plain=plain_channels(routes),
        customers=tuple(channel.kind for channel in routes.customer),
        without=without,
        in_part=tuple(role for role in _told() if role not in without and _leaves_out_some(routes, role)),
    )


def _told() -> tuple[str, ...]:
    return tuple(role for role in get_args(Role) if role not in _TOLD_OTHERWISE)


def _leaves_out_some(routes: Routes, role: str) -> bool:
    return not routes.of_staff(role, None, None)
