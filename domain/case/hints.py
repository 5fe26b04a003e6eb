"""Messages that hint at a changed debt: which are new, when billing is asked for a copy, and by when it must answer.

An id makes an effect happen once, and never makes the case deaf (R-31): for every such message billing is asked.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from domain.case.attempt import revoke_permit
from domain.case.entities import Copies, Unanswered
from domain.case.facts import CaseFacts
from domain.record.reasons import because

ANSWERED_WITHIN = timedelta(seconds=15)
"""After a message that came with a permit open; then the permit is revoked."""
ASKED_WITHIN = timedelta(seconds=2)
"""After a copy, with a permit open or supply off."""
LONGEST_PAUSE = 60
"""Seconds between two questions for copies of one message."""
QUIET = 2
"""After so many pauses without a copy, the pause falls back to its start."""
CONTENTS_KEPT = 100
"""Of one id; a feeder that runs wild costs no case its workflow tasks."""
_TOGETHER = timedelta(seconds=1)
"""Messages so near to each other share one time by which billing must have answered."""


def heard(facts: CaseFacts, key: str, content: str, now: datetime) -> tuple[CaseFacts, bool]:
    """Remember a message by its id and content, and whether it is new; for a copy, have billing asked.

    What was remembered before R-31 counted has no content: such an id may announce anything, and is new once more.
    """
    spent = facts.answers.get(key)
    if facts.present_since is None:
        return (facts, False) if spent is not None else (_remembered(facts, key, {}), True)
    contents = spent.get("said", ()) if spent else ()
    if content in contents:
        return copied(facts, f"{key}/{content}", now), False
    return _remembered(facts, key, {"said": [*contents, content][-CONTENTS_KEPT:]}), True


def forgotten(facts: CaseFacts, key: str) -> CaseFacts:
    """What comes under this id next is new: a payment after its reversal, and the other way round."""
    if facts.present_since is None or key not in facts.answers:
        return facts
    return facts.but(answers={k: v for k, v in facts.answers.items() if k != key})


def _remembered(facts: CaseFacts, key: str, value: dict[str, list[str]]) -> CaseFacts:
    return facts.but(answers={**facts.answers, key: value})


def hinted(facts: CaseFacts, now: datetime, amount: Decimal = Decimal("0.00")) -> CaseFacts:
    """Have billing asked for a message that is no copy."""
    facts = facts.but(hints=facts.hints + 1, announced=facts.announced + amount)
    if facts.present_since is None:
        return facts
    facts = facts.but(on_hints=facts.on_hints.model_copy(update={"news": facts.hints}))
    return _awaiting_an_answer(facts, now)


# ---- what time brings about ---------------------------------------------------------------------


def billing_is_asked_and_must_answer(facts: CaseFacts, now: datetime) -> CaseFacts:
    """Copies are asked for once their pause is over; billing that is silent too long costs an open permit."""
    if (at := _asked_at(facts)) is not None and at <= now:
        facts = copies_go_along(facts, now)
    if (by := _answer_due(facts)) is not None and by <= now:
        came = facts.on_hints.unanswered[0].at
        facts = revoke_permit(facts, now, because("hint_unanswered"), unanswered_since=came)
    return facts


def asking_times(facts: CaseFacts) -> list[tuple[datetime, str]]:
    """When billing is asked for the copies that wait, and by when it must have answered while a permit is open."""
    times = (
        (_asked_at(facts), "II.6 ask billing for what came again"),
        (_answer_due(facts), "II.6 billing must have answered"),
    )
    return [(at, why) for at, why in times if at is not None]


# ---- copies -----------------------------------------------------------------------------------


def copied(facts: CaseFacts, message: str, now: datetime) -> CaseFacts:
    """Have billing asked for a copy: at once, then after pauses that grow while copies go on coming."""
    kept = facts.on_hints
    known = kept.copies.get(message)
    if known is not None and known.waits:
        return facts
    if known is None or now - known.asked_at >= QUIET * timedelta(seconds=known.pause):
        return _asked_for_a_copy(facts, message, Copies(asked_at=now, pause=1), now)
    due = known.asked_at + timedelta(seconds=known.pause)
    if due <= now:
        return _asked_for_a_copy(facts, message, _after_a_longer_pause(known, now), now)
    waiting = {
        "copies": {**kept.copies, message: known.model_copy(update={"waits": True})},
        "ask_at": min(kept.ask_at or due, due),
        "waits_since": kept.waits_since or now,
    }
    return facts.but(on_hints=kept.model_copy(update=waiting))


def _asked_for_a_copy(facts: CaseFacts, message: str, copies: Copies, now: datetime) -> CaseFacts:
    kept = facts.on_hints
    facts = facts.but(
        hints=facts.hints + 1, on_hints=kept.model_copy(update={"copies": {**kept.copies, message: copies}})
    )
    return _awaiting_an_answer(facts, now)


def _after_a_longer_pause(copies: Copies, now: datetime) -> Copies:
    """Asked for now. Copies that came together with the one that was just asked for lengthen no pause."""
    pause = copies.pause if copies.asked_at == now else min(copies.pause * 2, LONGEST_PAUSE)
    return Copies(asked_at=now, pause=pause)


def copies_go_along(facts: CaseFacts, now: datetime) -> CaseFacts:
    """A question to billing is asked now, for every copy that waits too. Copies that have ended are forgotten."""
    kept = facts.on_hints
    if not kept.copies:
        return facts
    copies = {
        message: _after_a_longer_pause(known, now) if known.waits else known
        for message, known in kept.copies.items()
        if known.waits or now - known.asked_at < QUIET * timedelta(seconds=known.pause)
    }
    since = kept.waits_since
    if since is None and len(copies) == len(kept.copies):
        return facts
    facts = facts.but(on_hints=kept.model_copy(update={"copies": copies, "ask_at": None, "waits_since": None}))
    return facts if since is None else _awaiting_an_answer(facts.but(hints=facts.hints + 1), since)


def _asked_at(facts: CaseFacts) -> datetime | None:
    kept = facts.on_hints
    if kept.ask_at is None or kept.waits_since is None:
        return None
    urgent = facts.open_permit is not None or bool(facts.cuts_off)
    return min(kept.ask_at, kept.waits_since + ASKED_WITHIN) if urgent else kept.ask_at


def copies_wait(facts: CaseFacts) -> bool:
    """A copy has come, and no question has been asked since."""
    return facts.on_hints.ask_at is not None


def only_copies_ask(facts: CaseFacts) -> bool:
    """Billing is to be asked, and for nothing but copies. (Where supply is off, it is asked at once for anything.)"""
    if facts.present_since is None or facts.cuts_off:
        return False
    return facts.debt_is_stale and not news_asks(facts)


def news_asks(facts: CaseFacts) -> bool:
    """Billing is to be asked for a message that is no copy."""
    return facts.on_hints.news > facts.hints_answered


# ---- by when billing must answer --------------------------------------------------------------


def _awaiting_an_answer(facts: CaseFacts, came: datetime) -> CaseFacts:
    """With a permit open billing must answer soon; messages that came together are waited for together."""
    permit, waiting = facts.open_permit, facts.on_hints.unanswered
    if permit is None:
        return facts
    at = max(came, permit.given_at)
    if waiting and at - waiting[-1].at < _TOGETHER:
        waiting, at = waiting[:-1], waiting[-1].at
    latest = Unanswered(hint=facts.hints, at=at)
    return facts.but(on_hints=facts.on_hints.model_copy(update={"unanswered": (*waiting, latest)}))


def answered(facts: CaseFacts) -> CaseFacts:
    """Billing has answered for so many hints: it is waited for the later ones alone."""
    waiting = facts.on_hints.unanswered
    left = tuple(one for one in waiting if one.hint > facts.hints_answered)
    return facts if left == waiting else facts.but(on_hints=facts.on_hints.model_copy(update={"unanswered": left}))


def _answer_due(facts: CaseFacts) -> datetime | None:
    permit, waiting = facts.open_permit, facts.on_hints.unanswered
    if permit is None or not waiting:
        return None
    due = waiting[0].at + ANSWERED_WITHIN
    return due if due < permit.valid_until else None
