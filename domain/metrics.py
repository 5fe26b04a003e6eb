"""How all cases stand, in numbers: what is counted for whoever watches the procedure as a whole."""

from typing import Literal

from domain.report.due import ReportsDue
from domain.vocabulary import Contract, Moment, Role, Stage


class CasesCounted(Contract):
    """Open cases of one reading centre in one stage; `without_supply` of them have none."""

    centre: str
    stage: Stage
    cases: int
    without_supply: int


class RestorationDue(Contract):
    """A customer without supply, who must be restored by then (III.3)."""

    centre: str
    by: Moment


class IncidentsCounted(Contract):
    """Incidents of one kind, those with an outcome and those without, and when the oldest of these happened."""

    kind: str
    open: int
    closed: int
    oldest_open_at: Moment | None = None


class NoticesCounted(Contract):
    """Notices of open cases; `outcome` is how delivery ended, `none` while it has not."""

    kind: Literal["yellow", "red"]
    state: Literal["to_deliver", "delivered", "void"]
    outcome: str
    notices: int


class TicketsUnacknowledged(Contract):
    """Tickets of open cases that the field unit has not taken up, and since when the oldest lies there."""

    kind: Literal["cut", "restore"]
    tickets: int
    oldest_sent_at: Moment | None = None


class TasksCounted(Contract):
    """What one role is awaited for; `late` of it was due already."""

    role: Role
    tasks: int
    late: int


class UnsentCounted(Contract):
    """Messages to staff that no channel has accepted yet, and when the oldest of them was filed."""

    messages: int = 0
    oldest_filed_at: Moment | None = None


class Figures(Contract):
    """All of it, as of one moment of the register. `swept_at`: the start of the last daily sweep that was finished."""

    cases: tuple[CasesCounted, ...] = ()
    restorations_due: tuple[RestorationDue, ...] = ()
    incidents: tuple[IncidentsCounted, ...] = ()
    notices: tuple[NoticesCounted, ...] = ()
    unacknowledged: tuple[TicketsUnacknowledged, ...] = ()
    tasks: tuple[TasksCounted, ...] = ()
    unsent: UnsentCounted = UnsentCounted()
    reports: ReportsDue = ReportsDue()
    swept_at: Moment | None = None
