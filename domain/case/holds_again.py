"""A hold placed or lifted under an id that was used before: whether it changes anything, and why not (R-04, R-31)."""

from datetime import datetime

from domain.case.entities import Hold
from domain.case.facts import CaseFacts
from domain.contract.signals import HoldLifted, HoldPlaced
from domain.law import clock
from domain.law.clock import CLOCK_SKEW


def signalled_at(at: datetime | None, now: datetime) -> datetime:
    """The time that a signal states; one too far ahead is kept as the time of arrival."""
    return at if at is not None and at <= now + CLOCK_SKEW else now


def why_not_again(facts: CaseFacts, hold: Hold, message: HoldPlaced, now: datetime) -> str | None:
    """Why a hold that is placed again does not stand anew; None if it does.

    While it stands, a placing changes it only by a later end. Lifted, it stands again for a time after the lifting.
    """
    if hold.stands:
        return None if _lasts_longer(hold, message) else f"hold {hold.hold_id} stands already"
    over = f"hold {hold.hold_id} was over at {clock.local_words(ended(hold), facts.policy)}"
    if message.kind == "moratorium":
        return f"{over}; whether the moratorium stands again, the register says"
    if hold.hold_id in facts.lifted_early:
        return over if lifted_before_it_came(facts, message) else None
    return None if signalled_at(message.at, now) > ended(hold) else over


def ended(hold: Hold) -> datetime:
    """When a hold that stands no longer was lifted, or ran out."""
    at = hold.lifted_at or hold.ended_at
    assert at is not None, "it stands"
    return at


def _lasts_longer(hold: Hold, message: HoldPlaced) -> bool:
    if hold.listed or hold.until is None or hold.kind != message.kind:
        return False
    return message.until is None or message.until > hold.until


def placed_after(facts: CaseFacts, hold: Hold | None, message: HoldPlaced) -> datetime | None:
    """The lifting after which this placing stands: a copy of that lifting does not lift it."""
    if hold is None:
        return facts.lifted_early_at.get(message.hold_id)
    return hold.placed_after if hold.stands else ended(hold)


def doubted(facts: CaseFacts, hold: Hold, message: HoldPlaced, now: datetime) -> CaseFacts:
    """A moratorium that was over is signalled again: the register is read at once, and decides."""
    if message.kind != "moratorium" or hold.stands:
        return facts
    return facts.but(doubted={**facts.doubted, hold.hold_id: now})


def lifted_before_it_came(facts: CaseFacts, message: HoldPlaced) -> bool:
    """The lifting has overtaken the placing, which does not state a time after it."""
    if message.hold_id not in facts.lifted_early:
        return False
    if facts.present_since is None or message.at is None:
        return True
    lifted = facts.lifted_early_at.get(message.hold_id)
    return lifted is not None and message.at <= lifted


def why_not_lifted(facts: CaseFacts, hold: Hold | None, message: HoldLifted) -> str | None:
    """Why a lifting changes nothing; None if it lifts."""
    if hold is None:
        early = message.hold_id in facts.lifted_early
        return f"hold {message.hold_id} was lifted already, before it was placed" if early else None
    if not hold.stands:
        return f"hold {hold.hold_id} was over at {clock.local_words(ended(hold), facts.policy)}"
    if hold.placed_after is not None and message.at is not None and message.at <= hold.placed_after:
        placed = clock.local_words(hold.placed_at, facts.policy)
        return f"hold {hold.hold_id} has been placed again since, at {placed}"
    return None


def lifted_again(facts: CaseFacts, hold: Hold | None, message: HoldLifted, now: datetime) -> CaseFacts:
    """A lifting that changes nothing now may be later than the one known: a placing must lie after both."""
    at = signalled_at(message.at, now)
    if hold is None:
        known = facts.lifted_early_at.get(message.hold_id, at)
        return facts.but(lifted_early_at={**facts.lifted_early_at, message.hold_id: max(known, at)})
    if hold.stands:
        return facts
    return facts.with_hold(hold.hold_id, lifted_at=max(ended(hold), at))
