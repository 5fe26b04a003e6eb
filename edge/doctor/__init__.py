"""`python starter.py doctor`: what is wrong with a set-up, part by part; a part that is down hides no other."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.client import Client

from activities.register import RegisterUnavailable
from adapters.checkup.database import check_billing, check_register, open_rows, time_at_register, unsent
from adapters.checkup.letters import check_letters
from client.problems import NotThere
from composition.parts import ask_billing, connect
from composition.payload_keys import worker_ring
from composition.places import places
from composition.settings.checkup import ReadSettings
from composition.settings.fields import ConfigurationError
from domain.record.key_ring import KeyRingMark
from edge.doctor import cases, databases, machine, outbox, temporal
from edge.doctor.finding import Check, Finding, aside, broken, in_time, ok, warning
from edge.doctor.letters import letters
from edge.doctor.workers import workers

PATIENCE_SECONDS = 8.0
CONNECT_SECONDS = 3
CASES_SECONDS = 20.0
"""For what grows with the number of cases."""
SKEW, TOO_MUCH_SKEW = timedelta(seconds=5), timedelta(minutes=1)


@dataclass
class Doctor:
    """One examination. Temporal and the register are each reached once, and those who need them wait for that."""

    read: ReadSettings
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def examine(self) -> tuple[Finding, ...]:
        """Check every part at the same time, and name them in the order in which they are needed."""
        found = self.read.settings
        quick = found.model_copy(update={"connect_seconds": CONNECT_SECONDS})
        self._client = asyncio.create_task(connect(quick))
        self._rows = asyncio.create_task(aside(lambda: open_rows(self._register_url)))
        queue, anchored = found.task_queue, found.anchor is not None
        checks: tuple[tuple[str, Check], ...] = (
            ("settings", _at_once(lambda: machine.settings(self.read))),
            ("policy", _at_once(lambda: machine.policy(found))),
            ("temporal", self._server),
            ("search attributes", self._with(temporal.search_attributes)),
            ("workers", self._with(lambda client: workers(client, queue, self.now()))),
            ("schedules", self._with(lambda client: temporal.schedules(client, anchored, self.now()))),
            ("register", lambda: databases.register(lambda: check_register(self._register_url), self._register_url)),
            ("billing", self._billing),
            ("channels", _at_once(lambda: machine.channels(found))),
            ("outbox", lambda: outbox.outbox(lambda: unsent(self._register_url), self.now())),
            ("letters", lambda: letters(lambda: check_letters(self._register_url, found.paper_fonts))),
            ("cases", self._with(self._stuck)),
            ("open rows", self._with(self._open_rows)),
            ("payload keys", self._with(self._payload_keys)),
            ("anchor", _at_once(lambda: machine.anchor(found, self.now()))),
            ("documents", _at_once(lambda: machine.documents(found.documents_folder))),
            ("clocks", self._clocks),
            ("disk", _at_once(lambda: machine.disks(place.path for place in places(found)))),
        )
        try:
            seconds = {"open rows": CASES_SECONDS, "payload keys": CASES_SECONDS, "letters": CASES_SECONDS}
            seen = (in_time(part, check, seconds.get(part, PATIENCE_SECONDS)) for part, check in checks)
            findings = await asyncio.gather(*seen)
        finally:
            for task in (self._client, self._rows):
                task.cancel()
            await asyncio.gather(self._client, self._rows, return_exceptions=True)
        return tuple(finding for part in findings for finding in part)

    @property
    def _register_url(self) -> str:
        return self.read.settings.register_url.get_secret_value()

    async def _server(self) -> tuple[Finding, ...]:
        try:
            return await temporal.server(await asyncio.shield(self._client))
        except (NotThere, ConfigurationError) as problem:
            do = "start it first: without it nothing moves, and workers, schedules and cases cannot be checked"
            return (broken("temporal", str(problem), do),)

    def _with(self, check: Callable[[Client], Awaitable[tuple[Finding, ...]]]) -> Check:
        """A check that needs Temporal; if Temporal is down, its own part says so, and this one finds nothing."""

        async def wait_and_check() -> tuple[Finding, ...]:
            """The findings once Temporal answers; none if it does not."""
            try:
                client = await asyncio.shield(self._client)
            except (NotThere, ConfigurationError):
                return ()
            return await check(client)

        return wait_and_check

    async def _open_rows(self, client: Client) -> tuple[Finding, ...]:
        try:
            rows = await asyncio.shield(self._rows)
        except RegisterUnavailable:  # the register's own part says so
            return ()
        return await cases.left_behind(client, rows)

    async def _payload_keys(self, client: Client) -> tuple[Finding, ...]:
        try:
            rows = await asyncio.shield(self._rows)
        except RegisterUnavailable:
            rows = ()
        return await cases.payload_keys(client, self.read.settings.payload_codec, await self._worker_keys(), rows)

    async def _stuck(self, client: Client) -> tuple[Finding, ...]:
        return await cases.stuck(client, self.read.settings.payload_codec, await self._worker_keys())

    async def _worker_keys(self) -> KeyRingMark | None:
        """The mark of the worker's keys; None too where the register hangs, which its own part says."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await aside(lambda: worker_ring(self.read.settings))
        except TimeoutError:
            return None

    async def _billing(self) -> tuple[Finding, ...]:
        settings = self.read.settings
        ask = lambda: ask_billing(settings)  # noqa: E731
        if settings.billing_over_http:
            return await databases.billing_system(settings.billing_url.get_secret_value(), ask)
        url = settings.billing_url.get_secret_value()
        return await databases.billing(lambda: check_billing(url), ask, url)

    async def _clocks(self) -> tuple[Finding, ...]:
        """Whether those who judge by the time agree on it: Temporal, the register's server, this machine."""
        askings: dict[str, Callable[[], Awaitable[datetime | None]]] = {
            "Temporal": self._time_at_temporal,
            "the register's database": lambda: aside(lambda: time_at_register(self._register_url)),
        }
        found: list[Finding] = []
        for whose, ask in askings.items():
            before = self.now()
            with contextlib.suppress(NotThere, ConfigurationError, RegisterUnavailable):
                if (time := await ask()) is not None:
                    found.append(_skew(whose, time - min(max(time, before), self.now())))
        return tuple(found)

    async def _time_at_temporal(self) -> datetime:
        return await temporal.time_at_server(await asyncio.shield(self._client))


def _skew(whose: str, ahead: timedelta) -> Finding:
    seconds = ahead.total_seconds()
    if abs(ahead) <= SKEW:
        return ok("clocks", f"{whose} and this machine agree")
    says = f"{whose} is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} this machine"
    return (broken if abs(ahead) > TOO_MUCH_SKEW else warning)("clocks", says, "set both by a time server (NTP)")


def _at_once(check: Callable[[], Iterable[Finding]]) -> Check:
    async def find() -> tuple[Finding, ...]:
        """The findings of a check that blocks."""
        return await aside(lambda: tuple(check()))

    return find
