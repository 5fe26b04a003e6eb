"""Closing by hand the rows of cases that were ended in Temporal: such a case cannot do it any more."""

import asyncio
from typing import Any

from temporalio.client import Client
from temporalio.service import RPCError

from client.cases import running, unavailable, workflow_id
from client.problems import Problem
from domain.case.terminated import closed_by_hand
from domain.record.case_file import CaseFile
from domain.vocabulary import Actor
from edge.session import Session

MAY_CLOSE_INCIDENTS = ("centre_director", "company_leader")


async def close_rows(session: Session, account: str, by: Actor, reason: str, outcome: str | None) -> dict[str, Any]:
    """Close every open row of the account that no workflow carries on.

    Problem: there is none; the customer is without supply and has no case; an incident is open, and has no outcome yet.
    """
    runs = await _running(await session.server_client(), account)
    files = await asyncio.to_thread(_open_files, session, account)
    left = [file for file in files if file.case.case_key != runs]
    if not files:
        raise Problem("NothingToClose", f"the register has no open row of account {account}")
    if not left:
        raise Problem(
            "NothingToClose", f"the case of account {account} runs, and closes its row itself; withdraw ends it"
        )
    if left[-1].case.supply_off and runs is None and left[-1].case.case_key == files[-1].case.case_key:
        sentence = f"account {account} is without supply, and has no case: have it restored first (supply-found-cut)"
        raise Problem("StillDark", sentence, {"rule": "R-27", "clause": "III.4"})
    if incidents := [i.incident_id for file in left for i in file.incidents if i.outcome is None]:
        _check_outcome(incidents, by, outcome)
    for file in left:
        record = closed_by_hand(file, by, reason, outcome, session.now())
        await asyncio.to_thread(session.parts.register.write, record)
    return {"account_id": account, "closed": [file.case.case_key for file in left], "incidents_closed": incidents}


def _check_outcome(incidents: list[str], by: Actor, outcome: str | None) -> None:
    details = {"rule": "R-28", "clause": "III.4"}
    if outcome is None:
        sentence = f"incidents without an outcome: {', '.join(incidents)}; give it by --outcome"
        raise Problem("MissingEvidence", sentence, {"field": "outcome", **details})
    if by.role not in MAY_CLOSE_INCIDENTS:
        sentence = f"an incident is closed by {' or '.join(MAY_CLOSE_INCIDENTS)}, not by {by.role}"
        raise Problem("NotAllowed", sentence, {"field": "role", **details})


def _open_files(session: Session, account: str) -> list[CaseFile]:
    """The account's open cases, oldest first."""
    reader = session.parts.reader
    files = [reader.case_file(account, key) for key in reader.case_keys(account)]
    return [file for file in files if file is not None and file.case.closed_at is None]


async def _running(client: Client, account: str) -> str | None:
    """The key of the case that runs; None if none does."""
    try:
        case = await running(client, workflow_id(account))
    except RPCError as problem:
        raise unavailable(problem) from problem
    return case.raw_description.workflow_execution_info.first_run_id if case else None
