"""A moratorium on record, and the cases that it covers."""

from typing import Literal

from domain.vocabulary import Contract, Id, Moment, Stage, Text


class Moratorium(Contract):
    """A standing order not to cut; `value` is a region, a customer class or a reading centre, as `scope` says."""

    moratorium_id: Id
    scope: Literal["region", "class", "centre"]
    value: Id
    reason: Text
    starts_at: Moment
    until: Moment | None = None
    declared_by: Id
    declared_at: Moment
    lifted_by: str | None = None
    lifted_at: Moment | None = None


class CoveredCase(Contract):
    """An open case that a moratorium covers; `notice_id` and `cut_at` are those of its standing red notice."""

    account_id: Id
    case_key: Id
    workflow_id: str
    stage: Stage
    policy: str
    field_unit: str | None = None
    notice_id: str | None = None
    cut_at: Moment | None = None


class PermitOut(Contract):
    """A permit to cut that is out: it was granted, and nothing says that it ended."""

    account_id: Id
    permit_id: Id
    valid_until: Moment
