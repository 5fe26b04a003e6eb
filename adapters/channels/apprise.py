"""Handing texts to channels by Apprise: within seconds, with nothing of an address in any log."""

import ipaddress
import logging
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import structlog

from adapters.channels.routes import Channel, Routes, RoutesError
from domain.record.deliveries import ChannelTry, TryOutcome

# Apprise is loaded when it is first used: it takes most of a second, which no command need wait for.
if TYPE_CHECKING:
    from apprise import AppriseAsset
    from apprise.plugins import NotifyBase

BUDGET_SECONDS = 20.0
"""How long all channels of one message may take together; those left then are not tried."""
HANGING_AT_MOST = 16
"""So many sends may hang in one channel; with that many, what comes is passed over, and goes to the next channel.

A receiver that is silent lets go of its send a second after we have; one that sends a byte now and then never may.
"""
PROBE_EVERY_SECONDS = 600.0
"""A channel that is full of such sends is tried once in this time all the same, for it may have recovered.

While it answers, one message after the other goes to it.
"""
_WITH_HEADERS = frozenset({"json", "jsons", "xml", "xmls", "form", "forms", "mailto", "mailtos"})
_SAMPLES = {"phone": "13800000000", "email": "somebody@example.cn", "account": "1", "role": "reader"}
_SAMPLES |= {"unit": "U-1", "person": "p-1"}
_loading = threading.Lock()

log = structlog.get_logger()


@dataclass(frozen=True)
class Letter:
    """What is handed over. `key` is that of the message: a receiver that sees it twice has been sent it twice."""

    key: str
    title: str
    body: str


class ChannelFault(Exception):
    """A fault of this program in a channel. It says what and where: the fault's own text may quote an address."""

    def __init__(self, kind: str, fault: BaseException) -> None:
        super().__init__(f"channel {kind}: {placed(fault)}")


@dataclass(frozen=True)
class AppriseChannels:
    """Hands a letter to channels; one may take `seconds`, a full one is tried once in `probe_every` seconds."""

    seconds: float
    probe_every: float = PROBE_EVERY_SECONDS
    _left_behind: dict[Channel, list[threading.Thread]] = field(default_factory=lambda: defaultdict(list), repr=False)
    _next_try: dict[Channel, float] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def hand_on(
        self, channels: Sequence[Channel], known: Mapping[str, str], letter: Letter, clock: Callable[[], datetime]
    ) -> tuple[ChannelTry, ...]:
        """Try one channel after the other until one accepts; what each said, and when by that clock."""
        tries: list[ChannelTry] = []
        end = time.monotonic() + BUDGET_SECONDS
        for channel in channels:
            if time.monotonic() + self.seconds > end:
                break
            outcome = self._sent(channel, known, letter)
            tries.append(ChannelTry(channel=channel.kind, outcome=outcome, at=clock()))
            if outcome == "accepted":
                break
        return tuple(tries)

    def _sent(self, channel: Channel, known: Mapping[str, str], letter: Letter) -> TryOutcome:
        """As `send`. After a fault of this program in one channel, the next one is still tried."""
        try:
            return self.send(channel, known, letter)
        except ChannelFault as fault:
            log.critical("channel.fault", error=str(fault))
            return "unknown"

    def send(self, channel: Channel, known: Mapping[str, str], letter: Letter) -> TryOutcome:
        """Hand the letter to one channel. After its seconds it is given up, and what becomes of it stays unknown.

        Raises ChannelFault where neither the channel nor the address is to blame.
        """
        address = channel.address(known)
        if address is None:
            return "unaddressed"
        if not self._has_room(channel):
            return "passed_over"
        # A thread of its own, given up if it hangs: a time-out of sockets alone is renewed by every byte that trickles.
        answer: Future[TryOutcome] = Future()
        sending = threading.Thread(
            target=copy_context().run,
            args=(_answer, answer, address, letter, self.seconds),
            name="channel",
            daemon=True,
        )
        sending.start()
        wait((answer,), self.seconds)
        if not answer.done():
            with self._lock:
                self._left_behind[channel].append(sending)
                self._next_try[channel] = time.monotonic() + self.probe_every
            return "dead"
        if (fault := answer.exception()) is not None:
            raise ChannelFault(channel.kind, fault)
        with self._lock:
            self._next_try.pop(channel, None)
        return answer.result()

    def _has_room(self, channel: Channel) -> bool:
        """Whether fewer sends hang there than may, or the channel is due for one more try."""
        with self._lock:
            hanging = [one for one in self._left_behind[channel] if one.is_alive()]
            self._left_behind[channel] = hanging
            if len(hanging) < HANGING_AT_MOST:
                return True
            if time.monotonic() < self._next_try.get(channel, 0):
                return False
            self._next_try[channel] = time.monotonic() + self.probe_every
            return True


def _answer(answer: Future[TryOutcome], address: str, letter: Letter, seconds: float) -> None:
    try:
        answer.set_result(_send(address, letter, seconds))
    except BaseException as fault:  # handed over to `send`, which raises it: a thread that dies of it prints its text
        answer.set_exception(fault)


def _send(address: str, letter: Letter, seconds: float) -> TryOutcome:
    from apprise import Apprise, NotifyFormat

    try:
        service = _service(address, seconds, letter.key)
        if service is None:
            return "refused"  # no such address: what was filled in made it impossible
        title = letter.title if service.title_maxlen > 0 else ""
        # What a service stumbles over while it sends, Apprise itself turns into a failure.
        with Apprise([service], asset=_asset()).notify(
            letter.body, title=title, body_format=NotifyFormat.TEXT, log_level=logging.WARNING
        ) as result:
            if result:
                return "accepted"
            # Every plugin says so, in this text, if there was nobody to talk to; Apprise keeps no other trace of it.
            nobody = any("connection error" in line.message.lower() for line in result.logs())
            return "dead" if nobody else "refused"
    except (OSError, ValueError, TypeError) as problem:  # the network, or an address that cannot be one after all
        # Its type alone: its text may quote an address.
        log.warning("channel.failed", message=letter.key, error=type(problem).__name__)
        return "dead"


def _service(address: str, seconds: float, key: str) -> "NotifyBase | None":
    from apprise import Apprise

    schema = address.partition("://")[0].lower()
    more = {"cto": f"{seconds + 1}", "rto": f"{seconds + 1}"}  # a little longer than we wait: then it ends by itself
    if schema in _WITH_HEADERS:
        more["+Idempotency-Key"] = key
    if schema.startswith("mailto") and "format=" not in address:
        more["format"] = "text"
    joint = "&" if "?" in address else "?"
    with _loading:
        return Apprise.instantiate(f"{address}{joint}{urlencode(more)}", asset=_asset())


@cache
def _asset() -> "AppriseAsset":
    """Apprise as it is used here: it keeps no files, follows no redirect, and sets no time limit of its own."""
    from apprise import AppriseAsset

    # Its lines quote phone numbers and addresses; what matters is in ours.
    logging.getLogger("apprise").propagate = False
    logging.getLogger("apprise").addHandler(logging.NullHandler())
    # A redirect to a login page would answer 200, and nobody would have been notified.
    return AppriseAsset(app_id="Arrears", storage_mode="memory", service_timeout=0, http_redirects=False)


def check_addresses(routes: Routes) -> None:
    """RoutesError: an address that Apprise cannot use, named by its kind."""
    for channel in routes.channels:
        if _sample(channel) is None:
            raise RoutesError(f"the address of channel {channel.kind} is none that Apprise knows, or lacks something")


def plain_channels(routes: Routes) -> tuple[str, ...]:
    """Channels that would carry texts or passwords to another machine in clear, or not check its certificate."""
    return tuple(dict.fromkeys(c.kind for c in routes.channels if (service := _sample(c)) and _is_plain(service)))


def _sample(channel: Channel) -> "NotifyBase | None":
    return _service(channel.address(_SAMPLES) or "", 1, "sample")


def _is_plain(service: "NotifyBase") -> bool:
    mail_mode = getattr(service, "secure_mode", None)
    host = getattr(service, "smtp_host", None) or getattr(service, "host", None)
    if not host or _is_loopback(host):
        return False
    if mail_mode is not None:
        return mail_mode == "insecure" or not service.verify_certificate
    return service.schema not in _listed(service.secure_protocol) or not service.verify_certificate


def _listed(protocol: "str | tuple[str, ...] | None") -> tuple[str, ...]:
    return () if protocol is None else (protocol,) if isinstance(protocol, str) else tuple(protocol)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def placed(fault: BaseException) -> str:
    """What a fault of this program is, and where it happened: its own text may quote a name or an address."""
    places = [f" at {frame.f_code.co_filename}:{line}" for frame, line in traceback.walk_tb(fault.__traceback__)]
    return "".join((type(fault).__name__, *places[-1:]))
