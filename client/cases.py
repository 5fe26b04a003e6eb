"""The public contract from outside: open or join a case, signal it, ask it, and name what was refused."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError
from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
    WorkflowUpdateStage,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from client.converter import ENCODED
from client.problems import NotThere, Problem
from client.silence import BY_FORCE, NOT_KNOWN, SLOW, STUCK, why_silent
from domain.case.start_and_result import CaseOpening
from domain.contract.signals import SupplyFoundCut
from domain.contract.tables import OPENING_SIGNALS, SIGNALS, UPDATES
from domain.contract.updates import ReportCut
from domain.law.policy import Policy
from domain.vocabulary import Contract

WORKFLOW_TYPE = "ArrearsCase"
PATIENCE = timedelta(seconds=30)
PAUSES = (1, 2, 4, 8, 15)
"""Seconds between tries while a server is too busy to answer."""

DOES_NOT_REPLAY = "TMPRL1100"
"""Temporal's code for a case whose code, or whose payload keys, do not lead through its own history."""
_SILENCE = (RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED, RPCStatusCode.FAILED_PRECONDITION)
"""The last: asked before any worker had taken the case up, or while its workflow task fails."""

T = TypeVar("T")
Payload = Contract | Mapping[str, Any]


class BadRequest(Problem):
    """The message itself is wrong; `field` says where. It was not sent."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__("BadRequest", message, {"field": field} if field else None)


class Refused(Problem):
    """The case refused; it is unchanged. Type and details are the contract's."""


class NoCase(Problem):
    """The account has no running case; `ended`: how its last workflow ended, if by force."""

    def __init__(self, account_id: str, ended: str | None = None) -> None:
        by_force = (
            f": its workflow was {ended}, and nothing carries it on (docs/runbook.md, section 4)" if ended else ""
        )
        super().__init__("NoCase", f"account {account_id} has no running case{by_force}")


class NoAnswer(NotThere):
    """The case did not answer in time: neither a grant nor a refusal; `why` says what is known of its silence."""

    def __init__(self, account_id: str, waited: timedelta, why: str = NOT_KNOWN) -> None:
        super().__init__(
            "NoAnswer",
            f"no answer for account {account_id} within {waited.total_seconds():g} s: this is neither a yes nor a no. "
            f"{why}",
        )


class AnswerUnread(NotThere):
    """The case has answered, and the answer cannot be read here: neither refused nor done, as far as we can know."""

    def __init__(self, account_id: str, why: str) -> None:
        super().__init__(
            "AnswerUnread",
            f"the case of account {account_id} has answered, and its answer cannot be read here ({why}): this is"
            f" neither refused nor done. `python starter.py proof {account_id}` shows what happened; then give this"
            " program the worker's ARREARS_PAYLOAD_KEYS (docs/security.md).",
        )


class QueryFailed(NotThere):
    """The case could not be read: its code does not get as far as an answer."""

    def __init__(self, account_id: str, why: str) -> None:
        super().__init__("QueryFailed", f"the case of account {account_id} could not be read: {why}")


class TemporalUnavailable(NotThere):
    """The Temporal server did not do what was asked of it."""

    def __init__(self, message: str) -> None:
        super().__init__("TemporalUnavailable", message)


def workflow_id(account_id: str) -> str:
    """The id of the account's case."""
    return f"arrears-{account_id}"


def parse(name: str, data: Any) -> Contract:
    """The payload of a message from raw JSON data. BadRequest names the first field that is wrong."""
    spec = SIGNALS.get(name) or UPDATES[name]
    if not isinstance(data, Mapping):
        raise BadRequest(f"{name} takes one JSON object")
    message: Contract = checked(spec.payload, data)
    return message


def checked(kind: Any, value: Any, whole: str = "") -> Any:
    """The value as what it must be. BadRequest names the field, or `whole` where the value has none."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or whole
        text = first["msg"].removeprefix("Value error, ")
        raise BadRequest(f"{field}: {text}" if field else text, field or None) from None


async def open_or_join(
    client: Client,
    account_id: str,
    name: str,
    payload: Payload,
    *,
    policy: Policy | None,
    task_queue: str,
    summary: str | None = None,
) -> Literal["opened", "joined"]:
    """Signal the account's running case, or start one with this signal; one request to the server either way.

    `name` is one of the opening signals. The start input carries the account id and the frozen policy alone.
    """
    assert name in OPENING_SIGNALS
    opening = CaseOpening(account_id=account_id, policy=policy)
    try:
        handle: WorkflowHandle[Any, Any] = await client.start_workflow(
            WORKFLOW_TYPE,
            opening,
            id=workflow_id(account_id),
            task_queue=task_queue,
            start_signal=name,
            start_signal_args=[_wire(name, payload)],
            static_summary=summary,
        )
    except RPCError as problem:
        raise unavailable(problem) from problem
    # The server says whether it started one; the SDK keeps that answer, but offers no public name for it.
    response = getattr(handle, "_start_workflow_response", None)
    return "opened" if response is None or response.started else "joined"


async def signal(client: Client, account_id: str, name: str, payload: Payload) -> None:
    """Signal to the running case what happened. NoCase: there is none."""
    try:
        await client.get_workflow_handle(workflow_id(account_id)).signal(name, _wire(name, payload))
    except RPCError as problem:
        raise _translated(problem, account_id) from problem


async def update(
    client: Client,
    account_id: str,
    name: str,
    payload: Payload,
    *,
    update_id: str | None = None,
    patience: timedelta = PATIENCE,
) -> dict[str, Any]:
    """Ask the running case, and wait for its answer: at most `patience`, then NoAnswer.

    Refused, NoCase, AnswerUnread as named.

    The same `update_id` again gives the first answer.
    """
    handle = client.get_workflow_handle(workflow_id(account_id))
    request = _wire(name, payload)
    async with _answered(client, account_id, patience):
        answered = await handle.start_update(
            name, request, id=update_id, result_type=dict, wait_for_stage=WorkflowUpdateStage.COMPLETED
        )
        try:
            answer: Any = await answered.result()
        except (WorkflowUpdateFailedError, RPCError, asyncio.CancelledError):
            raise
        except Exception as problem:  # whatever a converter says of it: the case has answered, and we cannot read what
            raise AnswerUnread(account_id, _in_short(problem)) from problem
    return answer or {}


async def query(client: Client, account_id: str, name: str, *, patience: timedelta = PATIENCE) -> Any:
    """Query a case, running or closed. NoCase, NoAnswer, AnswerUnread, QueryFailed as named."""
    handle = client.get_workflow_handle(workflow_id(account_id))
    async with _answered(client, account_id, patience):
        try:
            return await handle.query(name)
        except (WorkflowQueryFailedError, WorkflowQueryRejectedError) as problem:
            why = await why_silent(client, handle.id)
            if DOES_NOT_REPLAY in str(problem):
                raise NoAnswer(account_id, patience, STUCK if why == SLOW else why) from problem
            raise QueryFailed(account_id, f"{_in_short(problem)}. {why}") from problem
        except (RPCError, asyncio.CancelledError):
            raise
        except Exception as problem:  # as above: the answer is here, and cannot be read
            raise AnswerUnread(account_id, _in_short(problem)) from problem


async def running(client: Client, workflow: str) -> WorkflowExecutionDescription | None:
    """What the server says of the run of that workflow id that goes on; None: none does. RPCError: no answer."""
    try:
        described = await client.get_workflow_handle(workflow).describe()
    except RPCError as problem:
        if problem.status == RPCStatusCode.NOT_FOUND and not _namespace_is_missing(problem):
            return None
        raise
    return described if described.status == WorkflowExecutionStatus.RUNNING else None


async def ended_by_force(client: Client, account_id: str) -> str | None:
    """How the account's latest case ended otherwise than by its own result, in Temporal's word; None: it did not."""
    try:
        described = await client.get_workflow_handle(workflow_id(account_id)).describe()
    except RPCError as problem:
        raise _translated(problem, account_id) from problem
    return BY_FORCE.get(described.status) if described.status else None


@contextlib.asynccontextmanager
async def _answered(client: Client, account_id: str, patience: timedelta) -> AsyncIterator[None]:
    """What is asked within is answered in that time; silence is NoAnswer, what is refused or wrong is named."""
    try:
        async with asyncio.timeout(patience.total_seconds()):
            yield
    except WorkflowUpdateFailedError as problem:
        raise _refused(problem.cause, account_id) from problem
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as problem:
        raise NoAnswer(account_id, patience, await why_silent(client, workflow_id(account_id))) from problem
    except RPCError as problem:
        if problem.status in _SILENCE:
            raise NoAnswer(account_id, patience, await why_silent(client, workflow_id(account_id))) from problem
        translated = _translated(problem, account_id)
        if isinstance(translated, NoCase):
            with contextlib.suppress(Problem):  # the server knows of no workflow at all
                translated = NoCase(account_id, await ended_by_force(client, account_id))
        raise translated from problem


async def report_cut(
    client: Client,
    account_id: str,
    payload: ReportCut,
    *,
    policy: Policy | None,
    task_queue: str,
    update_id: str | None = None,
) -> dict[str, Any]:
    """Report a cut; to no case it becomes `supply_found_cut`: a cut without a case is an unauthorised one (R-27)."""
    try:
        return await update(client, account_id, "report_cut", payload, update_id=update_id)
    except NoCase:
        pass
    # The same report sent twice must be one report, so its id comes from what it says.
    fingerprint = hashlib.sha256(f"{account_id}|{payload.model_dump_json()}".encode()).hexdigest()
    found = SupplyFoundCut(
        report_id=update_id or f"report-cut-{fingerprint[:16]}",
        meter_id=payload.meter_id,
        reported_by=payload.actor.id,
        source=payload.actor.role,
        at=payload.at,
    )
    how = await open_or_join(
        client, account_id, "supply_found_cut", found, policy=policy, task_queue=task_queue, summary=None
    )
    return {"lawful": False, "sent": "supply_found_cut", "case": how, "workflow_id": workflow_id(account_id)}


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask again, for half a minute, a server that gives no answer: thousands of cases at once may well overload it.

    Opening twice by this is harmless, only counted as a joining: the case takes an event once.
    """
    for pause in PAUSES:
        try:
            return await ask()
        except (TemporalUnavailable, NoAnswer):
            await asyncio.sleep(pause)
    return await ask()


def _wire(name: str, payload: Payload) -> dict[str, Any]:
    contract = payload if isinstance(payload, Contract) else parse(name, payload)
    return contract.model_dump(mode="json", exclude_none=True)


def _refused(cause: BaseException, account_id: str) -> Problem:
    if cause.args and cause.args[0] == ENCODED:
        return AnswerUnread(account_id, "it is encrypted")
    if not isinstance(cause, ApplicationError):
        return NotThere("Failed", f"the case could not answer: {cause}")
    if cause.type == "AcceptedUpdateCompletedWorkflow":
        return NoCase(account_id)
    details = cause.details[0] if cause.details and isinstance(cause.details[0], Mapping) else {}
    return Refused(cause.type or "Failed", cause.message, details)


def _translated(problem: RPCError, account_id: str) -> Problem:
    if problem.status == RPCStatusCode.NOT_FOUND and not _namespace_is_missing(problem):
        return NoCase(account_id)
    return NoAnswer(account_id, PATIENCE) if problem.status in _SILENCE else unavailable(problem)


def _in_short(problem: BaseException) -> str:
    """The first line of what a library says, without the quotes that a KeyError puts around it."""
    text = str(problem.args[0]) if isinstance(problem, KeyError) and problem.args else str(problem)
    return (text.strip().splitlines() or [type(problem).__name__])[0][:200]


def unavailable(problem: RPCError) -> Problem:
    """What a failed request to the server means to the person who made it."""
    if problem.status == RPCStatusCode.INVALID_ARGUMENT:
        return BadRequest(f"Temporal does not take it: {problem.message}")
    if _namespace_is_missing(problem):
        return TemporalUnavailable(
            f"{problem.message} Create it (temporal operator namespace create), or correct TEMPORAL_NAMESPACE."
        )
    return TemporalUnavailable(f"Temporal gave no answer ({problem.status.name}): {problem.message}")


def _namespace_is_missing(problem: RPCError) -> bool:
    return problem.status == RPCStatusCode.NOT_FOUND and problem.message.startswith("Namespace")
