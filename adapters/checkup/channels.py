"""The doctor's check of the routing table: whether it can be used, and which roles have no channel."""

from dataclasses import dataclass
from pathlib import Path

from adapters.channels.apprise import check_addresses, plain_channels
from adapters.channels.routes import RoutesError, read_routes


@dataclass(frozen=True)
class ChannelsChecked:
    """What was found. `wrong` is why no worker starts with the table; then nothing else is known."""

    path: Path
    wrong: str | None = None
    plain: tuple[str, ...] = ()
    """Kinds of channels that would carry texts to another machine in clear."""
    customers: tuple[str, ...] = ()
    """Kinds of channels that notify customers, in their order."""
    without: tuple[str, ...] = ()
    """Roles that no entry names."""
    in_part: tuple[str, ...] = ()
    """Roles of which entries name some units or persons, and no entry the others."""


def check_channels(path: Path) -> ChannelsChecked:
    """The state of the table at that path; nothing is sent or connected."""
    try:
        routes = read_routes(path)
        check_addresses(routes)
    except RoutesError as problem:
        return ChannelsChecked(path, wrong=str(problem))
    return ChannelsChecked(
        path,
        plain=plain_channels(routes),
        customers=tuple(channel.kind for channel in routes.customer),
        without=routes.unreached,
        in_part=routes.partly_reached,
    )
