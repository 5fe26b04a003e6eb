"""What the daily sweep and the doctor read of open cases."""

from domain.vocabulary import Contract, Day, Id, Moment, Stage


class OpenCase(Contract):
    """An open case as the daily sweep reads it: whose debt, and what it was when last read.

    `record_number`: which version of the customer's record it took last. `record_mark`: the mark of its account as it
    took that (R-32). Both are None in a case that has taken none yet.
    """

    account_id: Id
    workflow_id: Id
    case_key: Id
    debt_mark: str
    record_number: int | None = None
    record_mark: str | None = None
    supply_off: bool
    stage: Stage | None = None


class OpenRow(Contract):
    """A case that the register calls open. `followed`: its account has had a later one, and nobody closed this row."""

    case_key: Id
    account_id: Id
    workflow_id: str
    supply_off: bool
    followed: bool


class SweepPage(Contract):
    """The evidence of one page of a sweep (R-23): the accounts it read, and what it found.

    `counted` leaves out accounts that billing does not know: nobody read their debt. `missing` names the accounts whose
    debt has changed, or that have no supply, and whose case no workflow carries on. The last page of a finished sweep
    had no case left: it has counted none, and names no account.
    """

    sweep_id: Id
    page: int
    day: Day
    first_account: str
    last_account: str
    counted: int
    disconnected: int
    changed: int
    signalled: int
    missing: tuple[Id, ...] = ()
    at: Moment
