"""P1 and P2: whether a permit was given, and a cut done, with all that the regulation asks for before it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from tests.lives import law
from tests.lives.book import Book, Fact, Row, Told
from tests.lives.record import classes_seen, is_ours, meters_between, was_important

AT_ONCE = timedelta(seconds=30)
"""Between a message that stops a cut and the end of its permit: billing may have to be asked in between."""
ASKED_WITHIN = timedelta(seconds=20)
A_MOMENT = timedelta(seconds=1)
HOLDS_BACK = timedelta(minutes=55)
"""An announced payment does so for an hour from billing's first answer without it; this much of it is certain."""
NOT_BELIEVED_AFTER = 3
_ASKS_BILLING = ("payment_received", "payment_reversed", "recheck_requested", "bill_overdue")


@dataclass(frozen=True)
class Breach:
    """One thing that must not be: the property or rule, and what was found."""

    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.text}"


def judge_cuts(book: Book) -> Iterator[Breach]:
    """Every permit and every lawful cut of the case."""
    for grant in book.all("permit.granted"):
        for rule, text in _missing(book, grant):
            yield Breach(f"P1 {rule}", f"permit {grant.about}: {text}")
        yield from _payment_ignored(book, grant)
        yield from _message_ignored(book, grant)
    yield from _one_permit_at_a_time(book)
    for cut in book.all("cut.reported", lawful=True):
        if cut.actor_role == "field_crew" and "ticket_id" in cut.detail:
            yield from _cut_without_permit(book, cut)


# ---- P1: before the permit ---------------------------------------------------------------------


def _missing(book: Book, grant: Fact) -> Iterator[tuple[str, str]]:
    ticket_id = grant.detail["ticket_id"]
    ticket = book.tickets.get(ticket_id)
    red = book.notices.get(ticket["notice_id"]) if ticket else None
    if ticket is None or red is None or ticket["kind"] != "cut":
        yield "R-15", "there is no disconnection ticket for a red notice"
        return
    t: datetime = red["cut_at"]
    given = grant.recorded_at
    yield from _window(grant, t)
    yield from _notices(book, grant, red)
    yield from _approvals(book, grant, red)
    yield from _ticket(book, grant, ticket, t)
    notified = [
        *book.all("customer.told", before=grant.n, about=ticket_id, counts=True),
        *book.all("customer.told_by_channel", before=grant.n, about=ticket_id, counts=True),
    ]
    if not any(t - law.HALF_HOUR <= f.moment("told_at") <= t for f in notified):
        yield "R-16", "the customer was not told again in the last half-hour"
    checks = book.all("billing.checked", before=grant.n, about=ticket_id, answer="owes")
    if not any(f.detail["when"] == "half_hour" and t - law.HALF_HOUR <= f.recorded_at <= t for f in checks):
        yield "R-17", "billing was not asked at T - 30 min"
    if not any(f.detail["when"] == "permit" and given - ASKED_WITHIN <= f.recorded_at <= given for f in checks):
        yield "R-17", "billing was not asked for the permit"
    if law.spelled(grant.detail["meter_id"]) not in meters_between(book, given - ASKED_WITHIN, given):
        yield "R-18", f"the meter {grant.detail['meter_id']} is not the customer's"
    if book.settled(red["bills"], given - ASKED_WITHIN, given):
        yield "R-35", "no more than a trifle was owed"
    if grant.actor_role != "field_crew":
        yield "R-18", f"given to {grant.actor_role}"
    yield from _doubt(book, grant, ticket_id)
    if held := sorted(held_by(book, grant.n)):
        yield "R-04", f"given although {', '.join(held)} stood"
    if OUR_SUPPLY in meters_without_supply(book, grant.n):
        yield "R-02", "supply was off already"
    yield from _neighbour(book, grant)


def _neighbour(book: Book, grant: Fact) -> Iterator[tuple[str, str]]:
    """After another customer's meter was cut, nobody cuts ours before the reader has verified it (R-34)."""
    others = [f for f in book.facts if f.n < grant.n and ends_supply(f) and supply_of(book, f) != OUR_SUPPLY]
    if not others:
        return
    verified = [f for f in book.all("meter.verified", before=grant.n, confirmed=True) if f.n > others[-1].n]
    if not verified:
        yield "R-34", f"{others[-1].detail['meter_id']} had been cut in this case, and ours was not verified since"


def _window(grant: Fact, t: datetime) -> Iterator[tuple[str, str]]:
    until = grant.moment("valid_until")
    if not t <= grant.recorded_at < t + law.WINDOW or until > t + law.WINDOW:
        yield "R-18", f"given at {grant.recorded_at}, valid until {until}, outside the window of {t}"
    if until - grant.recorded_at > law.PERMIT_LASTS:
        yield "R-18", f"valid for {until - grant.recorded_at}"
    if t != law.nine_o_clock(law.local(t)) or law.day_bars_a_cut(law.local(t)):
        yield "R-21", f"no cut may be at {t.astimezone(law.ZONE)}"


def _notices(book: Book, grant: Fact, red: Row) -> Iterator[tuple[str, str]]:
    t = red["cut_at"]
    issued = book.all("notice.issued", about=red["notice_id"])
    served = book.all("notice.served", before=grant.n, about=red["notice_id"])
    if not issued or not served:
        yield "R-06", "the red notice was not served"
        return
    if t - served[0].moment("delivered_at") < law.WEEK:
        yield "R-07", f"red delivered {served[0].detail['delivered_at']}, less than 7 x 24 h before {t}"
    if book.all("notice.void", before=grant.n, about=red["notice_id"]):
        yield "R-20", "the red notice was void"
    yellow = serving_yellow(book, issued[0])
    if yellow is None or book.all("notice.void", before=grant.n, about=yellow.about):
        yield "R-06", "no served yellow notice stood behind the red one"
    elif not set(red["bills"]) <= set(book.notices[str(yellow.about)]["bills"]):
        yield "R-05", "the red notice names bills that its yellow one did not"
    standing = book.owing(grant.recorded_at)
    due = [book.bills[b].due for b in red["bills"] if b in standing and standing[b].owes > 0]
    if due and (law.local(t) - min(due)).days < 31:
        yield "R-03", f"the oldest bill was due {min(due)}, the cut stated for {t}"


def serving_yellow(book: Book, issued: Fact) -> Fact | None:
    """The yellow notice behind a red one: served before it was issued, neither void nor used up by a cut."""
    served = book.all("notice.served", before=issued.n, kind="yellow")
    if not served:
        return None
    yellow = served[-1]
    void = book.all("notice.void", before=issued.n, about=yellow.about)
    used = [
        c for c in book.all("cut.reported", before=issued.n, lawful=True) if c.n > yellow.n and "ticket_id" in c.detail
    ]
    return None if void or used else yellow


def _approvals(book: Book, grant: Fact, red: Row) -> Iterator[tuple[str, str]]:
    notice_id, lead = red["notice_id"], red["cut_at"] - law.TICKET_LEAD
    given = [f for f in book.all("approval.given", before=grant.n, about=notice_id) if f.recorded_at <= lead]
    needed = {level for kind in classes_seen(book, red, grant) for level in law.levels(kind, red["amount"])}
    if missing := needed - {f.detail["role"] for f in given}:
        yield "R-12", f"not approved by {', '.join(sorted(missing))} at T - 24 h"
    if len({law.spelled(str(f.actor_id)) for f in given if f.detail["role"] in needed}) < len(needed):
        yield "R-12", "one person filled two levels"
    servers = {law.spelled(str(f.actor_id)) for f in book.all("notice.delivered", about=notice_id)}
    if servers & {law.spelled(str(f.actor_id)) for f in given}:
        yield "R-12", "the reader who served approved"
    if book.all("approval.rejected", before=grant.n, about=notice_id):
        yield "R-13", "a level had rejected"
    served = book.all("notice.served", about=notice_id)
    if given and served and min(f.n for f in given) < served[0].n:
        yield "R-13", "approved before the red notice was served"
    if was_important(book, red, grant):
        filed = book.all("filing.recorded", before=grant.n, about=notice_id, purpose="filing")
        if not any(f.recorded_at <= lead for f in filed):
            yield "R-14", "not filed with the power authority at T - 24 h"


def _ticket(book: Book, grant: Fact, ticket: Row, t: datetime) -> Iterator[tuple[str, str]]:
    ticket_id = ticket["ticket_id"]
    sent = book.all("ticket.sent", before=grant.n, about=ticket_id)
    if not sent:
        yield "R-15", "the ticket was not sent"
        return
    moved = [f.n for f in book.all("reassigned", before=grant.n, role="field_unit") if f.n > sent[0].n]
    since = max(moved, default=sent[0].n)
    acknowledged = [f for f in book.all("ticket.acknowledged", before=grant.n, about=ticket_id) if f.n > since]
    if not any(f.recorded_at <= t - law.HALF_HOUR + A_MOMENT for f in acknowledged):
        yield "R-15", "the ticket was not acknowledged at T - 30 min"
    if book.all("ticket.recalled", before=grant.n, about=ticket_id):
        yield "R-15", "the ticket had been recalled"


def _doubt(book: Book, grant: Fact, ticket_id: str) -> Iterator[tuple[str, str]]:
    words = book.all("meter.uncertain", before=grant.n, about=ticket_id) + book.all(
        "meter.verified", before=grant.n, about=ticket_id
    )
    if words:
        last = max(words, key=lambda f: f.n)
        if last.what != "meter.verified" or not last.detail["confirmed"]:
            yield "R-19", "the meter was in doubt"


def held_by(book: Book, n: int) -> set[str]:
    """What stopped the procedure at that place: holds, a promise, a plan, a withdrawal (R-04)."""
    standing: set[str] = set()
    lifted: dict[str, datetime] = {}
    for fact in book.facts:
        if fact.n >= n:
            break
        match fact.what:
            case "hold.placed":
                over = lifted.get(str(fact.about))
                if over is None or fact.at > over or fact.detail.get("source") == "register":
                    standing.add(f"hold {fact.about}")
            case "hold.lifted" | "hold.ended":
                lifted[str(fact.about)] = fact.at
                standing.discard(f"hold {fact.about}")
            case "promise.made" | "plan.agreed":
                standing.add(fact.what.split(".")[0])
            case "promise.kept" | "promise.broken" | "plan.kept" | "plan.broken":
                standing.discard(fact.what.split(".")[0])
            case "withdrawn":
                standing.add("withdrawal")
    return standing


OUR_SUPPLY = "ours"
"""The customer's own supply, whichever of his meters it goes through; a neighbour's is named by its meter."""


def supply_of(book: Book, fact: Fact) -> str:
    """Whose supply a report is about."""
    meter = str(fact.detail["meter_id"])
    return OUR_SUPPLY if is_ours(book, meter, fact.recorded_at) else law.spelled(meter)


def meters_without_supply(book: Book, n: int) -> set[str]:
    """Whose supply was off at that place, as far as the register says."""
    gap: set[str] = set()
    for fact in book.facts:
        if fact.n >= n:
            break
        if fact.what == "supply.restored":
            gap.discard(supply_of(book, fact))
        elif ends_supply(fact):
            gap.add(supply_of(book, fact))
    return gap


def ends_supply(fact: Fact) -> bool:
    """Whether supply was off from this fact on: our own cut, or one found that none of ours explains."""
    ours = fact.what == "cut.reported" and bool(fact.detail["lawful"]) and "ticket_id" in fact.detail
    return ours or (fact.what == "cut.found" and not fact.detail.get("known"))


# ---- P2: while the permit lives ----------------------------------------------------------------


def end_of(book: Book, grant: Fact) -> tuple[int, datetime]:
    """Where and when a permit ended: revoked, lapsed, or used."""
    ends = book.all("permit.revoked", about=grant.about) + book.all("permit.lapsed", about=grant.about)
    ends += [c for c in book.all("cut.reported", lawful=True, permit_id=grant.about) if "ticket_id" in c.detail]
    first = min(ends, key=lambda f: f.n, default=None)
    return (first.n, first.recorded_at) if first else (10**9, grant.moment("valid_until"))


def _bills(book: Book, grant: Fact) -> list[str]:
    ticket = book.tickets.get(grant.detail["ticket_id"], {})
    bills: list[str] = book.notices.get(str(ticket.get("notice_id")), {}).get("bills", [])
    return bills


def _payment_ignored(book: Book, grant: Fact) -> Iterator[Breach]:
    """Billing or a message has told that nothing above a trifle is owed: no permit is given, or lives on."""
    bills, given = _bills(book, grant), grant.recorded_at
    if not bills:
        return
    if book.settled(bills, given - ASKED_WITHIN, given):
        yield Breach("P2", f"permit {grant.about} was given although billing held the payments that settle")
    _, ended = end_of(book, grant)
    for told in book.told:
        heard = told.known_by
        if told.message not in _ASKS_BILLING or told.not_before <= given or heard + AT_ONCE >= ended:
            continue
        if book.silent(told.not_before, heard + AT_ONCE):
            yield Breach("P2 R-31", f"permit {grant.about} lived on after {told.about}, and billing was silent")
        elif book.settled(bills, told.not_before, heard + AT_ONCE):
            yield Breach("P2 R-31", f"permit {grant.about} lived on {ended - heard} after {told.about} had settled")
        elif _is_new(book, told) and _would_settle(book, told, bills, told.not_before, heard):
            yield Breach("P2 R-31", f"permit {grant.about} lived on {ended - heard} after {told.about} was announced")
    yield from _announced_before(book, grant, bills)


def _announced_before(book: Book, grant: Fact, bills: list[str]) -> Iterator[Breach]:
    """An announcement that would settle holds permits back for an hour, or until billing lists it (R-31)."""
    given = grant.recorded_at
    nothing = [f for f in book.all("payment.unbooked", before=grant.n) if f.detail.get("given_up")]
    if len(nothing) >= NOT_BELIEVED_AFTER:
        return
    reversed_ = {t.about: t.known_by for t in book.told if t.message == "payment_reversed"}
    for told in book.told:
        lately = given - HOLDS_BACK < told.not_before and told.known_by < given - A_MOMENT
        if not lately or told.message != "payment_received" or reversed_.get(told.about, given) < given:
            continue
        if _would_settle(book, told, bills, given - ASKED_WITHIN, given):
            yield Breach("P2 R-31", f"permit {grant.about} was given, and {told.about} is announced and not booked")


def _is_new(book: Book, told: Told) -> bool:
    """Whether no message said the same before, or the payment was taken back since (R-31)."""
    if told.message != "payment_received":
        return False
    for before in reversed([t for t in book.told if t.about == told.about and t.known_by < told.not_before]):
        if before.message == "payment_reversed":
            return True
        if before.message == "payment_received" and _said(before) == _said(told):
            return False
    return not any(t is not told and t.about == told.about and t.not_before < told.known_by for t in book.told)


def _said(told: Told) -> tuple[object, ...]:
    return told.payload.get("amount"), told.payload.get("channel")


def _would_settle(book: Book, told: Told, bills: list[str], first: datetime, last: datetime) -> bool:
    """Whether what the message announces, and billing has not booked, surely leaves no more than a trifle."""
    announced = round(float(told.payload["amount"]) * 100)
    for state in book.states(first, last):
        booked = sum(p.cents for s in state.values() for p in s.parts if p.payment_id == told.about)
        if law.owed(state, bills) - max(announced - booked, 0) > law.MAY_STAY_UNPAID:
            return False
        if booked >= announced:
            return False
    return True


def law_far() -> datetime:
    """Later than any life."""
    return datetime(2999, 1, 1, tzinfo=law.ZONE)


_STOPS = ("hold.placed", "promise.made", "plan.agreed", "withdrawn", "serve_again.requested", "meter.uncertain")


def _message_ignored(book: Book, grant: Fact) -> Iterator[Breach]:
    ended, at = end_of(book, grant)
    for fact in book.facts:
        stops = fact.what in _STOPS or (ends_supply(fact) and supply_of(book, fact) != OUR_SUPPLY)
        if stops and grant.n < fact.n < ended and at > fact.recorded_at + A_MOMENT:
            if fact.what == "hold.placed" and f"hold {fact.about}" not in held_by(book, fact.n + 1):
                continue
            yield Breach("P2", f"permit {grant.about} lived on after {fact.what} {fact.about or ''}")


def _one_permit_at_a_time(book: Book) -> Iterator[Breach]:
    grants = book.all("permit.granted")
    if len({g.about for g in grants}) < len(grants):
        yield Breach("R-18", "the same permit was given twice")
    for first, second in pairwise(grants):
        if end_of(book, first)[0] > second.n and second.recorded_at < first.moment("valid_until"):
            yield Breach("R-18", f"{second.about} was given while {first.about} was live")


# ---- the cut itself ----------------------------------------------------------------------------


def _cut_without_permit(book: Book, cut: Fact) -> Iterator[Breach]:
    grants = [g for g in book.all("permit.granted", before=cut.n) if _covers(book, g, cut)]
    if not grants:
        yield Breach(
            "P1 R-18", f"the cut at {cut.at} of {cut.detail['meter_id']} counts as lawful without a live permit"
        )
    used = [
        c
        for c in book.all("cut.reported", lawful=True, permit_id=cut.detail.get("permit_id"))
        if "ticket_id" in c.detail
    ]
    if cut.detail.get("permit_id") and len(used) > 1:
        yield Breach("P1 R-18", f"permit {cut.detail['permit_id']} was used {len(used)} times")


def _covers(book: Book, grant: Fact, cut: Fact) -> bool:
    """Whether that permit was in force when the switch was thrown, for that meter and ticket."""
    stops = book.all("permit.revoked", before=cut.n, about=grant.about)
    until = min([grant.moment("valid_until"), *(s.recorded_at for s in stops)])
    same = law.spelled(grant.detail["meter_id"]) == law.spelled(cut.detail["meter_id"])
    return same and grant.detail["ticket_id"] == cut.detail["ticket_id"] and grant.recorded_at <= cut.at < until
