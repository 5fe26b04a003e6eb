"""The doctor's check of the cases: stuck ones, open rows that no workflow carries on, payload keys."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence

from temporalio.api.common.v1 import Payload
from temporalio.client import Client

from client.cases import running
from client.payload_codec import EncryptedPayloads
from client.payload_keys import ring_of, start_payloads, unreadable
from domain.record.key_ring import KeyRingMark, difference
from domain.record.sweep import OpenRow
from edge.doctor.finding import Finding, broken, ok, warning

RUNNING = "WorkflowType = 'ArrearsCase' AND ExecutionStatus = 'Running'"
NAMED = 20
"""Accounts named in a sentence; --json has no more."""
SAMPLES = 5
_AT_ONCE = 20


async def stuck(client: Client, codec: EncryptedPayloads | None, worker: KeyRingMark | None) -> tuple[Finding, ...]:
    """Cases that no message moves: what they were started with is closed to the worker, or code and history disagree.

    The keys come first: a case stuck by them fails like one that the code does not fit, and must live on.
    """
    query = f"TemporalReportedProblems IS NOT NULL AND {RUNNING}"
    count = (await client.count_workflows(query)).count
    if not count:
        return (ok("cases", f"{(await client.count_workflows(RUNNING)).count} running, none stuck"),)
    names = [found.id async for found in client.list_workflows(query, page_size=NAMED, limit=NAMED)]
    whys = await asyncio.gather(*(_closed_to_worker(client, codec, worker, name) for name in names))
    by_keys = {name: why for name, why in zip(names, whys, strict=True) if why}
    others = [name for name in names if name not in by_keys]
    more = f" and {count - len(names)} more" if count > len(names) else ""
    return tuple(_stuck(by_keys, others, more))


def _stuck(by_keys: Mapping[str, str], others: Sequence[str], more: str) -> Iterator[Finding]:
    if by_keys:
        why = next(iter(by_keys.values()))
        says = f"stuck by their payload keys, not by their code: {_accounts(by_keys)}{'' if others else more}: {why}"
        yield broken("cases", says, _KEYS_BACK)
    if others:
        do = (
            "docs/runbook.md, section 3 if since a roll-out, else section 4; if payload keys were changed since,"
            " first docs/security.md, Changing keys"
        )
        says = f"stuck, their workflow tasks fail: {_accounts(others)}{more}"
        yield broken("cases", says, do)


_KEYS_BACK = (
    "terminate none of them. Opened in clear: ARREARS_PAYLOAD_PLAIN=accept; encrypted: put the key back into"
    " ARREARS_PAYLOAD_KEYS; then start the workers anew (docs/security.md, Changing keys)"
)


def _accounts(workflows: Iterable[str]) -> str:
    return ", ".join(name.removeprefix("arrears-") for name in workflows)


async def _closed_to_worker(
    client: Client, codec: EncryptedPayloads | None, worker: KeyRingMark | None, name: str
) -> str | None:
    """Why the worker cannot read what the case was started with; None if it can. Without its mark, by our own keys."""
    started = await start_payloads(client, name)
    return _closed_to(worker, started) if worker else unreadable(started, codec, client.namespace, name)


def _closed_to(worker: KeyRingMark, started: Iterable[Payload]) -> str | None:
    for key_id in map(EncryptedPayloads.key_of, started):
        if key_id is None and worker.keys and not worker.accepts_plain:
            return "opened in clear, and the worker lets no plain payload in"
        if key_id is not None and not worker.names(key_id):
            return f"encrypted by key {key_id}, which the worker does not have"
    return None


async def left_behind(client: Client, rows: Sequence[OpenRow]) -> tuple[Finding, ...]:
    """Rows that the register calls open, and that no workflow carries on: terminated by hand, or lost with a server."""
    listed = {workflow.id async for workflow in client.list_workflows(RUNNING, page_size=1_000)}
    alone = [row for row in rows if not row.followed and row.workflow_id not in listed]
    # The list is some seconds late, so each of these is asked for by name.
    gate = asyncio.Semaphore(_AT_ONCE)

    async def runs(row: OpenRow) -> bool:
        """Whether a workflow carries this row on."""
        async with gate:
            return await running(client, row.workflow_id) is not None

    there = await asyncio.gather(*(runs(row) for row in alone))
    alone = [row for row, found in zip(alone, there, strict=True) if not found]
    return tuple(_unattended(alone, [row for row in rows if row.followed])) or (
        ok("open rows", f"each of the register's {len(rows)} open cases is carried on by a workflow"),
    )


def _unattended(alone: Sequence[OpenRow], followed: Sequence[OpenRow]) -> Iterator[Finding]:
    without_supply, supplied = [r for r in alone if r.supply_off], [r for r in alone if not r.supply_off]
    if without_supply:
        says = f"without supply, and no case carries them on: {_names(without_supply)}"
        do = "restoration first: starter.py supply-found-cut ACCOUNT --source operator … (docs/runbook.md, section 4)"
        yield broken("open rows", says, do)
    if supplied:
        says = f"open in the register, and no case carries them on: {_names(supplied)}"
        do = "starter.py overdue ACCOUNT opens those anew that still owe; then starter.py close-row ACCOUNT"
        yield warning("open rows", says, do)
    if followed:
        says = f"rows of earlier cases, ended in Temporal and never closed: {_names(followed)}"
        yield warning("open rows", says, "starter.py close-row ACCOUNT takes them off the lists")


def _names(rows: Sequence[OpenRow]) -> str:
    accounts = sorted({row.account_id for row in rows})
    more = f" and {len(accounts) - NAMED} more" if len(accounts) > NAMED else ""
    return ", ".join(accounts[:NAMED]) + more


async def payload_keys(
    client: Client, codec: EncryptedPayloads | None, worker: KeyRingMark | None, rows: Sequence[OpenRow]
) -> tuple[Finding, ...]:
    """Whether our keys are the worker's, and open what the oldest and the newest of the open cases started with."""
    part = "payload keys"
    newest = [w.id async for w in client.list_workflows(RUNNING, page_size=SAMPLES, limit=SAMPLES)]
    oldest = [row.workflow_id for row in rows if not row.followed][:SAMPLES]
    tried = 0
    for name in dict.fromkeys((*oldest, *newest)):
        started = await start_payloads(client, name)
        if why := unreadable(started, codec, client.namespace, name):
            if codec is None:
                return (broken(part, f"{name} is encrypted, and no key is set", "set ARREARS_PAYLOAD_KEYS"),)
            do = (
                "put the key that it was encrypted by back into ARREARS_PAYLOAD_KEYS; if it never was, let plain"
                " payloads in for a while: ARREARS_PAYLOAD_PLAIN=accept (docs/security.md)"
            )
            return (broken(part, f"{name}: {why}", do),)
        if worker is not None and (why := _closed_to(worker, started)) is not None:
            return (broken(part, f"{name} was {why}", _KEYS_BACK),)
        tried += 1
    if worker is not None and (why := difference(ring_of(codec), worker)) is not None:
        do = "give worker and commands the same ARREARS_PAYLOAD_KEYS: commands send nothing before (docs/security.md)"
        return (broken(part, why, do),)
    with_ = f"encrypted by {codec.ring.first}" if codec else "not encrypted"
    can = f"the {tried} open cases tried can be read" if tried else "no open case to try it on"
    return (ok(part, f"{with_}; {can}"),)
