"""P3 and R-24 to R-28: after every cut supply is restored in time, or a delay declared, or a breach recorded."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.lives import law
from tests.lives.book import Book, Fact
from tests.lives.judge_cut import A_MOMENT, ASKED_WITHIN, Breach, ends_supply, supply_of
from tests.lives.record import is_ours, strangers_meanwhile

PROMPT = 10 * law.MINUTE
"""How long the case may take for what it must do at once, in its own time; skipped time runs ahead of work."""
AFTER_OUTAGE = 6 * law.HOUR
"""The same where billing or the register had been down: attempts are up to four hours apart."""


@dataclass(frozen=True)
class WithoutSupply:
    """One time without supply: the meter, what began and (perhaps) ended it, and since when its 24 hours run."""

    meter: str
    supply: str
    began: Fact
    restored: Fact | None
    lawful: bool
    since: datetime | None
    known_by: Fact | None


def judge_supply(book: Book) -> Iterator[Breach]:
    """Every time without supply of the case, and its incidents."""
    for gap in gaps_in_supply(book):
        yield from _restored_or_recorded(book, gap)
        yield from _ticket_at_once(book, gap)
        yield from _warnings(book, gap)
        yield from _settlement(book, gap)
        if not gap.lawful:
            yield from _unauthorised(book, gap)
    yield from _unlawful_reports(book)
    yield from _incidents(book)


def slack(book: Book) -> timedelta:
    """How late an act may be that is due at once."""
    return PROMPT if book.calm else AFTER_OUTAGE


def gaps_in_supply(book: Book) -> Iterator[WithoutSupply]:
    """Each cut of the register with its restoration."""
    for began in filter(ends_supply, book.facts):
        meter, supply = began.detail["meter_id"], supply_of(book, began)
        restored = next(
            (f for f in book.all("supply.restored") if supply_of(book, f) == supply and f.n > began.n), None
        )
        lawful = began.what == "cut.reported"
        if not lawful:
            yield WithoutSupply(meter, supply, began, restored, False, began.recorded_at, began)
            continue
        restored = restored or _restored_before_it_was_reported(book, began, supply)
        since, known_by = _restoration_due(book, began, restored)
        yield WithoutSupply(meter, supply, began, restored, True, since, known_by)


def _restored_before_it_was_reported(book: Book, began: Fact, supply: str) -> Fact | None:
    """Found cut off and restored, and only then does the crew report that it had cut."""
    restored = book.all("supply.restored", before=began.n)
    return next((f for f in restored if supply_of(book, f) == supply and f.at > began.at), None)


def _restoration_due(book: Book, began: Fact, restored: Fact | None) -> tuple[datetime | None, Fact | None]:
    """The earliest reason to restore: settlement, a plan, a withdrawal, another holder; never before the cut (R-25)."""
    end = restored.n if restored else 10**9
    reasons = []
    for f in book.all("debt.settled", about=began.about):
        settled = f.moment("settled_at")
        reasons.append((settled if settled > began.at else f.recorded_at, f))
    reasons += [(f.recorded_at, f) for f in book.all("plan.agreed") if began.n < f.n < end]
    reasons += [(f.recorded_at, f) for f in book.all("withdrawn") if f.n < end]
    others = [f for f in book.all("customer.changed") if began.n < f.n < end]
    reasons += [(f.recorded_at, f) for f in others if "name" in f.detail["fields"]]
    if open_plan := _plan_open_at(book, began.n):
        reasons.append((open_plan.recorded_at, open_plan))
    return min(reasons, key=lambda r: (r[0], r[1].n), default=(None, None))


def _plan_open_at(book: Book, n: int) -> Fact | None:
    agreed = book.all("plan.agreed", before=n)
    over = book.all("plan.kept", before=n) + book.all("plan.broken", before=n)
    return agreed[-1] if agreed and all(f.n < agreed[-1].n for f in over) else None


# ---- in time, or on record ---------------------------------------------------------------------


def _restored_or_recorded(book: Book, gap: WithoutSupply) -> Iterator[Breach]:
    if gap.since is None or (gap.restored and gap.restored.n < gap.began.n):
        return
    due = gap.since + law.DAY
    declared = [f for f in book.all("delay.declared") if f.recorded_at < due and f.n > gap.began.n]
    if declared:
        due = law.midnight_after(law.local(gap.since) + law.DAY)
        if not all(
            f.detail.get(k) for f in declared for k in ("reason", "customer_told_at", "leader", "leader_told_at")
        ):
            yield Breach("P3 R-26", "a delay was declared without saying who was told")
    if gap.restored and gap.restored.at <= due:
        return
    if gap.restored is None and book.case.get("stage") == "closed":
        yield Breach("P3", f"{gap.meter}: closed, and light never came back")
        return
    learned = max(due, gap.known_by.recorded_at if gap.known_by else due)
    if gap.restored is None and book.until < learned + slack(book):
        return
    breaches = [f for f in book.all("incident.opened", kind="restoration_breach") if f.n > gap.began.n]
    if not breaches:
        restored = f"restored {gap.restored.at}" if gap.restored else "still dark"
        yield Breach("P3 R-25", f"{gap.meter}: due {due}, {restored}, and no breach is on record")
        return
    first = min(breaches, key=lambda f: f.n)
    known = min(learned, gap.restored.recorded_at) if gap.restored else learned
    if first.recorded_at > max(known, learned) + slack(book):
        yield Breach("P3 R-26", f"{gap.meter}: the breach of {due} was recorded only at {first.recorded_at}")


def _ticket_at_once(book: Book, gap: WithoutSupply) -> Iterator[Breach]:
    """The restoration ticket goes out as soon as the case knows that restoration is due (R-24, R-27)."""
    if gap.known_by is None or (gap.restored and gap.restored.n < gap.began.n):
        return
    known = max(gap.known_by.recorded_at, gap.began.recorded_at)
    restore = book.all("ticket.sent", kind="restore")
    tickets = [f for f in restore if supply_of(book, f) == gap.supply and f.n > gap.began.n]
    covered = gap.restored and gap.restored.recorded_at <= known
    if not any(f.recorded_at <= known + slack(book) for f in tickets) and not covered:
        yield Breach("P3 R-24", f"{gap.meter}: light was due at {known}, no restoration ticket was sent")
    for sent in tickets:
        if book.all("ticket.recalled", about=sent.about):
            yield Breach("R-24", f"restoration ticket {sent.about} was recalled")


def _warnings(book: Book, gap: WithoutSupply) -> Iterator[Breach]:
    if gap.since is None or gap.known_by is None:
        return
    for hours in law.WARNINGS:
        at = gap.since + hours * law.HOUR
        over = min(gap.restored.recorded_at if gap.restored else book.until, book.until - slack(book))
        if gap.restored is None and book.until <= at + slack(book):
            continue
        if gap.known_by.recorded_at >= at or gap.began.recorded_at >= at or over <= at + A_MOMENT:
            continue
        warned = [f for f in book.all("restore.warning", hours=hours) if f.n > gap.began.n]
        if not warned:
            yield Breach("R-25", f"{gap.meter}: dark {hours} h after {gap.since}, and nobody was warned")


# ---- the settlement itself ---------------------------------------------------------------------


def _settlement(book: Book, gap: WithoutSupply) -> Iterator[Breach]:
    """What the case took for the settlement must be what billing held; and none may be overlooked."""
    if not gap.lawful:
        return
    bills = _bills_of_cut(book, gap.began)
    noted = book.all("debt.settled", about=gap.began.about)
    if len(noted) > 1:
        yield Breach("P3 R-24", f"{gap.meter}: settled {len(noted)} times")
    for fact in noted:
        given = fact.moment("settled_at")
        if not book.may_be_settled(fact.detail["bills"], _asked(book, fact), fact.recorded_at + ASKED_WITHIN):
            yield Breach("R-24", f"{gap.meter}: taken for settled, and the book says that it owes")
        elif (right := _settled_at(book, gap.began, bills, fact)) and not any(a <= given <= b for a, b in right):
            spelled = "; ".join(f"{first} to {last}" for first, last in right)
            yield Breach("P3 R-25", f"{gap.meter}: settled {spelled}, the case says {given}")
        if given > fact.recorded_at:
            yield Breach("R-25", f"{gap.meter}: settled at {given}, after the case says so")
        if given <= gap.began.at and not book.all("incident.opened", kind="cut_after_settlement"):
            yield Breach("P2", f"{gap.meter}: cut {gap.began.at}, settled {given}, and no incident")
    if not bills or noted:
        return
    if gap.restored is None and book.settled(bills, book.until - slack(book), book.until):
        yield Breach("P3", f"{gap.meter}: the bills of the cut are settled, and the case keeps silent")
    yield from _told_in_vain(book, gap, bills)


_TELLS = ("payment_received", "recheck_requested", "payment_reversed", "bill_overdue", "request_restoration")


def _told_in_vain(book: Book, gap: WithoutSupply, bills: list[str]) -> Iterator[Breach]:
    """While supply is off every message has billing asked, whatever its id, and settled debt is found by it (R-31)."""
    end = gap.restored.recorded_at if gap.restored else book.until
    for told in book.told:
        by = told.known_by + slack(book)
        while_off = gap.began.recorded_at < told.not_before and by < end
        if told.message in _TELLS and while_off and book.settled(bills, told.not_before, by):
            yield Breach("P3 R-31", f"{gap.meter}: settled when {told.about} came, and the case does not know")


def _bills_of_cut(book: Book, cut: Fact) -> list[str]:
    bills: list[str] = book.notices.get(cut.detail.get("notice_id", ""), {}).get("bills", [])
    return bills


def _asked(book: Book, fact: Fact) -> datetime:
    """Since when billing may have given the answer behind this. It may come after the note's time, too.

    A case notes what it learns under the time at which it was woken, and billing answers within that.
    """
    asked = [f.at for f in book.all("debt.read", before=fact.n)[-1:]]
    return min([fact.recorded_at - ASKED_WITHIN, *asked])


def _settled_at(book: Book, began: Fact, bills: list[str], fact: Fact) -> list[tuple[datetime, datetime]]:
    """Between which moments the settlement lies, by the payments or by when the case learned of it (R-25).

    Empty where the book leaves it open: the debt was settled before the cut was reported, or the case may have seen
    the payment under another bill.
    """
    asked, known = _asked(book, fact), fact.recorded_at
    earlier = [f.at for f in book.facts if f.what in ("debt.read", "billing.checked") and f.at < asked]
    since = max([began.recorded_at, *earlier])
    news = [(one, row) for one, row in book.changed("bills", "payments") if since - ASKED_WITHIN < one.known_by]
    news = [(one, row) for one, row in news if one.not_before <= known + ASKED_WITHIN]
    paid = [one for one, row in news if one.table == "payments" and one.was is None and row and not row["reverses"]]
    others = [one for one, _ in news if one not in paid]
    if not news or began.recorded_at > min(one.not_before for one, _ in news):
        return []
    right: list[tuple[datetime, datetime]] = []
    if others:
        right.append((min(asked, known - ASKED_WITHIN), known))
    if paid:
        if any(one.was is not None or one.table == "bills" for one, _ in book.changed("payments")):
            return []  # moved at some time: whether it was seen before, nobody can tell
        states = [s for s in book.states(asked, known + ASKED_WITHIN) if law.owed(s, bills) <= law.MAY_STAY_UNPAID]
        last = [max((p.paid_at for b in bills if b in s for p in s[b].parts), default=known) for s in states]
        right += [(min(at, known) - A_MOMENT, min(at, known) + A_MOMENT) for at in last]
    return right


# ---- unauthorised ------------------------------------------------------------------------------


def _unauthorised(book: Book, gap: WithoutSupply) -> Iterator[Breach]:
    kinds = {"unauthorised_cut" if is_ours(book, gap.meter, gap.began.recorded_at) else "wrong_meter"}
    if law.spelled(gap.meter) in strangers_meanwhile(book):
        kinds.add("wrong_meter")
    opened = [f for f in book.all("incident.opened") if f.recorded_at == gap.began.recorded_at]
    opened = [f for f in opened if f.detail["kind"] in kinds]
    if not opened:
        yield Breach("R-27", f"{gap.meter} was found cut without a permit at {gap.began.at}, and there is no incident")


def _unlawful_reports(book: Book) -> Iterator[Breach]:
    """A cut that somebody reported and that no permit of ours covered is an incident, whoever reported it."""
    for report in book.all("cut.reported", lawful=False):
        found = [f for f in book.all("cut.found", before=report.n) if supply_of(book, f) == supply_of(book, report)]
        if not found:
            yield Breach("R-27", f"the cut reported at {report.recorded_at} led to no incident")


def _incidents(book: Book) -> Iterator[Breach]:
    """Leaders are notified of each incident, a row keeps it, and it has an outcome before the case closes (R-28)."""
    for fact in book.all("incident.opened"):
        row = book.incidents.get(str(fact.about))
        if row is None:
            yield Breach("R-27", f"incident {fact.about} is in the evidence only")
        for leader in law.LEADERS:
            if not book.notified(leader, str(fact.about)):
                yield Breach("R-27", f"{leader} was not told of {fact.about}")
        closed = bool(book.all("incident.closed", about=str(fact.about)))
        if row is not None and closed != (row["outcome"] is not None):
            yield Breach("R-28", f"incident {fact.about}: its row and the evidence differ")
    if book.case.get("stage") == "closed":
        if open_ := [i for i, row in book.incidents.items() if row["outcome"] is None]:
            yield Breach("R-28", f"closed with {open_} open")
        if book.case["supply_off"]:
            yield Breach("P3", "closed in the dark")
