"""R-35 and R-25 in a proof: no cut for a trifle, and how long a customer had no supply after he owed nothing."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from domain.law.policy import Policy
from domain.proof.reading import Checks, Outage, Reading, amount, bills, check, in_the_order_of_the_case, moment, text
from domain.record.case_file import CaseFile, FiledEvidence
from domain.vocabulary import Contract, Moment


def more_than_a_trifle(r: Reading) -> Checks:
    """R-35: at the permit the named bills owed more than any policy since the red notice lets stay unpaid.

    A permit of before R-35 has nothing to judge.
    """
    for permit in r.all("permit.granted"):
        if r.counts("R-35", permit):
            asked = r.before(permit, "billing.checked", about=text(permit, "ticket_id"), when="permit")
            allowed = max(p.may_stay_unpaid for p in r.policies_since(r.red_of(permit), permit))
            yield check(asked is not None and amount(asked, "named") > allowed, asked, permit)


class WithoutSupply(Contract):
    """How long supply stayed off after nothing was owed: from `since` to `until`, or as far as the record reaches."""

    cut_at: Moment
    settled_at: Moment
    since: Moment
    until: Moment
    restored: bool
    minutes: int
    text_zh: str
    text_en: str


def without_supply(file: CaseFile, policy: Policy) -> tuple[WithoutSupply, ...]:
    """For each cut under a permit whose bills were settled: how long supply was off after that, in plain words."""
    r = Reading(in_the_order_of_the_case(file), policy)
    found = []
    for outage in r.outages:
        settled = _settled(r, outage)
        if settled:
            found.append(_said(outage, min(settled), max(e.recorded_at for e in r.file.evidence), policy.zone))
    return tuple(found)


def _settled(r: Reading, outage: Outage) -> list[datetime]:
    """Every time at which the record says that the bills of this cut were settled, whenever that was learned."""
    named = set(bills(next((c.red for c in r.cuts if c.report.seq == outage.start.seq), None)))
    end = outage.end.seq if outage.end else r.file.evidence[-1].seq
    ours = outage.start.detail.get("lawful") is True

    def about_it(entry: FiledEvidence) -> bool:
        if entry.about == outage.start.about:
            return True
        return bool(named) and named <= set(bills(entry)) and outage.start.seq < entry.seq <= end

    return [moment(e, "settled_at") or e.at for e in r.all("debt.settled") if ours and about_it(e)]


def _said(outage: Outage, settled_at: datetime, reaches: datetime, zone: ZoneInfo) -> WithoutSupply:
    since = max(settled_at, outage.start.at)
    until = max(outage.end.at if outage.end else reaches, since)
    minutes = -(-(until - since) // timedelta(minutes=1))
    hours, rest = divmod(minutes, 60)
    cut, settled, end = (f"{at.astimezone(zone):%Y-%m-%d %H:%M}" for at in (outage.start.at, settled_at, until))
    back_zh = "复电" if outage.end else "至今未复电，记录止于"
    back_en = "restored" if outage.end else "not restored, as far as the record reaches"
    return WithoutSupply(
        cut_at=outage.start.at,
        settled_at=settled_at,
        since=since,
        until=until,
        restored=outage.end is not None,
        minutes=minutes,
        text_zh=f"不再欠费后停电 {hours} 小时 {rest} 分：停电 {cut}，结清 {settled}，{back_zh} {end}。",
        text_en=f"Without supply for {hours} h {rest} min after nothing was owed: "
        f"cut {cut}, settled {settled}, {back_en} {end}.",
    )
