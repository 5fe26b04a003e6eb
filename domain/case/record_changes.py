"""What a changed record of the customer means for a case: what has changed, and what follows, in order (R-32)."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, get_args

from domain.case import demands_of_class, restoring_after_change
from domain.case.attempt import attempt_ended_by_a_change, end_attempt, recall_cut_ticket, void_notice
from domain.case.entities import Notice
from domain.case.escalations import close_escalations, raise_escalation
from domain.case.facts import CaseFacts
from domain.case.identity import same
from domain.case.new_holder import a_new_holder_makes_restoration_due
from domain.case.record_history import FormerMeter
from domain.case.rulings.steering import notify_of_transfer
from domain.customer import Account, AccountField, PersonalField, RecordField, RecordRead
from domain.record.reasons import ReasonCode, because
from domain.same_words import bare_words, same_words
from domain.vocabulary import Role
from domain.words import FIELDS, FOLLOWS, words_of

_ACCOUNT_FIELDS: tuple[AccountField, ...] = get_args(AccountField)
_BY_HAND: tuple[AccountField, ...] = ("reader", "team_leader", "field_unit")
"""What `reassign` may have set: it stands until billing's own value changes (R-32)."""
_HANDED_OVER: dict[AccountField, tuple[Role, ...]] = {
    "reader": ("reader",),
    "team_leader": ("team_leader",),
    "reading_centre": ("reader", "team_leader"),
    "business_station": ("station_head",),
}
"""Who is notified that the account is his now; the field unit, where it holds a ticket."""


def take_record(facts: CaseFacts, read: RecordRead, now: datetime) -> CaseFacts:
    """Billing has given the customer's record: what has changed counts from now on (R-32).

    The order is the order of the acts. A crew is stopped first, under the unit that sent it. Then the account is
    replaced, so that whoever answers for it now learns of what ended and of what is to be done.
    """
    if facts.present_since is None or read.account.account_id != facts.account.account_id:
        return facts
    before, known = facts, _last_named(facts, read.account)
    changed = _changed_fields(known, read, personal=read.number != facts.record_number)
    news = {name: getattr(read.account, name) for name in Account.model_fields if name not in _unchanged(changed)}
    facts = facts.but(record=known.model_copy(update=news), record_number=read.number, record_read_at=now)
    account = facts.account.model_copy(update=news)
    if not changed:
        return facts.but(account=account)
    facts = _noted(facts, known, read, changed, now)
    ends = _why_the_attempt_ends(facts, account, changed, now)
    if ends:
        facts = recall_cut_ticket(facts, now, because(ends))
    facts = _taken_over(facts, account, changed, now)
    facts = _attempt_ends(facts, ends, now)
    facts = demands_of_class.ask_for_more(before, facts, now)
    facts = restoring_after_change.tell_the_crew(before, facts, changed, now)
    facts = a_new_holder_makes_restoration_due(facts, now)
    facts = _handed_over(before, facts, now)
    return _team_leader_is_notified(before, facts, changed, now)


# ---- what has changed -------------------------------------------------------------------------


def _last_named(facts: CaseFacts, named: Account) -> Account:
    """The account as billing last named it.

    A case from before knows only what counted. What a person may have reassigned in it is left as it is.
    """
    if facts.record is not None:
        return facts.record
    by_hand = _BY_HAND if any(key.startswith("reassigned/") for key in facts.counters) else ()
    return facts.account.model_copy(update={name: getattr(named, name) for name in by_hand})


def _changed_fields(known: Account, read: RecordRead, *, personal: bool) -> tuple[RecordField, ...]:
    """What differs from the record that this case last took over; `personal`: it is another version than that."""
    fields: dict[RecordField, None] = dict.fromkeys(read.changed if personal else ())
    for name in _ACCOUNT_FIELDS:
        if not _same(getattr(known, name), getattr(read.account, name)):
            fields[name] = None
    return tuple(fields)


def _same(one: Any, other: Any) -> bool:
    """As words are the same; an id of nothing but marks is compared exactly."""
    if isinstance(one, str) and isinstance(other, str) and bare_words(one):
        return same_words(one, other)
    return bool(one == other)


def _unchanged(changed: tuple[RecordField, ...]) -> set[str]:
    return {name for name in _ACCOUNT_FIELDS if name not in changed}


def _noted(
    facts: CaseFacts, known: Account, read: RecordRead, changed: tuple[RecordField, ...], now: datetime
) -> CaseFacts:
    """Evidence names what has changed; of name, address, phone and mail it has no value."""
    shown = [name for name in _ACCOUNT_FIELDS if name in changed]
    return facts.noted(
        now,
        "customer.changed",
        about=facts.account.account_id,
        fields=changed,
        before={name: getattr(known, name) for name in shown} or None,
        after={name: getattr(read.account, name) for name in shown} or None,
        record=read.number,
    )


# ---- what ends --------------------------------------------------------------------------------

_Ends = Callable[[CaseFacts, Account, datetime], bool]


def _why_the_attempt_ends(
    facts: CaseFacts, account: Account, changed: tuple[RecordField, ...], now: datetime
) -> ReasonCode | None:
    """The first of these reasons that holds; each has the one that goes furthest before it."""
    reasons: tuple[tuple[ReasonCode, bool, _Ends], ...] = (
        ("holder_changed", "name" in changed, _always),
        ("address_changed", "address" in changed, _always),
        ("meter_changed", "meter_id" in changed, _approved_or_out),
        ("another_unit", "field_unit" in changed, _ticket_lies_elsewhere),
        ("class_changed", bool({"customer_class", "important"} & set(changed)), demands_of_class.ends_the_attempt),
    )
    return next((code for code, concerned, ends in reasons if concerned and ends(facts, account, now)), None)


def _always(_facts: CaseFacts, _account: Account, _now: datetime) -> bool:
    return True


def _approved_or_out(facts: CaseFacts, _account: Account, _now: datetime) -> bool:
    """An approval is for the meter that it was given for; a ticket names one (R-13, R-20)."""
    red = facts.red
    return red is not None and (
        facts.cut_ticket is not None
        or any(a.notice_id == red.notice_id and a.decision == "approved" for a in facts.approvals)
    )


def _ticket_lies_elsewhere(facts: CaseFacts, account: Account, _now: datetime) -> bool:
    return facts.cut_ticket is not None and not same(facts, facts.cut_ticket.field_unit, account.field_unit)


def _attempt_ends(facts: CaseFacts, ends: ReasonCode | None, now: datetime) -> CaseFacts:
    """Void what serves nobody any more; none of it counts towards `max_reissues`, the attempts are counted apart."""
    void = _void_with(facts, ends)
    if ends is None or not void:
        return facts
    reason = because(ends)
    for notice in void:
        if notice.kind == "red":
            facts = end_attempt(facts, now, reason, counted=False, reported=False)
        else:
            facts = void_notice(facts, notice.notice_id, now, reason, counted=False, reported=False)
    if ends == "holder_changed" and not facts.cuts_off and facts.withdrawn is None:
        facts = facts.but(stage="yellow_notice")
    return attempt_ended_by_a_change(facts)


def _void_with(facts: CaseFacts, ends: ReasonCode | None) -> list[Notice]:
    """The standing notices that serve nobody any more: red ones always, yellow ones as the reason says."""
    yellow, red = facts.yellow, facts.red
    goes_too = yellow is not None and (
        ends == "holder_changed" or (ends == "address_changed" and yellow.delivered_at is None)
    )
    return [notice for notice in (red, yellow if goes_too else None) if notice is not None]


# ---- what counts from now on ------------------------------------------------------------------


def _taken_over(facts: CaseFacts, account: Account, changed: tuple[RecordField, ...], now: datetime) -> CaseFacts:
    """The account as it counts now; meters, classes and holders of before leave their traces."""
    former, records = facts.account, facts.records
    traces: dict[str, Any] = {"changed": {**records.changed, **dict.fromkeys(changed, now)}}
    if former.meter_id != account.meter_id:
        traces["meters"] = (*records.meters, FormerMeter(meter_id=former.meter_id, until=now))
    if "name" in changed:
        traces["holder_since"] = now
    facts = demands_of_class.remember(facts.but(records=records.model_copy(update=traces)), account, now)
    if former.field_unit != account.field_unit:
        facts = facts.but(slot=None)  # the day was booked with another unit
    return facts.but(account=account)


def _handed_over(before: CaseFacts, facts: CaseFacts, now: datetime) -> CaseFacts:
    """As if reassigned: whoever answers for the account now is notified."""
    roles = dict.fromkeys(
        role
        for name, those in _HANDED_OVER.items()
        if getattr(before.account, name) != getattr(facts.account, name)
        for role in those
    )
    for role in roles:
        facts = notify_of_transfer(facts, now, role, facts.account.account_id)
    return facts


def _team_leader_is_notified(
    before: CaseFacts, facts: CaseFacts, changed: tuple[RecordField, ...], now: datetime
) -> CaseFacts:
    """One report says what has changed and what is to be done; one that nobody has read yet goes into it."""
    unread = [e for e in facts.escalations if e.kind == "record_changed" and e.state == "open"]
    fields = tuple(f for f in FIELDS if f in {*changed, *(f for e in unread for f in e.fields)})
    reason = because(
        "record_changed",
        fields=words_of(FIELDS, fields, "en"),
        follows="; ".join(FOLLOWS[key].en for key in _what_follows(before, facts, changed)),
    )
    facts = close_escalations(facts, kind="record_changed")
    void = [n.notice_id for n in before.notices if n.stands and not _stands(facts, n)]
    facts, _ = raise_escalation(
        facts,
        now,
        "record_changed",
        "team_leader",
        notice_id=void[-1] if void else None,
        subject=reason,
        fields=tuple(changed) if not unread else _fields(fields),
    )
    return facts


def _fields(names: tuple[str, ...]) -> tuple[RecordField, ...]:
    known: tuple[RecordField, ...] = (*get_args(PersonalField), *_ACCOUNT_FIELDS)
    return tuple(name for name in known if name in names)


def _stands(facts: CaseFacts, notice: Notice) -> bool:
    after = facts.notice(notice.notice_id)
    return after is not None and after.stands


def _what_follows(before: CaseFacts, facts: CaseFacts, changed: tuple[RecordField, ...]) -> list[str]:
    """What is to be done after the change, as keys of FOLLOWS."""
    void = {n.kind for n in before.notices if n.stands and not _stands(facts, n)}
    due_before = {c.cut_id for c in before.cuts_off if c.restore_since}
    tickets = [(t, facts.ticket(t.ticket_id)) for t in before.tickets if t.live and t.kind == "restore"]
    units = {f for f, roles in _HANDED_OVER.items() if f in changed} | ({"field_unit"} & set(changed))
    follows = {
        "new_yellow": "name" in changed and bool(void),
        "new_red": "name" not in changed and "red" in void,
        "new_notice": "name" not in changed and "yellow" in void,
        "restore_unpaid": any(c.new_holder and c.cut_id not in due_before for c in facts.cuts_off),
        "ticket_names_meter": any(after and after.meter_id != t.meter_id for t, after in tickets),
        "both_units": any(after and after.also_held_by != t.also_held_by for t, after in tickets),
        "more_demanded": demands_of_class.more_is_demanded(before, facts),
        "handed_over": bool(units),
        "serve_again": facts.needs_person is not None and before.needs_person is None,
    }
    return [key for key, holds in follows.items() if holds] or ["use_it"]
