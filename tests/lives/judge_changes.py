"""R-32 to R-34: the customer's record as it is now, ids as people type them, a neighbour's meter found cut."""

import json
from collections.abc import Iterator
from datetime import datetime

from tests.lives import law
from tests.lives.book import Book, Fact, Row
from tests.lives.judge_cut import A_MOMENT, OUR_SUPPLY, Breach, ends_supply, supply_of
from tests.lives.record import ASKED_WITHIN, FIELDS, PERSONAL, differs, is_ours, read_at


def judge_changes(book: Book) -> Iterator[Breach]:
    """What changed in the record, in the spelling of an id, or next door."""
    yield from _changes_are_found(book)
    yield from _changes_are_real(book)
    yield from _nothing_personal(book)
    yield from _notices_serve_the_holder(book)
    yield from _attempts_ended_by_changes(book)
    yield from _ours_is_no_strangers(book)
    yield from _reports_count(book)
    yield from _neighbours(book)


# ---- the record ----------------------------------------------------------------------------


def _readings(book: Book) -> list[Fact]:
    """Steps before which the record was read: no step comes of a question that was not answered."""
    return [
        f
        for f in book.facts
        if f.what == "notice.issued" or (f.what == "billing.checked" and f.detail["answer"] != "no_answer")
    ]


def _fields_changed(before: Row, after: Row) -> set[str]:
    return {name for name in FIELDS if differs(before[name], after[name])}


def _changes_are_found(book: Book) -> Iterator[Breach]:
    """What certainly differs at a reading from the reading before it is on record by then."""
    readings = _readings(book)
    opened = book.facts[0]
    for before, now in zip([opened, *readings], readings, strict=False):
        for name in FIELDS:
            was, is_ = (_certain(book, f.recorded_at, name) for f in (before, now))
            if was is None or is_ is None or not differs(was[0], is_[0]):
                continue
            told = [
                f
                for f in book.all("customer.changed")
                if name in f.detail["fields"]
                and before.recorded_at - ASKED_WITHIN <= f.recorded_at <= now.recorded_at + A_MOMENT
            ]
            if not told:
                yield Breach("R-32", f"{name} had changed at {now.what} {now.about}, and the case did not take it over")


def _certain(book: Book, at: datetime, name: str) -> tuple[object] | None:
    """A field as it certainly was when it was read about then; None where it changed meanwhile."""
    values = [version[name] for version in book.records(at - ASKED_WITHIN, at + A_MOMENT)]
    return (values[0],) if values and all(v == values[0] for v in values) else None


def _changes_are_real(book: Book) -> Iterator[Breach]:
    """A change that the case records lies between two versions of the record; a spelling is no change."""
    for fact in book.all("customer.changed"):
        versions = [row for one, row in book.changed("customers") if row and one.not_before <= fact.recorded_at]
        real = {name for one in versions for other in versions for name in _fields_changed(one, other)}
        if not set(fact.detail["fields"]) <= real:
            yield Breach("R-32", f"recorded as changed: {fact.detail['fields']}, and changed are {sorted(real)}")
        if not book.notified("team_leader", _report_of(book, fact)):
            yield Breach("R-32", f"the team leader was not told that {fact.detail['fields']} changed")


def _report_of(book: Book, fact: Fact) -> str:
    reports = [f for f in book.all("escalation.raised", kind="record_changed") if f.recorded_at >= fact.recorded_at]
    return str(reports[0].about) if reports else ""


def _nothing_personal(book: Book) -> Iterator[Breach]:
    """Evidence names no value of a name, an address, a telephone or a mailbox."""
    values = {str(row[name]) for _, row in book.changed("customers") if row for name in PERSONAL[:4] if row[name]}
    for fact in book.facts:
        text = json.dumps(fact.detail, ensure_ascii=False)
        if found := sorted(value for value in values if value in text):
            yield Breach("R-32", f"{fact.what} {fact.about} holds {found}")


def _notices_serve_the_holder(book: Book) -> Iterator[Breach]:
    """What was served on a former holder serves nobody else; a red notice does not outlive a change of address."""
    for change in book.all("customer.changed"):
        fields = set(change.detail["fields"])
        kinds = {"yellow", "red"} if "name" in fields else {"red"} if "address" in fields else set()
        for issued in book.all("notice.issued", before=change.n):
            row = book.notices[str(issued.about)]
            if row["kind"] not in kinds or issued.recorded_at >= change.recorded_at:
                continue
            void = book.all("notice.void", about=issued.about)
            over = [f for f in void if f.recorded_at <= change.recorded_at + A_MOMENT] or _used_up(book, issued, change)
            if not over:
                yield Breach("R-32", f"{issued.about} outlived a change of {sorted(fields)}")


def _used_up(book: Book, issued: Fact, change: Fact) -> bool:
    """Whether a cut, or the end of the debt, had used the notice up by then."""
    ends = [*book.all("cut.reported", before=change.n, lawful=True), *book.all("case.closed"), *book.all("withdrawn")]
    newer = [f for f in book.all("notice.issued", before=change.n, kind=issued.detail["kind"]) if f.n > issued.n]
    return any(f.n > issued.n for f in ends) or bool(newer)


_ENDED = ("holder", "address", "meter", "unit", "class")


def _attempts_ended_by_changes(book: Book) -> Iterator[Breach]:
    """After as many attempts ended by changes as notices may be issued again, the case waits for a person."""
    ended: set[datetime] = set()
    changed = {f.recorded_at for f in book.all("customer.changed")}
    for fact in book.facts:
        if fact.what == "notice.void" and fact.recorded_at in changed and not fact.detail["counted"]:
            if any(word in str(fact.detail["reason"]) for word in _ENDED):
                ended.add(fact.recorded_at)
        elif fact.what == "serve_again.requested":
            ended.clear()
        elif fact.what == "notice.issued" and len(ended) >= law.REISSUES:
            yield Breach("R-32", f"{fact.about} follows {len(ended)} attempts ended by changes, and no person decided")


# ---- ids as people type them ---------------------------------------------------------------


def _ours_is_no_strangers(book: Book) -> Iterator[Breach]:
    """A report about the customer's own meter is about him, however it is spelled."""
    for incident in book.all("incident.opened", kind="wrong_meter"):
        found = [
            f for f in book.facts if f.recorded_at == incident.recorded_at and f.what in ("cut.found", "cut.reported")
        ]
        certain = [f for f in found if law.spelled(f.detail["meter_id"]) == _meter_now(book, f)]
        if found and len(certain) == len(found):
            yield Breach("R-33", f"{found[0].detail['meter_id']} is his meter, and counts as another customer's")
    for cut in book.all("cut.reported", lawful=False):
        grants = [g for g in book.all("permit.granted", before=cut.n) if g.detail["ticket_id"] and _explains(g, cut)]
        stopped = {f.about for f in book.all("permit.revoked") + book.all("permit.lapsed") if f.recorded_at <= cut.at}
        used = {c.detail.get("permit_id") for c in book.all("cut.reported", before=cut.n, lawful=True)}
        live = [g for g in grants if g.about not in stopped | used]
        crew = cut.actor_role == "field_crew" and cut.detail.get("permit_id") in (None, *(g.about for g in live))
        if live and crew and law.spelled(cut.detail["meter_id"]) == law.spelled(live[0].detail["meter_id"]):
            yield Breach("R-33", f"the cut of {cut.detail['meter_id']} under {live[0].about} counts as unlawful")


def _explains(grant: Fact, cut: Fact) -> bool:
    return grant.recorded_at <= cut.at < grant.moment("valid_until")


def _meter_now(book: Book, fact: Fact) -> str:
    meter = read_at(book, fact.recorded_at, "meter_id")
    return law.spelled(meter) if meter else ""


def _reports_count(book: Book) -> Iterator[Breach]:
    """Supply that a unit with the ticket reports restored is restored, however the unit is spelled."""
    for report in book.all("supply.reported"):
        ticket = book.tickets.get(str(report.about))
        if ticket is None or ticket["kind"] != "restore" or report.actor_role != "field_crew":
            continue
        counted = [f for f in book.all("supply.restored") if f.about == report.about and f.n < report.n]
        unit = report.actor_unit
        if (
            not counted
            and unit
            and law.spelled(unit) == law.spelled(ticket["field_unit"])
            and report.at >= ticket["sent_at"]
        ):
            yield Breach("R-33", f"{unit} holds {report.about} and reported it restored, which did not count")


# ---- next door -------------------------------------------------------------------------------


def _neighbours(book: Book) -> Iterator[Breach]:
    names = {str(row[name]) for _, row in book.changed("customers") if row for name in ("name", "address")}
    for ticket in book.tickets.values():
        if ticket["kind"] == "restore" and not is_ours(book, ticket["meter_id"], ticket["sent_at"]):
            text = f"{ticket['text_zh']} {ticket['text_en']}"
            if told := sorted(name for name in names if name in text):
                yield Breach("R-34", f"{ticket['ticket_id']} for {ticket['meter_id']} tells {told}")
            if f"{book.account_id}-N" not in text and "account unknown" not in text and "户号待查" not in text:
                yield Breach("R-34", f"{ticket['ticket_id']} for {ticket['meter_id']} names no account")
    ours = [f for f in book.facts if ends_supply(f) and supply_of(book, f) == OUR_SUPPLY]
    if not ours and book.case.get("cut_at"):
        yield Breach("R-34", "only a neighbour's meter was cut, and the case has a time of cut")
    if not ours and book.case.get("outcome") == "restored":
        yield Breach("R-34", "only a neighbour's supply was restored, and the case closed as restored")
