"""Sends what lies in the outbox to staff: inside the worker, the most urgent first, until a channel accepts it."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError

from activities.register import RegisterUnavailable
from adapters.channels.apprise import BUDGET_SECONDS, AppriseChannels, Letter, placed
from adapters.channels.routes import Channel, Routes, known_of_staff
from adapters.register.outbox import Parcel, SqlOutbox
from domain.law.clauses import CLAUSE_OF_STAGE
from domain.record.deliveries import ChannelTry, GivenUpFor
from domain.record.subjects import AT_ONCE, heading

LANES, LANES_FOR_THE_URGENT = 8, 4
_ANY_URGENCY = 9
POLL_SECONDS = 1.0
"""How often the outbox is checked for what another worker has filed, and how long a silent register is left alone."""
_LEASE = timedelta(seconds=BUDGET_SECONDS + 10)
_GIVEN_UP_AFTER = timedelta(days=3)
_FIRST_PAUSE, _LONGEST_PAUSE, _LONGEST_PAUSE_OF_THE_URGENT = 2.0, 600.0, 15.0
_REST_SECONDS = 10.0
"""How long a channel that gave no answer is left alone; then one message finds out, and the others wait for it."""

log = structlog.get_logger()


@dataclass(frozen=True)
class _Sent:
    """What became of a parcel: what the channels said; when it is to be tried again, or why it is not, if not sent."""

    tries: tuple[ChannelTry, ...] = ()
    again_at: datetime | None = None
    given_up: GivenUpFor | None = None


class OutboxDispatcher:
    """A thread that claims, and lanes that send. Several workers may each have one: a claim is one worker's alone.

    Delivery is at least once. If a worker dies between the receiver's answer and its own note, the next one sends the
    message again, under the same key.
    """

    def __init__(
        self,
        outbox: SqlOutbox,
        routes: Routes,
        channels: AppriseChannels,
        clock: Callable[[], datetime],
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._outbox, self._routes, self._channels, self._clock = outbox, routes, channels, clock
        self._poll_seconds = poll_seconds
        self._lanes = ThreadPoolExecutor(LANES, thread_name_prefix="outbox")
        self._woken, self._stopping, self._lock = threading.Event(), threading.Event(), threading.Lock()
        self._busy = 0
        self._resting: dict[Channel, float] = {}
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def wake(self) -> None:
        """Something may have been filed: do not wait for the next second."""
        self._woken.set()

    def stop(self) -> None:
        """Take nothing more, and let what is being sent come to its end: that takes seconds, by its budget."""
        self._stopping.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()
        self._lanes.shutdown()

    def _run(self) -> None:
        answering = True
        while not self._stopping.is_set():
            self._woken.wait(self._poll_seconds)
            self._woken.clear()
            try:
                self._fill_lanes()
                answering = True
            except RegisterUnavailable as problem:
                if answering:
                    log.warning("outbox.register_unavailable", error=str(problem))
                answering = False
                self._stopping.wait(self._poll_seconds)
            except Exception:  # nobody above would see it, and nothing more would be sent until the worker starts anew
                log.exception("outbox.fault")
                self._stopping.wait(self._poll_seconds)

    def _fill_lanes(self) -> None:
        """Give every free lane a message; some lanes are kept free for what is urgent, however much else there is."""
        free = LANES - self._busy
        if free <= 0 or self._stopping.is_set() or not self._outbox.has_due(self._clock()):
            return
        taken = self._take(free, AT_ONCE)
        if (rest := free - taken - LANES_FOR_THE_URGENT) > 0:
            self._take(rest, _ANY_URGENCY)

    def _take(self, limit: int, least_urgent: int) -> int:
        parcels = self._outbox.claim(self._clock(), _LEASE, limit, least_urgent)
        for parcel in parcels:
            with self._lock:
                self._busy += 1
            self._lanes.submit(self._carry, parcel).add_done_callback(partial(self._landed, parcel))
        return len(parcels)

    def _carry(self, parcel: Parcel) -> None:
        with structlog.contextvars.bound_contextvars(**_context_of(parcel)):
            try:
                sent = self._send(parcel)
                if sent.given_up is None:
                    self._outbox.note(parcel, sent.tries, sent.again_at)
                else:
                    self._outbox.give_up(parcel, sent.tries, sent.given_up, self._clock())
            except RegisterUnavailable as problem:  # it stays claimed, and is sent again when the claim has run out
                log.warning("delivery.not_noted", error=str(problem))
            except SQLAlchemyError as problem:  # likewise; its text may quote the row
                log.error("outbox.failed", error=type(problem).__name__)

    def _landed(self, parcel: Parcel, carried: Future[None]) -> None:
        """The lane is free again, whatever happened in it."""
        with self._lock:
            self._busy -= 1
        self.wake()
        if (fault := carried.exception()) is not None:
            log.critical("outbox.fault", error=placed(fault), **_context_of(parcel))

    def _send(self, parcel: Parcel) -> _Sent:
        message = parcel.message
        channels = self._routes.of_staff(message.to_role, message.to_unit, message.to_person)
        if not channels:
            log.warning("delivery.given_up", reason="no_route")
            return _Sent(given_up="no_route")
        awake = [channel for channel in channels if self._is_awake(channel)]
        if not awake:
            return _Sent(again_at=self._clock() + timedelta(seconds=_REST_SECONDS))
        known = known_of_staff(message.to_role, message.to_unit, message.to_person)
        letter = Letter(message.key, heading(message.subject), f"{message.text_zh}\n\n{message.text_en}")
        tries = self._channels.hand_on(awake, known, letter, self._clock)
        for channel, one in zip(awake, tries, strict=False):
            self._remember(channel, one)
            level = log.info if one.outcome == "accepted" else log.warning
            level("channel.tried", channel=one.channel, outcome=one.outcome, attempt=parcel.attempt)
        for channel in awake[len(tries) :]:
            self._wake_up(channel)
        if tries and tries[-1].outcome == "accepted":
            return _Sent(tries)
        if self._clock() - parcel.first_tried_at >= _GIVEN_UP_AFTER:
            log.error("delivery.given_up", reason="nobody_accepted")
            return _Sent(tries, given_up="nobody_accepted")
        return _Sent(tries, self._clock() + _pause(parcel))

    def _is_awake(self, channel: Channel) -> bool:
        with self._lock:
            until = self._resting.get(channel)
            if until is not None and time.monotonic() < until:
                return False
            if until is not None:
                self._resting[channel] = time.monotonic() + _REST_SECONDS
            return True

    def _remember(self, channel: Channel, one: ChannelTry) -> None:
        if one.outcome in ("dead", "passed_over"):
            with self._lock:
                self._resting[channel] = time.monotonic() + _REST_SECONDS
        else:
            self._wake_up(channel)

    def _wake_up(self, channel: Channel) -> None:
        with self._lock:
            self._resting.pop(channel, None)


def _context_of(parcel: Parcel) -> dict[str, str]:
    """What every line about a parcel says: its case, stage, message and recipient."""
    message = parcel.message
    said = {
        "account": message.account_id,
        "stage": parcel.stage,
        "clause": CLAUSE_OF_STAGE.get(parcel.stage) if parcel.stage else None,
        "message": message.key,
        "to": message.to_role,
        "unit": message.to_unit,
    }
    return {name: value for name, value in said.items() if value is not None}


def _pause(parcel: Parcel) -> timedelta:
    longest = _LONGEST_PAUSE_OF_THE_URGENT if parcel.urgency == AT_ONCE else _LONGEST_PAUSE
    return timedelta(seconds=min(_FIRST_PAUSE * 2 ** min(parcel.attempt - 1, 10), longest))
