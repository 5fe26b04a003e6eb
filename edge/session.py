"""What each command works with (settings, parts, the Temporal client on demand), and how its errors end it."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from temporalio.client import Client

from activities.billing import BillingUnavailable
from activities.papers import PapersUnavailable
from activities.register import RegisterUnavailable
from client.cases import workflow_id
from client.payload_keys import compare_with_case, compare_with_worker, newest_case
from client.problems import REFUSED, NotThere, Problem
from client.search_attributes import ensure_search_attributes
from composition.logs import configure_logging
from composition.parts import Parts, build, connect, with_channels
from composition.payload_keys import worker_ring
from composition.settings.loading import load_settings
from composition.settings.model import Settings
from edge.terminal import Printer, print_json, print_problem

AsJson = Annotated[bool, typer.Option("--json", help="one JSON object on stdout, refusals as JSON on stderr")]
Account = Annotated[str, typer.Argument(help="户号 account id", show_default=False)]


@dataclass
class Session:
    """What a command works with; Temporal is reached only if the command asks for it."""

    settings: Settings
    parts: Parts
    _client: Client | None = None

    async def server_client(self) -> Client:
        """The Temporal client, connected once, for questions to the server: no payload of a case passes through it."""
        if self._client is None:
            self._client = await connect(self.settings)
        return self._client

    async def client(self, account: str | None = None) -> Client:
        """The client for what a case is sent or asked, once its payload keys are known to be the worker's.

        PayloadKeysDiffer: they are not. If no worker has left the mark of its keys, the case of `account` is tried, or
        the newest one.
        """
        marked = await self.compare_keys()
        client = await self.server_client()
        if not marked:
            case = workflow_id(account) if account else await newest_case(client, self.settings.task_queue)
            await compare_with_case(client, self.settings.payload_codec, case)
        return client

    async def compare_keys(self) -> bool:
        """Whether a worker has left the mark of its keys; PayloadKeysDiffer: ours are others. Temporal is not asked."""
        worker = await asyncio.to_thread(worker_ring, self.settings)
        if worker is not None:
            compare_with_worker(self.settings.payload_codec, worker)
        return worker is not None

    async def opening_client(self, account: str | None = None) -> Client:
        """The client, with the namespace made ready to show cases. PayloadKeysDiffer as above."""
        client = await self.client(account)
        await ensure_search_attributes(client)
        return client

    def parts_with_channels(self) -> Parts:
        """The parts of a command that files messages: with `ARREARS_NOTIFY` they are queued, and a worker sends them.

        ConfigurationError: the routing table cannot be used.
        """
        return with_channels(self.parts, self.settings)

    @property
    def printer(self) -> Printer:
        """People read local times: those of the policy's zone."""
        return Printer(self.parts.policy.zone)

    @staticmethod
    def now() -> datetime:
        """The edge's clock: for questions to billing and the register, never to judge a message."""
        return datetime.now(UTC)


Act = Callable[[Session], Coroutine[Any, Any, Any]]


Show = Callable[[Any, Printer], None]


def run(as_json: bool, act: Act, show: Show) -> None:
    """Do `act`, and print its result as JSON or as `show` does; what goes wrong becomes a sentence and an exit code."""
    try:
        result, out = asyncio.run(_in_session(act))
    except Problem as problem:
        print_problem(problem, as_json)
        raise typer.Exit(problem.exit_code) from problem
    if as_json:
        print_json(result)
    else:
        show(result, out)


def end_with(problems: Sequence[Problem], as_json: bool) -> None:
    """What is wrong with a result that was printed all the same; if anything is, the command ends as refused."""
    for problem in problems[:1] if as_json else problems:  # a script reads one object on stderr, the rest on stdout
        print_problem(problem, as_json)
    if problems:
        raise typer.Exit(REFUSED)


async def _in_session(act: Act) -> tuple[Any, Printer]:
    settings = load_settings()
    configure_logging(settings.log_format)
    session = Session(settings, build(settings))
    try:
        return await act(session), session.printer
    except RegisterUnavailable as problem:
        raise NotThere("RegisterUnavailable", str(problem)) from problem
    except PapersUnavailable as problem:
        raise NotThere("PapersUnavailable", str(problem)) from problem
    except BillingUnavailable as problem:
        raise NotThere("BillingUnavailable", str(problem)) from problem
    except BrokenPipeError as problem:  # of a connection: what is printed is printed elsewhere
        lost = "a connection was closed from the other side; whether what was asked was done is not known: ask again"
        raise NotThere("ConnectionLost", lost) from problem
    finally:
        session.parts.close()
