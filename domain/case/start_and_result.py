"""How a case starts and how it ends: the start input and the result of the workflow."""

from domain.case.closed_cut import PaidBeforeCut
from domain.case.facts import CaseFacts
from domain.law.policy import Policy
from domain.vocabulary import Contract, Id, Moment, Outcome


class CaseOpening(Contract):
    """The start input: an account and its frozen policy (the worker's own, if started by hand without one).

    `resumed` carries the whole case over continue-as-new; nobody else sets it. `paid_before_cut`: it is opened for the
    incident alone that this is, found once the case of the cut had closed (R-25).
    """

    account_id: Id
    policy: Policy | None = None
    resumed: CaseFacts | None = None
    paid_before_cut: PaidBeforeCut | None = None


class CaseClosed(Contract):
    """The result of a case."""

    account_id: str
    outcome: Outcome
    closed_at: Moment
    reason: str
