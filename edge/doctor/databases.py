"""The doctor's check of register and billing: whether they answer, are whole, and writable."""

from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import make_url

from activities.billing import BillingUnavailable
from activities.register import RegisterUnavailable
from adapters.checkup.database import DatabaseChecked, advice
from composition.places import takes_nothing
from edge.doctor.finding import Finding, aside, broken, ok, warning


async def register(check: Callable[[], DatabaseChecked], url: str) -> tuple[Finding, ...]:
    """The register: reachable, whole, writable, its evidence guarded."""
    try:
        seen = await aside(check)
    except RegisterUnavailable as problem:
        return (broken("register", str(problem), f"{advice(url, problem)} (ARREARS_REGISTER_URL)"),)
    return tuple(_faults("register", seen, url)) or (
        ok("register", f"{seen.address}: whole, writable, evidence guarded"),
    )


async def billing(check: Callable[[], DatabaseChecked], ask: Callable[[], object], url: str) -> tuple[Finding, ...]:
    """The billing book: reachable, whole, writable, with customers and bills in it, and answering."""
    try:
        seen = await aside(check)
        if faults := tuple(_faults("billing", seen, url)):
            return faults
        await aside(ask)
    except BillingUnavailable as problem:
        return (broken("billing", str(problem), f"{advice(url, problem)} (ARREARS_BILLING_URL)"),)
    if empty := [name for name in ("customers", "bills") if name in seen.empty]:
        says = f"{seen.address}: no {' and no '.join(empty)}; whoever is asked for owes nothing"
        return (warning("billing", says, "python starter.py ingest FILE…, or correct ARREARS_BILLING_URL"),)
    if seen.one_meter:
        says = f"{seen.address}: accounts with one meter: {'; '.join(seen.one_meter)}"
        return (warning("billing", says, "find out whose the meter is, before one is cut off for the other"),)
    return (ok("billing", f"{seen.address}: whole, writable, with customers and bills"),)


async def billing_system(address: str, ask: Callable[[], object]) -> tuple[Finding, ...]:
    """The utility's own billing system, asked over HTTP: whether it answers as it must."""
    try:
        await aside(ask)
    except BillingUnavailable as problem:
        do = "see that the utility's system runs, or correct ARREARS_BILLING_URL, ARREARS_BILLING_TOKEN"
        return (broken("billing", str(problem), do),)
    return (ok("billing", f"{address}: answers"),)


def _faults(part: str, seen: DatabaseChecked, url: str) -> Iterator[Finding]:
    if not seen.made and (reason := takes_nothing(Path(make_url(url).database or "."))):
        do = f"give its user the right to write there, make room, or correct ARREARS_{part.upper()}_URL"
        yield broken(part, f"{seen.address}: is not there, and cannot be made: {reason}", do)
    elif not seen.made:
        says = f"{seen.address}: is not there yet"
        yield warning(part, says, f"the first worker makes it; if there was one, correct ARREARS_{part.upper()}_URL")
    if seen.missing:
        columns = [name for name in seen.missing if "." in name]
        says = f"{seen.address}: lacks {', '.join(seen.missing)}"
        if columns:
            yield broken(part, says, "it is of another version: bring its tables to this one before a worker starts")
        else:
            yield warning(part, says, "a worker makes them when it first reaches the database")
    if seen.unwritable:
        do = f"{advice(url, seen.unwritable)}; until then nothing goes forward"
        yield broken(part, f"{seen.address}: nothing can be written: {seen.unwritable}", do)
    if seen.unguarded:
        do = "find out who removed them, and anchor --check; docs/runbook.md, section 10, makes them anew"
        tables = " and ".join(seen.unguarded)
        yield broken(part, f"{seen.address}: triggers are gone that let {tables} only be added to (R-30)", do)
