"""What is reported of a month to the government (R-29, III.5): which month, and its figures by name and unit."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints

from domain.vocabulary import Contract, CustomerClass, Id, IncidentKind, Moment, Money, Outcome, Role, Stage

_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)


def _is_month(value: str) -> str:
    if not _MONTH.fullmatch(value):
        raise ValueError('must be a month such as "2026-10"')
    return value


Month = Annotated[str, StringConstraints(strict=True, strip_whitespace=True), AfterValidator(_is_month)]
HoldKind = Literal["dispute", "hardship", "medical", "moratorium", "other"]


def month_before(moment: datetime, zone: ZoneInfo) -> str:
    """The calendar month before the one in which that moment lies, by the utility's local date."""
    local = moment.astimezone(zone)
    year, month = (local.year, local.month - 1) if local.month > 1 else (local.year - 1, 12)
    return f"{year}-{month:02}"


def bounds(month: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The month's first moment and the first moment after it, local midnights."""
    year, number = int(month[:4]), int(month[5:])
    after = (year, number + 1) if number < 12 else (year + 1, 1)
    return datetime(year, number, 1, tzinfo=zone), datetime(*after, 1, tzinfo=zone)


# ---- figures ----------------------------------------------------------------------------------
#
# Each event belongs to the month in which a case learned of it (`recorded_at`), whenever it happened: so each is in
# exactly one report, and a month that is over does not change. What "stands at the end" is as of the last moment of
# the month, read from the evidence until then.


class Debt(Contract):
    """What the cases owed: overdue principal, as billing answered.

    `brought_forward` + `opened_with` + `added` − `settled` − `left` = `owed`. `added` and `settled` are the rises and
    falls between two answers of billing; `left` is what was still owed where a case closed (withdrawn).
    """

    brought_forward: Money = Decimal("0.00")
    opened_with: Money = Decimal("0.00")
    added: Money = Decimal("0.00")
    settled: Money = Decimal("0.00")
    left: Money = Decimal("0.00")
    owed: Money = Decimal("0.00")


class Part(Contract):
    """The share of one customer class, reading centre or region (`name`; empty where it is not known)."""

    name: str
    opened: int = 0
    closed: int = 0
    open: int = 0
    debt: Debt = Debt()
    cuts: int = 0
    unauthorised: int = 0
    restored: int = 0
    breaches: int = 0


class Notices(Contract):
    """Notices of one kind. `delivered` counts as served; `void` came to nothing, `paid` became void by payment."""

    issued: int = 0
    delivered: int = 0
    refused: int = 0
    void: int = 0
    paid: int = 0


class RestorationTimes(Contract):
    """Restorations by hours, in whole minutes from the moment that the 24 hours ran from (R-25).

    `median` and `p90` are observed values: half, and nine tenths, had supply within them. `exception`: later than 24 h,
    within a declared exception (R-26). `before_due`: supply was back before anything asked for it.
    """

    restored: int = 0
    within_4: int = 0
    within_12: int = 0
    within_20: int = 0
    within_24: int = 0
    exception: int = 0
    later: int = 0
    before_due: int = 0
    median: int | None = None
    p90: int | None = None
    longest: int | None = None


class Supply(Contract):
    """Cuts, restorations, and how many meters have no supply when the month ends (`dark_`).

    `reported_unopened`: a missing supply reported of an account before billing could say whose it is.
    `after_nothing_owed`: cuts whose supply stayed off after their bills were settled; the longest in whole minutes.
    """

    cuts: int = 0
    unauthorised: int = 0
    reported_unopened: int = 0
    after_settlement: RestorationTimes = RestorationTimes()
    after_unauthorised: RestorationTimes = RestorationTimes()
    warnings: int = 0
    exceptions: int = 0
    breaches: int = 0
    after_nothing_owed: int = 0
    after_nothing_owed_longest: int | None = None
    dark_lawfully: int = 0
    dark_unauthorised: int = 0


class Incidents(Contract):
    """Incidents of one kind. Outcomes are free text about persons, and stay in the register (R-28)."""

    opened: int = 0
    closed: int = 0
    open: int = 0


class ImportantCustomer(Contract):
    """An important customer by account id, the name under which it was filed with the authority (R-14)."""

    account_id: Id
    filings: int = 0
    cuts: int = 0
    unauthorised: int = 0
    restored: int = 0


class StandingOrder(Contract):
    """A moratorium that stood in the month."""

    moratorium_id: Id
    scope: Literal["region", "class", "centre"]
    value: str
    reason: str
    starts_at: Moment
    ended_at: Moment | None = None


class Figures(Contract):
    """All that is reported of one month. No names, addresses, telephones, and no free text but a moratorium's."""

    month: Month
    begins_at: Moment
    ends_at: Moment
    timezone: Id
    currency: str
    whole: Part
    classes: tuple[Part, ...] = ()
    centres: tuple[Part, ...] = ()
    regions: tuple[Part, ...] = ()
    outcomes: dict[Outcome, int] = Field(default_factory=dict)
    stages: dict[Stage, dict[CustomerClass | Literal[""], int]] = Field(default_factory=dict)
    yellow: Notices = Notices()
    red: Notices = Notices()
    approved: dict[Role, int] = Field(default_factory=dict)
    rejected: dict[Role, int] = Field(default_factory=dict)
    supply: Supply = Supply()
    incidents: dict[IncidentKind, Incidents] = Field(default_factory=dict)
    important_open: int = 0
    important: tuple[ImportantCustomer, ...] = ()
    coordination: int = 0
    holds: dict[HoldKind, int] = Field(default_factory=dict)
    holds_ended: int = 0
    promises: int = 0
    promises_kept: int = 0
    promises_broken: int = 0
    plans: int = 0
    plans_kept: int = 0
    plans_broken: int = 0
    moratoria: tuple[StandingOrder, ...] = ()
