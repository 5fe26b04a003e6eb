"""What another policy would have done to a recorded case: the same people, each as quick as he was, other terms.

The times are those of the legal clock (`domain.law.clock`), started from what the register holds. Nothing is
guessed: where a recorded act does not say what would have been, the answer is `unknown`, with the reason.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import zip_longest
from typing import Literal

from domain.law import clock
from domain.law.calendar import Calendar
from domain.law.policy import Policy
from domain.proof.reading import Reading, amount, in_the_order_of_the_case, moment
from domain.record.case_file import CaseFile
from domain.record.reasons import codes
from domain.replay.recorded_attempts import RecordedProcedure, Tried, recorded_procedures, stops
from domain.vocabulary import Contract, Id, Moment

Verdict = Literal["not_reached", "later", "earlier", "possible", "unchanged", "unknown"]
_LATE = codes("not_delivered_in_time", "delivered_too_late")
_AT_THE_TICKET = codes("not_approved_in_time", "refusal_not_acknowledged", "filing_missing", "day_barred")
_BY_A_PERSON = codes("served_again", "rejected", "rejected_saying")
_BY_THE_RECORD = codes("holder_changed", "address_changed", "meter_changed", "class_changed", "another_unit")
_WITH_THE_PROCEDURE = codes("settled", "withdrawn")


class Replayed(Contract):
    """One procedure of a case under the other policy; `march` counts them.

    `not_reached`: paid, or never begun, before the cut would have come. `possible`: nobody was cut off, but the law
    would have allowed it before he paid. `later`, `earlier`, `unchanged`: the cut, or the time stated for it, moves.
    `cut_at` is what happened, or is stated; `then_at` what would have; `days` between them, in local dates.
    """

    account_id: Id
    case_key: Id
    march: int
    recorded_under: str
    replayed_under: str
    verdict: Verdict
    was_cut: bool
    cut_at: Moment | None = None
    then_at: Moment | None = None
    paid_at: Moment | None = None
    days: int = 0
    notices: int
    notices_then: int
    crew_days: int
    crew_days_then: int
    why_zh: str = ""
    why_en: str = ""


@dataclass(frozen=True)
class _Then:
    """The procedure under the other policy: when each notice goes out, when the crew does, and T."""

    issued: tuple[datetime, ...]
    crew: tuple[datetime, ...]
    cut_at: datetime


class _Cannot(Exception):
    """Why it cannot be replayed, in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


@dataclass
class _Clock:
    """The legal clock under the other policy, and what it has been asked so far."""

    policy: Policy
    calendar: Calendar
    issued: list[datetime] = field(default_factory=list)
    crew: list[datetime] = field(default_factory=list)


def replay(file: CaseFile, policy: Policy, calendar: Calendar, recorded: Policy | None = None) -> tuple[Replayed, ...]:
    """Every procedure of the case under that policy; none where the case has issued no notice.

    `calendar` holds the holidays from the first notice on, far enough; the seasons are the policy's. `recorded` is the
    policy the case had, where it is known: it separates an act that came late from one that was not due yet.
    """
    r = Reading(in_the_order_of_the_case(file), policy)
    seasons = policy.seasons_for(file.case.customer_class or "residential")
    protected = calendar.model_copy(update={"seasons": seasons})
    return tuple(
        _in_its_zone(_one(r, procedure, number, policy, protected, recorded), policy)
        for number, procedure in enumerate(recorded_procedures(r), start=1)
    )


def _in_its_zone(replayed: Replayed, policy: Policy) -> Replayed:
    """The same, with every time in the utility's zone, whether recorded or computed."""
    times = {"cut_at": replayed.cut_at, "then_at": replayed.then_at, "paid_at": replayed.paid_at}
    return replayed.model_copy(update={name: at and at.astimezone(policy.zone) for name, at in times.items()})


def _one(
    r: Reading, procedure: RecordedProcedure, number: int, policy: Policy, calendar: Calendar, recorded: Policy | None
) -> Replayed:
    if r.first("policy.changed"):
        recorded = r.terms(procedure.yellows[0].issued)
    last = procedure.notices[-1]
    happened = procedure.cut.report.at if procedure.cut else last.stated
    known = r.file.evidence[-1].recorded_at
    replayed = Replayed(
        account_id=r.file.case.account_id,
        case_key=r.file.case.case_key,
        march=number,
        recorded_under=r.file.case.policy,
        replayed_under=policy.label,
        verdict="unchanged",
        was_cut=procedure.cut is not None,
        cut_at=happened,
        paid_at=procedure.paid_at,
        notices=len(procedure.notices),
        notices_then=len(procedure.notices),
        crew_days=sum(t.crew_was_out for t in procedure.reds) + procedure.restored,
        crew_days_then=sum(t.crew_was_out for t in procedure.reds) + procedure.restored,
    )
    if amount(procedure.yellows[0].issued, "amount") < policy.least_debt:
        en = f"the debt is below {policy.least_debt}, and no notice would have been issued"
        zh = f"欠费低于 {policy.least_debt}，不会开具通知"
        nothing = {"notices_then": 0, "crew_days_then": 0, "why_zh": zh, "why_en": en}
        return replayed.model_copy(update={"verdict": "not_reached" if procedure.cut else "unchanged", **nothing})
    try:
        then = _then(r, procedure, _Clock(policy, calendar), recorded)
        _nothing_stopped_it(r, procedure, max(then.cut_at, happened, procedure.ended_at or happened))
    except _Cannot as why:
        return replayed.model_copy(update={"verdict": "unknown", "why_zh": why.zh, "why_en": why.en})
    # What was paid or ended by then stops the procedure there; an open one is followed as far as the record reaches.
    end = procedure.paid_at or procedure.ended_at
    reached = end is None or then.cut_at < end
    goes_to = end or max(known, then.cut_at if procedure.cut else known)
    days = (r.day(then.cut_at) - r.day(happened)).days
    return replayed.model_copy(
        update={
            "verdict": _verdict(procedure, reached, happened, then.cut_at),
            "then_at": then.cut_at,
            "days": days,
            "notices_then": sum(at < goes_to for at in then.issued),
            "crew_days_then": _crew_days(procedure, then, goes_to, reached=reached),
        }
    )


def _verdict(procedure: RecordedProcedure, reached: bool, happened: datetime, then_at: datetime) -> Verdict:
    if procedure.cut is not None and not reached:
        return "not_reached"
    if procedure.cut is None and (procedure.paid_at or procedure.ended_at):
        return "possible" if reached else "unchanged"
    if then_at == happened:
        return "unchanged"
    return "later" if then_at > happened else "earlier"


def _crew_days(procedure: RecordedProcedure, then: _Then, goes_to: datetime, *, reached: bool) -> int:
    out = sum(at < goes_to for at in then.crew)
    if procedure.cut is None and (procedure.paid_at or procedure.ended_at) and reached:
        return out + 2  # to cut, and to restore
    return out + (procedure.restored and reached)


# ---- the procedure under the other policy -----------------------------------------------------


def _then(r: Reading, procedure: RecordedProcedure, other: _Clock, recorded: Policy | None) -> _Then:
    issue = procedure.began
    for tried, following in zip_longest(procedure.yellows, procedure.yellows[1:]):
        schedule = clock.yellow_schedule(issue, _oldest(r, tried), other.policy, other.calendar)
        by = clock.yellow_deliver_by(schedule.deadline, other.policy)
        other.issued.append(issue)
        if tried.served is not None:
            _must_be_timely(tried, issue, by)
            served = _after(issue, tried.served.at - tried.issued.at)
            due = clock.red_issue_time(schedule.deadline, schedule.cut_at, other.policy)
            late = _lateness(procedure, tried, recorded)
            return _reds(r, procedure, _after(max(due, served), late), schedule.cut_at, other)
        if tried.void is None or following is None:
            return _Then(tuple(other.issued), (), schedule.cut_at)
        void = _void_then(tried, issue, schedule.cut_at, by, other)
        issue = _after(void, following.issued.at - tried.void.at)
    raise AssertionError("a procedure has a yellow notice")


def _reds(r: Reading, procedure: RecordedProcedure, issue: datetime, stated: datetime, other: _Clock) -> _Then:
    """The red notices in turn; without one on record, the one that would have been issued."""
    for tried, following in zip_longest(procedure.reds, procedure.reds[1:]):
        schedule = clock.red_schedule(issue, stated, _oldest(r, tried), other.policy, other.calendar)
        by = clock.red_deliver_by(schedule.cut_at, other.policy)
        other.issued.append(issue)
        if tried.crew_was_out:
            other.crew.append(clock.final_notice_time(schedule.cut_at, other.policy))
        if tried.served is not None:
            _must_be_timely(tried, issue, by)
            _must_be_approved(tried, issue, schedule.cut_at, other.policy)
        if tried.void is None or tried.void_reason in _WITH_THE_PROCEDURE:
            after = procedure.cut.report.at - tried.stated if procedure.cut else timedelta()
            return _Then(tuple(other.issued), tuple(other.crew), _after(schedule.cut_at, after))
        issue = _void_then(tried, issue, schedule.cut_at, by, other)
        if following is not None:
            issue = _after(issue, following.issued.at - tried.void.at)
        elif procedure.paid_at is None and procedure.ended_at is None:
            raise _Cannot("等候由人决定是否重新通知", "it waits for a person to say whether to serve again")
    schedule = clock.red_schedule(issue, stated, _oldest(r, procedure.notices[-1]), other.policy, other.calendar)
    return _Then((*other.issued, issue), tuple(other.crew), schedule.cut_at)


def _lateness(procedure: RecordedProcedure, yellow: Tried, recorded: Policy | None) -> timedelta:
    """By how much the first red notice was issued later than it was due: an outage, or billing that was silent."""
    deadline = moment(yellow.issued, "deadline")
    if recorded is None or not procedure.reds or deadline is None or yellow.served is None:
        return timedelta()
    due = clock.red_issue_time(deadline, yellow.stated, recorded)
    return max(procedure.reds[0].issued.at - max(due, yellow.served.at), timedelta())


def _after(moment: datetime, elapsed: timedelta) -> datetime:
    return moment.astimezone(UTC) + elapsed


def _void_then(tried: Tried, issue: datetime, cut_at: datetime, deliver_by: datetime, other: _Clock) -> datetime:
    """When a void notice would have been void: late at its last moment, slipped as long before or after its T."""
    assert tried.void is not None
    reason = tried.void_reason
    if reason in _LATE:
        if tried.delivered_at is None:
            return deliver_by
        delivered = _after(issue, tried.delivered_at - tried.issued.at)
        if delivered <= deliver_by:
            raise _Cannot(
                f"{_day(tried.issued.at)} 的通知书当时送达过迟，按该规则则为及时，其后之事无记录",
                f"the notice of {_day(tried.issued.at)} came too late, and would have been in time; what would have"
                " followed is not on record",
            )
        return max(deliver_by, delivered)
    if reason in _AT_THE_TICKET:
        return clock.ticket_time(cut_at, other.policy)
    if reason in _BY_A_PERSON | _BY_THE_RECORD or tried.issued.detail.get("kind") == "yellow":
        return _after(issue, tried.void.at - tried.issued.at)
    return _after(cut_at, tried.void.at - tried.stated)


def _must_be_timely(tried: Tried, issue: datetime, by: datetime) -> None:
    assert tried.delivered_at is not None, "what was served was delivered"
    took = tried.delivered_at - tried.issued.at
    if _after(issue, took) > by:
        raise _Cannot(
            f"通知书用了 {_span(took)} 送达，按该规则即为过迟，其后之事无记录",
            f"the notice took {_span(took)} to deliver, too long under this policy; what would have followed is not on"
            " record",
        )


def _must_be_approved(tried: Tried, issue: datetime, cut_at: datetime, policy: Policy) -> None:
    """Approvals took as long as they took; levels added are taken to decide as quickly, and the same way."""
    if tried.approved is None:
        return
    took = tried.approved.recorded_at - tried.issued.at
    if _after(issue, took) > clock.ticket_time(cut_at, policy):
        raise _Cannot(
            f"送达与审批用了 {_span(took)}，按该规则来不及，其后之事无记录",
            f"delivery and approval took {_span(took)}, too long under this policy; what would have followed is not on"
            " record",
        )


def _nothing_stopped_it(r: Reading, procedure: RecordedProcedure, until: datetime) -> None:
    for stop in stops(r):
        if stop.since < until and (stop.until is None or stop.until > procedure.began):
            raise _Cannot(
                f"{_day(stop.since)} 起有暂缓、承诺或分期，无法推断",
                f"a {stop.what} stood from {_day(stop.since)}; how it would have met the other times is not on record",
            )


def _oldest(r: Reading, tried: Tried) -> date:
    due = r.oldest_due(tried.issued)
    if due is None:
        raise _Cannot("登记簿中没有账单的交费期限", "the register does not hold the due date of its bills")
    return due


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def _span(took: timedelta) -> str:
    return f"{took.days} d {took.seconds // 3600} h"
