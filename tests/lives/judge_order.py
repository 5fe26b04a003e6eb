"""The order of the clauses: notices, deadlines, voids, tickets; every payment and every effect once; the chain."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from tests.lives import law
from tests.lives.book import Book, Fact
from tests.lives.judge_cut import (
    ASKED_WITHIN,
    OUR_SUPPLY,
    Breach,
    held_by,
    meters_without_supply,
    serving_yellow,
    supply_of,
)
from tests.lives.record import read_at

_NO_VOID_IN_R07 = ("settled", "withdrawn")
"""Ends that are no failed service: the debt is gone, or the case is."""


def judge_order(book: Book) -> Iterator[Breach]:
    """Everything about the way to a cut, whether or not there was one."""
    for issued in book.all("notice.issued"):
        yield from (_yellow if issued.detail["kind"] == "yellow" else _red)(book, issued)
        yield from _notice(book, issued)
    yield from _services(book)
    yield from _voids(book)
    yield from _attempts_are_counted(book)
    for sent in book.all("ticket.sent", kind="cut"):
        yield from _ticket(book, sent)
    for asked in book.all("approval.asked"):
        if not book.all("notice.served", before=asked.n, about=asked.about):
            yield Breach("R-13", f"approval of {asked.about} was asked before it was served")
    yield from _nothing_forward_while_held(book)
    yield from _crews_have_answered(book)
    yield from _once_each(book)
    yield from _chain(book)


# ---- notices -----------------------------------------------------------------------------------


def _times(book: Book, issued: Fact) -> tuple[datetime, datetime]:
    row = book.notices[str(issued.about)]
    return row["deadline"], row["cut_at"]


def _yellow(book: Book, issued: Fact) -> Iterator[Breach]:
    deadline, cut_at = _times(book, issued)
    if deadline != law.midnight_after(law.local(issued.at) + 10 * law.DAY):
        yield Breach("R-05", f"{issued.about}: issued {issued.at}, deadline {deadline}")
    if law.local(cut_at) < law.local(deadline) + 10 * law.DAY:
        yield Breach("R-05", f"{issued.about}: deadline {deadline}, cut time {cut_at}")


def _red(book: Book, issued: Fact) -> Iterator[Breach]:
    deadline, cut_at = _times(book, issued)
    yellow = serving_yellow(book, issued)
    if yellow is None:
        yield Breach("R-06", f"{issued.about} was issued without a served yellow notice")
        return
    row = book.notices[str(yellow.about)]
    if issued.at < row["deadline"]:
        yield Breach("R-07", f"{issued.about} was issued before the yellow deadline {row['deadline']}")
    if cut_at < row["cut_at"]:
        yield Breach("R-07", f"{issued.about}: {cut_at} lies before the time of the yellow notice")
    if issued.at < row["cut_at"] - 10 * law.DAY and issued.at < row["deadline"]:
        yield Breach("R-07", f"{issued.about} was issued weeks ahead")
    if law.local(cut_at) < law.local(issued.at) + 10 * law.DAY:
        yield Breach("R-07", f"{issued.about}: issued {issued.at} for {cut_at}")
    if deadline.astimezone(law.ZONE) != datetime.combine(law.local(cut_at), datetime.min.time(), tzinfo=law.ZONE):
        yield Breach("R-11", f"{issued.about}: deadline {deadline} for {cut_at}")
    kind = read_at(book, issued.recorded_at, "customer_class")
    if kind == "non_residential" and not book.notified("station_head", str(issued.about)):
        yield Breach("R-10", f"the station head was not told of {issued.about}")


def _notice(book: Book, issued: Fact) -> Iterator[Breach]:
    """What holds for both colours: bills overdue and owing, an allowed day, more than thirty days past due."""
    row = book.notices[str(issued.about)]
    _, cut_at = _times(book, issued)
    if cut_at != law.nine_o_clock(law.local(cut_at)) or (law.local(cut_at).weekday() >= 4):
        yield Breach("R-21", f"{issued.about} states {cut_at.astimezone(law.ZONE)}")
    due = {b: book.bills[b].due for b in row["bills"]}
    states = book.states(issued.at - ASKED_WITHIN, issued.at + ASKED_WITHIN)
    for bill in row["bills"]:
        if due[bill] >= law.local(issued.at):
            yield Breach("R-01", f"{issued.about} names {bill}, which was not overdue")
        if not any(law.owed(state, [bill]) for state in states) and book.calm:
            yield Breach("R-01", f"{issued.about} names {bill}, which was settled")
    if all(law.owed(state, row["bills"]) <= law.MAY_STAY_UNPAID for state in states) and book.calm:
        yield Breach("R-35", f"{issued.about} was issued for no more than a trifle")
    if row["bills"] and (law.local(cut_at) - min(due[b] for b in row["bills"])).days < 31:
        yield Breach("R-03", f"{issued.about}: due {min(due[b] for b in row['bills'])}, cut {cut_at}")
    if not row["text_zh"] or not row["lines"]:
        yield Breach("R-05", f"{issued.about} has no paper")


def _services(book: Book) -> Iterator[Breach]:
    for served in book.all("notice.served"):
        notice = str(served.about)
        deadline, cut_at = _times(book, served)
        delivered = served.moment("delivered_at")
        if not book.all("notice.issued", before=served.n, about=notice):
            yield Breach("R-06", f"{notice} was served before it was issued")
        if not book.all("notice.delivered", before=served.n, about=notice):
            yield Breach("R-06", f"{notice} counts as served without a delivery")
        late = cut_at - delivered < law.WEEK if served.detail["kind"] == "red" else deadline - delivered < law.WEEK
        if late:
            yield Breach("R-07", f"{notice}: delivered {delivered} and taken for served")
        if book.all("notice.void", before=served.n, about=notice):
            yield Breach("R-20", f"{notice} was void and revived")
        if served.detail["outcome"] == "refused":
            yield from _refusal(book, served)
        elif served.detail["outcome"] != "signed":
            yield Breach("R-08", f"{notice} served as {served.detail['outcome']}")


def _refusal(book: Book, served: Fact) -> Iterator[Breach]:
    notice = str(served.about)
    record = book.all("notice.refused", before=served.n, about=notice)
    if not record or not all(record[-1].detail.get(k) for k in ("place", "persons", "words", "evidence")):
        yield Breach("R-09", f"the refusal of {notice} has no record")
    answers = book.all("escalation.acknowledged", before=served.n, kind="refusal", notice_id=notice)
    rungs = {a.actor_role for a in answers}
    if not rungs & {"team_leader", "centre_director"}:
        yield Breach("R-09", f"the refusal of {notice} counts, and nobody acknowledged it")
    issued = book.notices[notice]["issued_at"]
    kinds = {read_at(book, at, "customer_class") for at in (issued, served.recorded_at)}
    heads = served.detail["kind"] == "red" and kinds == {"non_residential"}
    if heads and "station_head" not in rungs:
        yield Breach("R-10", f"the refusal of {notice} counts without the station head")


# ---- voids and attempts ------------------------------------------------------------------------


def _voids(book: Book) -> Iterator[Breach]:
    for void in book.all("notice.void"):
        if void.detail["reason"] in _NO_VOID_IN_R07:
            continue
        reports = book.all("escalation.raised", kind="void", notice_id=void.about, rung="team_leader")
        changes = book.all("escalation.raised", kind="record_changed", rung="team_leader")
        reports += [f for f in changes if f.recorded_at == void.recorded_at]
        if not any(book.notified("team_leader", str(r.about)) for r in reports):
            yield Breach("R-07", f"{void.about} went void ({void.detail['reason']}), and the team leader was not told")


def _attempts_are_counted(book: Book) -> Iterator[Breach]:
    """After the first and three more in a row the case waits for a person (R-07)."""
    in_a_row: Counter[str] = Counter()
    for fact in book.facts:
        kind = str(fact.detail.get("kind"))
        match fact.what:
            case "notice.void" if fact.detail["counted"]:
                in_a_row[kind] += 1
            case "notice.void" if kind == "yellow" and fact.detail["reason"] == "settled":
                in_a_row.clear()
            case "serve_again.requested" | "permit.granted" | "cut.reported":
                in_a_row.clear()
            case "notice.served" if kind == "yellow":
                in_a_row["yellow"] = 0
            case "notice.issued" if in_a_row[kind] > law.REISSUES:
                if not _nothing_was_owed(book, fact):
                    yield Breach("R-07", f"{fact.about} follows {in_a_row[kind]} voids in a row, and no person decided")


def _nothing_was_owed(book: Book, issued: Fact) -> bool:
    """All debt was settled since the last void: what a person was to decide was moot."""
    voids = [f for f in book.all("notice.void", before=issued.n) if f.detail["counted"]]
    changes = book.changed("payments", "bills")
    moments = [one.known_by for one, _ in changes if voids[-1].recorded_at <= one.known_by <= issued.recorded_at]
    return any(law.owed(state := book.owing(at), state) <= law.MAY_STAY_UNPAID for at in moments)


# ---- the ticket --------------------------------------------------------------------------------


def _ticket(book: Book, sent: Fact) -> Iterator[Breach]:
    ticket = book.tickets.get(str(sent.about))
    if ticket is None:
        yield Breach("R-15", f"{sent.about} is in nobody's inbox")
        return
    red = book.notices[ticket["notice_id"]]
    t = red["cut_at"]
    if not t - law.TICKET_LEAD <= sent.recorded_at < law.midnight_after(law.local(t) - law.DAY):
        yield Breach("R-15", f"{sent.about} was sent at {sent.recorded_at} for {t}")
    if law.day_bars_a_cut(law.local(t)):
        yield Breach("R-21", f"{sent.about} was sent for {law.local(t)}, which is barred")
    if not book.all("notice.served", before=sent.n, about=red["notice_id"]):
        yield Breach("R-06", f"{sent.about} was sent before the red notice was served")
    given = {f.detail["role"] for f in book.all("approval.given", before=sent.n, about=red["notice_id"])}
    kind, important = (read_at(book, sent.recorded_at, name) for name in ("customer_class", "important"))
    if kind and law.levels(kind, red["amount"]) - given:
        yield Breach("R-12", f"{sent.about} was sent without every approval")
    filed = book.all("filing.recorded", before=sent.n, about=red["notice_id"], purpose="filing")
    if important and not filed:
        yield Breach("R-14", f"{sent.about} was sent without a filing")
    deliverers = {f.actor_id for f in book.all("notice.delivered", about=red["notice_id"])}
    if sent.detail["sent_by"] not in deliverers:
        yield Breach("R-15", f"{sent.about} goes out in the name of {sent.detail['sent_by']}, not of who served")
    if book.settled(red["bills"], sent.recorded_at - ASKED_WITHIN, sent.recorded_at) and book.calm:
        yield Breach("R-11", f"{sent.about} was sent although the bills were settled")


_FORWARD = ("notice.issued", "approval.asked", "approval.given", "permit.granted")


def _nothing_forward_while_held(book: Book) -> Iterator[Breach]:
    for fact in book.facts:
        if fact.what in _FORWARD or (fact.what == "ticket.sent" and fact.detail["kind"] == "cut"):
            if held := held_by(book, fact.n):
                yield Breach("R-04", f"{fact.what} {fact.about} while {', '.join(sorted(held))} stood")
            if OUR_SUPPLY in meters_without_supply(book, fact.n):
                yield Breach("R-02", f"{fact.what} {fact.about} in the dark")


def _crews_have_answered(book: Book) -> Iterator[Breach]:
    """A case closes only when the crew, or the team leader for it, has answered for every permit."""
    if book.case.get("stage") != "closed":
        return
    for grant in book.all("permit.granted"):
        ticket = grant.detail["ticket_id"]
        answers = [c for c in book.all("cut.reported") if supply_of(book, c) == OUR_SUPPLY and c.n > grant.n]
        answers += [f for f in book.all("not_cut.reported", about=ticket) if f.n > grant.n]
        answers += [f for f in book.all("meter.uncertain", about=ticket) if f.n > grant.n]
        answers += [f for f in book.all("escalation.acknowledged", kind="permit_unanswered") if f.n > grant.n]
        if not answers:
            yield Breach("R-18", f"closed, and nobody has answered for permit {grant.about}")


# ---- once each ---------------------------------------------------------------------------------

_ONCE = (
    "notice.issued",
    "notice.served",
    "notice.void",
    "notice.refused",
    "ticket.sent",
    "ticket.recalled",
    "permit.granted",
    "permit.lapsed",
    "supply.restored",
    "incident.opened",
    "incident.closed",
    "approvals.complete",
    "payment.hint",
    "payment.reversed",
    "hold.lifted",
    "bill.overdue",
    "half_hour.reached",
)
_OPPOSITE = {"payment.hint": "payment.reversed", "payment.reversed": "payment.hint", "hold.lifted": "hold.placed"}
"""After its opposite a thing may happen again under the same id (R-31)."""
_TOLD_AGAIN = (
    *("reassigned to you", "ticket taken over", "verify the meter", "report asked", "ticket amended"),
    *("reported restored: confirm it", "announced payments never booked"),
)


def _happening(book: Book, fact: Fact) -> tuple[object, ...]:
    """What makes a thing another one than the last under that id."""
    opposite = _OPPOSITE.get(fact.what)
    since = len(book.all(opposite, before=fact.n, about=fact.about)) if opposite else 0
    said = (fact.detail.get("amount"), fact.detail.get("channel")) if fact.what == "payment.hint" else ()
    return fact.about, since, *said


def _once_each(book: Book) -> Iterator[Breach]:
    for what in _ONCE:
        for (about, *_), times in Counter(_happening(book, f) for f in book.all(what)).items():
            if times > 1:
                yield Breach("R-30", f"{what} of {about} is recorded {times} times")
    for table, what in (("notices", "notice.issued"), ("tickets", "ticket.sent"), ("incidents", "incident.opened")):
        rows, facts = set(getattr(book, table)), {f.about for f in book.all(what)}
        if rows != facts:
            yield Breach("R-30", f"{table} and evidence differ: {sorted(map(str, rows ^ facts))}")
    for (role, subject, about), times in Counter(
        (m["to_role"], m["subject"], m["about"]) for m in book.messages if m["about"]
    ).items():
        if times > 1 and subject not in _TOLD_AGAIN:
            yield Breach("R-30", f"{role} was told {times} times: {subject} {about}")
    for row_id, row in (book.notices | book.tickets).items():
        papers = [f.detail["sha256"] for f in book.papers if f.about == row_id and f.detail["kind"] == row["kind"]]
        if papers != [row["document_sha256"]]:
            yield Breach("R-30", f"the papers of {row_id} are {papers}, its row says {row['document_sha256']}")
    for ticket in book.tickets.values():
        if not ticket["text_zh"]:
            yield Breach("R-15", f"ticket {ticket['ticket_id']} has no text")
        if ticket["kind"] == "restore" and ticket["state"] == "recalled":
            yield Breach("R-24", f"restoration ticket {ticket['ticket_id']} was recalled")


def _chain(book: Book) -> Iterator[Breach]:
    keys = [row["key"] for row in book.chain]
    if len(keys) != len(set(keys)):
        yield Breach("R-30", "a key stands twice in the chain")
    for place, row in enumerate(book.chain, start=1):
        before = book.chain[place - 2]["hash"] if place > 1 else "0" * 64
        if row["seq"] != place or row["prev_hash"] != before:
            yield Breach("R-30", f"the chain is broken at {place}")
    kinds: dict[str, set[str]] = {}
    for key in (row["key"] for row in book.chain if row["what"] != "paper.filed"):
        kind, _, number = key.partition("~")[0].rpartition("/")
        kinds.setdefault(kind, set()).add(number)
    for kind, numbers in kinds.items():
        if numbers != {str(n) for n in range(1, len(numbers) + 1)}:
            yield Breach("R-30", f"evidence is missing, or stands twice: {kind} {sorted(numbers)}")
